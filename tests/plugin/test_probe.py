"""The probe of ``smoke.probe``: rendered with the files, or held against the one in git."""

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_cli.frame import run
from fermata_plugin.planning import Identity
from fermata_plugin.probe import probe_text, tasks
from fermata_plugin.render import Compiled, compile_checkout
from fermata_spec.config_proof import Probe
from fermata_spec.plan import parse_plan

FERMATA_YAML = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {{url: "http://airflow:8080"}}
files: {{include: ["dags/**"]}}
delivery: {delivery}
smoke: {{probe: {{pools: [default_pool], queues: [spark]{more}}}}}
"""
ETL = "from airflow.sdk import DAG\n\ndag = DAG('etl', schedule=None)\n"


def write(folder: Path, *, delivery: str = "configmap", more: str = "") -> Path:
    (folder / "dags").mkdir(exist_ok=True)
    (folder / "fermata.yaml").write_text(FERMATA_YAML.format(delivery=delivery, more=more))
    (folder / "dags" / "etl.py").write_text(ETL)
    return folder


def compiled(folder: Path) -> Compiled:
    return compile_checkout(str(folder), Identity("shop", "abc", "airflow"))


def findings(folder: Path) -> list[str]:
    return [str(problem) for problem in compiled(folder).problems]


def test_it_is_rendered_with_the_files_and_is_a_smoke_dag_of_the_plan(tmp_path: Path) -> None:
    made = compiled(write(tmp_path, more=", deadline: 90s"))

    assert made.problems == []
    assert made.plan is not None
    dags = {dag.dag_id: dag for dag in made.plan.dags}
    assert dags["fermata_probe"].file == "fermata_probe.py"
    text = made.manifests[0]["data"]["fermata_probe.py"]
    assert f"fermata:{dags['fermata_probe'].digest}" in text.splitlines()
    (smoke,) = made.plan.smoke.dags
    assert smoke.probes == {"pool-default_pool": "pool default_pool", "queue-spark": "queue spark"}
    assert smoke.deadline == 90.0


def test_it_knows_no_revision(tmp_path: Path) -> None:
    write(tmp_path)
    one, other = (
        compile_checkout(str(tmp_path), Identity("shop", revision, "airflow"))
        for revision in ("a" * 40, "b" * 40)
    )

    assert one.manifests[:2] == other.manifests[:2]


def test_nothing_is_rendered_where_nobody_asks_for_it(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "fermata.yaml").write_text(
        FERMATA_YAML.format(delivery="configmap", more="").partition("smoke")[0]
    )

    made = compiled(tmp_path)

    assert made.plan is not None
    assert [dag.dag_id for dag in made.plan.dags] == ["etl"]
    assert made.plan.smoke.dags == ()


def test_another_pool_is_another_digest() -> None:
    one, other = Probe(pools=("a",)), Probe(pools=("b",))

    assert probe_text(one).partition("fermata:")[2] != probe_text(other).partition("fermata:")[2]


def test_a_file_of_its_name_and_a_dag_of_its_id_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "dags" / "fermata_probe.py").write_text("x = 1\n")
    (tmp_path / "dags" / "other.py").write_text(ETL.replace("'etl'", "'fermata_probe'"))

    told = findings(tmp_path)

    assert any("duplicate-dag-id: fermata_probe is defined in dags/other.py too" in t for t in told)
    (tmp_path / "dags" / "other.py").unlink()
    clash = "becomes fermata_probe.py, which Fermata writes itself: exclude it"
    assert findings(tmp_path) == [f"dags/fermata_probe.py:1:1: key-clash: {clash}"]


@pytest.mark.parametrize("delivery", ["git-bundle", "git-sync", "image"])
def test_in_git_it_is_asked_for_printed_and_then_held_against_what_is_wanted(
    delivery: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, delivery=delivery)
    (missing,) = findings(tmp_path)
    assert "unknown-smoke-dag: fermata_probe: no file defines it" in missing

    assert run(["plan", str(tmp_path), "--probe"]) == 0
    printed = capsys.readouterr().out
    file = tmp_path / "dags" / "fermata_probe.py"
    file.write_text(printed)

    made = compiled(tmp_path)
    assert made.problems == []
    assert made.plan is not None
    assert {dag.dag_id for dag in made.plan.dags} == {"etl", "fermata_probe"}
    write(tmp_path, delivery=delivery, more=", dag_id: fermata_probe, deadline: 1m")
    assert findings(tmp_path) == []
    file.write_text(printed.replace("'spark'", "'kubernetes'"))
    (stale,) = findings(tmp_path)
    assert "probe-stale: not what smoke.probe asks for" in stale


def test_there_is_none_to_print_where_none_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    (tmp_path / "fermata.yaml").write_text(
        FERMATA_YAML.format(delivery="image", more="").partition("smoke")[0]
    )

    assert run(["plan", str(tmp_path), "--probe"]) == 2
    assert "smoke.probe: names no pool and no queue" in capsys.readouterr().err


def test_a_dag_id_that_airflow_does_not_take_is_refused(tmp_path: Path) -> None:
    told = findings(write(tmp_path, more=", dag_id: 'a b'"))

    (line,) = told
    assert "value: 'a b' is no DAG id: letters, digits, - _ . only" in line


@pytest.mark.slow
@given(
    pools=st.lists(st.text(min_size=1), max_size=4),
    queues=st.lists(st.text(min_size=1), max_size=4),
)
def test_names_from_git_are_data_and_never_code(pools: list[str], queues: list[str]) -> None:
    probe = Probe(pools=tuple(pools), queues=tuple(queues))

    tree = ast.parse(probe_text(probe))

    (probes,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "PROBES"
    )
    found = ast.literal_eval(probes)
    assert [next(iter(where.values())) for where in found.values()] == [
        *dict.fromkeys(pools),
        *dict.fromkeys(queues),
    ]
    assert list(found) == list(tasks(probe))


def test_a_plan_with_a_probe_is_read_as_it_was_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path)
    run(["plan", str(tmp_path), "--application", "shop"])

    plan = parse_plan(capsys.readouterr().out, origin="plan.json")

    made = compile_checkout(str(tmp_path), Identity("shop", "", "")).plan
    assert plan == made
