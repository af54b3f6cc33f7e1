"""Nothing passes while the parts of Airflow that would complain are not alive."""

import pytest

from fermata_hooks.airflow_api import ComponentHealth, Health
from fermata_hooks.verification import health
from fermata_hooks.verification._finding import Light

NOW = 1000.0
ALIVE = ComponentHealth(status="healthy", heartbeat=NOW - 3)
NEVER = ComponentHealth()


def components(**changed: ComponentHealth) -> Health:
    known = dict.fromkeys(("metadatabase", "scheduler", "dag_processor", "triggerer"), ALIVE)
    return Health(**(known | changed))


def test_scheduler_and_dag_processor_alive_pass_with_their_ages() -> None:
    found = health.judge(components(), now=NOW, api="v2")

    assert (found.check.verdict, found.light) == ("pass", Light.GREEN)
    assert found.check.numbers == {
        "scheduler_age": 3.0,
        "dag_processor_age": 3.0,
        "triggerer_age": 3.0,
    }


def test_a_triggerer_that_never_ran_is_no_obstacle() -> None:
    assert health.judge(components(triggerer=NEVER), now=NOW, api="v2").check.verdict == "pass"


def test_a_triggerer_that_has_stopped_is_named() -> None:
    stopped = ComponentHealth(status="unhealthy", heartbeat=NOW - 400)

    found = health.judge(components(triggerer=stopped), now=NOW, api="v2")

    assert found.check.verdict == "pass"
    assert "triggerer is unhealthy: deferred tasks wait" in found.check.message
    assert found.check.numbers["triggerer_age"] == 400.0


def test_on_airflow_2_the_dag_processor_may_be_a_part_of_the_scheduler() -> None:
    assert health.judge(components(dag_processor=NEVER), now=NOW, api="v1").check.verdict == "pass"


@pytest.mark.parametrize(
    ("api", "changed", "told"),
    [
        pytest.param(
            "v2",
            {"dag_processor": ComponentHealth(status="unhealthy", heartbeat=NOW - 400)},
            "dag_processor is unhealthy",
            id="crashed DAG processor",
        ),
        pytest.param(
            "v2", {"dag_processor": NEVER}, "dag_processor has never run", id="no DAG processor"
        ),
        pytest.param(
            "v1",
            {"dag_processor": ComponentHealth(status="unhealthy")},
            "dag_processor is unhealthy",
            id="Airflow 2 with a DAG processor of its own that crashed",
        ),
        pytest.param(
            "v1", {"scheduler": ComponentHealth(status="unhealthy")}, "scheduler", id="scheduler"
        ),
        pytest.param(
            "v2",
            {"dag_processor": ComponentHealth(status="healthy", heartbeat=NOW - 90)},
            "dag_processor was last alive 90s ago",
            id="healthy by its word, not by its heartbeat",
        ),
        pytest.param(
            "v2",
            {"metadatabase": ComponentHealth(status="unhealthy")},
            "metadatabase is unhealthy",
            id="database",
        ),
        pytest.param(
            "v2", {"scheduler": ComponentHealth(status="dormant")}, "is dormant", id="unknown word"
        ),
    ],
)
def test_what_is_not_alive_is_waited_for_and_never_passes(
    api: str, changed: dict[str, ComponentHealth], told: str
) -> None:
    found = health.judge(components(**changed), now=NOW, api=api)

    assert (found.check.verdict, found.light) == ("inconclusive", Light.WAITING)
    assert told in found.check.message
