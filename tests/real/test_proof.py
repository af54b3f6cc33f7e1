"""verify and smoke on a real Airflow: what they promise, with its own parsing and its own runs."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.demo.airflow_server import RunningAirflow
from fermata_hooks.termination import Termination
from real.sites import HASTY, POLICY, File, Site, check

pytestmark = [pytest.mark.airflow]

ENDLESS = replace(POLICY, deadline=3600.0)
STEADY = (File(dag_id="proof_steady"), File(dag_id="proof_python", python=True))


@pytest.fixture(scope="module")
def site(airflow: RunningAirflow) -> Iterator[Site]:
    """Two DAGs that Airflow has parsed, proven by the first verify of all."""
    clock = SystemClock(Termination())
    files = PasswordFiles(airflow.username_file, airflow.password_file)
    with AirflowApi(airflow.url, files, clock=clock) as api:
        site = Site(airflow, api)
        site.commit(*STEADY)
        first = site.sync()
        assert first.verdict == "pass", first
        yield site


@pytest.fixture(autouse=True)
def mended(site: Site) -> Iterator[None]:
    """Let a test that ends without a pass be followed by a revision that mends what it broke."""
    yield
    if site.status.unproven:
        site.commit(*STEADY)
        for dag_id in site.status.unproven:
            if dag_id not in {file.dag_id for file in STEADY}:
                site.commit(without=dag_id)
        done = site.sync()
        assert done.verdict == "pass", done


def test_a_changed_dag_is_proven_by_its_digest_in_the_serialized_dag(site: Site) -> None:
    site.commit(File(dag_id="proof_steady", number=1))

    done = site.sync()

    assert done.verdict == "pass", done
    assert "1 of 1 changed DAG shown by Airflow (doc_md 1)" in done.message


def test_a_changed_python_file_is_proven_by_its_text_and_a_further_parse(site: Site) -> None:
    site.commit(File(dag_id="proof_python", number=1, python=True))

    done = site.sync()

    assert done.verdict == "pass", done
    assert "(source 1)" in done.message


def test_a_change_that_was_not_applied_is_inconclusive(site: Site) -> None:
    site.commit(File(dag_id="proof_steady", number=9))

    done = site.sync(HASTY, apply=False)

    assert done.verdict == "inconclusive", done
    assert "not shown: proof_steady" in done.message


def test_a_new_dag_is_waited_for(site: Site) -> None:
    site.commit(File(dag_id="proof_new"))

    done = site.sync()

    assert done.verdict == "pass", done


def test_a_dag_that_does_not_come_is_missing(site: Site) -> None:
    site.commit(File(dag_id="proof_absent"))

    done = site.sync(HASTY, apply=False)

    assert done.verdict == "fail", done
    assert "1 missing: proof_absent (git/proof_absent.py)" in done.message


def test_an_operator_that_cannot_be_imported_fails_early_with_file_and_line(site: Site) -> None:
    site.commit(File(dag_id="proof_steady", number=2, first="from nowhere import Operator"))

    done = site.sync(ENDLESS)  # the test's own time ends before this deadline

    assert done.verdict == "fail", done
    assert "proof/proof_steady.py line 1: ModuleNotFoundError" in done.message
    assert "(DAG proof_steady, git/proof_steady.py)" in done.message
    assert any(
        "from nowhere import Operator" in line for line in check(done, "import errors").lines
    )
    assert done.failed == ("proof_steady",)


def test_a_removed_dag_is_proven_by_its_absence(site: Site) -> None:
    site.commit(File(dag_id="proof_short_lived"))
    assert site.sync().verdict == "pass"
    site.commit(without="proof_short_lived")

    done = site.sync()

    assert done.verdict == "pass", done
    assert "1 DAG removed: proof_short_lived" in check(done, "removed").message


def test_what_a_change_makes_of_a_dag_is_told(site: Site) -> None:
    site.commit(File(dag_id="proof_steady", number=3, task="toil"))

    done = site.sync()

    assert done.verdict == "pass", done
    assert check(done, "structure").message == "proof_steady: without work, with toil"


def test_what_airflow_warns_of_is_told(site: Site) -> None:
    kind = "runtime varying value"
    odd = File(dag_id="proof_odd", start="datetime.now()")
    if site.api.version().api == "v1":  # 3.x warns of no pool: its DAG processor knows none
        kind, odd = "non-existent pool", File(dag_id="proof_odd", pool="nobodys")
    site.commit(odd)

    done = site.sync()

    assert done.verdict == "pass", done
    assert f"proof_odd: {kind}: " in check(done, "warnings").message


def test_a_smoke_dag_runs_and_succeeds(site: Site) -> None:
    done = site.smoke("proof_steady")

    assert done.verdict == "pass", done
    assert done.message.startswith("proof_steady: success in ")


def test_a_failing_smoke_dag_shows_the_end_of_its_log(site: Site) -> None:
    site.commit(File(dag_id="proof_fails", body='raise ValueError("3 rows expected")'))
    assert site.sync().verdict == "pass"

    done = site.smoke("proof_fails")

    assert done.verdict == "fail", done
    assert "task work failed" in done.message
    assert "ValueError" in done.message
    log = "\n".join(done.checks[0].lines)
    assert "3 rows expected" in log
    assert "hunter2" not in log


def test_a_new_smoke_dag_that_airflow_pauses_is_inconclusive_at_once(site: Site) -> None:
    site.commit(File(dag_id="proof_paused", paused=True))
    assert site.sync().verdict == "pass"

    done = site.smoke("proof_paused")

    assert done.verdict == "inconclusive", done
    assert "say is_paused_upon_creation=False" in done.message
