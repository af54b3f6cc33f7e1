"""What a DagSet says of its DAGs, and how many of them it can hold."""

import json
from hashlib import sha256

from fermata_plugin.configmaps import check_size
from fermata_spec.dagset import dagset
from fermata_spec.plan import Plan, PlannedDag
from fermata_spec.problems import Problem


def plan_of(dags: int) -> Plan:
    """Return a plan of DAGs with ids and paths as teams choose them."""
    dag_ids = [f"team_{n % 40:02}__load_{n % 97:02}_daily_{n:05}" for n in range(dags)]
    return Plan(
        application="shop",
        revision="a" * 40,
        airflow_url="http://airflow",
        dags=tuple(
            PlannedDag(
                dag_id=dag_id,
                digest=sha256(dag_id.encode()).hexdigest()[:16],
                file=f"{dag_id[:7]}/daily/{dag_id}.py",
                evidence="doc_md",
            )
            for dag_id in dag_ids
        ),
    )


def problems_of(dags: int) -> list[Problem]:
    problems: list[Problem] = []
    check_size(dagset(plan_of(dags), name="fermata-shop"), "the DagSet", problems)
    return problems


def test_each_dag_is_named_with_its_digest_and_its_file() -> None:
    plan = plan_of(3)

    assert dagset(plan, name="x")["spec"]["dags"] == [
        {"dagId": dag.dag_id, "digest": dag.digest, "file": dag.file} for dag in plan.dags
    ]


def test_thousands_are_named_without_their_files() -> None:
    plan = plan_of(10_000)

    assert dagset(plan, name="x")["spec"]["dags"] == [
        {"dagId": dag.dag_id, "digest": dag.digest} for dag in plan.dags
    ]


def test_ten_thousand_dags_fit() -> None:
    assert problems_of(10_000) == []
    size = len(json.dumps(dagset(plan_of(10_000), name="x"), separators=(",", ":")))
    assert size < 800_000


def test_twenty_thousand_are_refused_with_the_numbers() -> None:
    (problem,) = problems_of(20_000)

    assert problem.rule == "too-large"
    assert "900000 fit" in problem.message
