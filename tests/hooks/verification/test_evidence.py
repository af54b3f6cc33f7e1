"""A DAG is proven by its digest in the serialized form, or by its text and a later parse."""

from collections.abc import Collection
from dataclasses import replace

import pytest

from fermata_hooks.airflow_api import Dag, DagDetails
from fermata_hooks.handoff import source_digest
from fermata_hooks.verification._finding import Finding, Light
from fermata_hooks.verification.evidence import ASKED_AGAIN, Evidence, Waits
from fermata_spec.errors import RejectedError
from fermata_spec.plan import PlannedDag

NEW_TEXT, OLD_TEXT = "x = 2\n", "x = 1\n"
WAITS = Waits(serialize=30.0, mount_until=1000.0)


class Witness:
    """Answers from ``docs`` and ``texts``, and counts what it was asked."""

    def __init__(self) -> None:
        self.docs: dict[str, str | None] = {}
        self.texts: dict[str, str | None] = {}
        self.refuses: int = 0
        self.asked: list[str] = []

    def dag_details(self, dag_id: str) -> DagDetails | None:
        self._ask(dag_id)
        if dag_id not in self.docs:
            return None
        return DagDetails(dag=Dag(dag_id=dag_id, is_paused=False), doc_md=self.docs[dag_id])

    def dag_source(self, dag: Dag) -> str | None:
        self._ask(dag.dag_id)
        return self.texts.get(dag.file)

    def _ask(self, dag_id: str) -> None:
        self.asked.append(dag_id)
        if self.refuses:
            raise RejectedError("GET: refused", status=self.refuses)


def marked(dag_id: str) -> PlannedDag:
    return PlannedDag(dag_id=dag_id, digest="0123456789abcdef", file="m.py", evidence="doc_md")


def python(dag_id: str, *, imports: bool = False) -> PlannedDag:
    digest = source_digest(NEW_TEXT)
    return PlannedDag(
        dag_id=dag_id,
        digest="feedfeedfeedfeed" if imports else digest,
        file="p.py",
        evidence="source",
        source_digest=digest,
    )


def rows(*dag_ids: str, at: float, file: str = "p.py", stale: bool = False) -> dict[str, Dag]:
    return {
        dag_id: Dag(dag_id=dag_id, is_paused=False, file=file, last_parsed_time=at, is_stale=stale)
        for dag_id in dag_ids
    }


def evidence(
    witness: Witness,
    *planned: PlannedDag,
    shown: Collection[str] = (),
    waits: Waits = WAITS,
) -> Evidence:
    return Evidence(witness, planned, waits=waits, shown_before=shown)


def state(finding: Finding) -> tuple[str, Light]:
    return finding.check.verdict, finding.light


PROVEN, OPEN = ("pass", Light.GREEN), ("inconclusive", Light.WAITING)


def test_the_digest_in_the_serialized_dag_is_proof_at_one_look() -> None:
    witness = Witness()
    witness.docs["etl"] = "An ETL.\n\nfermata:0123456789abcdef\n"

    found = evidence(witness, marked("etl")).look(rows("etl", at=100))

    assert state(found) == PROVEN
    assert found.check.message == "1 of 1 changed DAG shown by Airflow (doc_md 1)"


@pytest.mark.parametrize(
    "doc",
    [
        pytest.param("fermata:fedcba9876543210", id="another digest"),
        pytest.param("An ETL.", id="no digest"),
        pytest.param(None, id="no documentation"),
    ],
)
def test_another_documentation_is_no_proof(doc: str | None) -> None:
    witness = Witness()
    witness.docs["etl"] = doc

    found = evidence(witness, marked("etl")).look(rows("etl", at=100))

    assert state(found) == OPEN
    assert "not shown: etl" in found.check.message


def test_a_parse_time_alone_is_no_proof() -> None:
    watch = evidence(Witness(), marked("etl"), python("py"))

    for at in (100, 200, 300):
        assert state(watch.look(rows("etl", "py", at=at))) == OPEN


def test_a_dag_that_is_not_there_or_stale_is_not_even_asked_about() -> None:
    witness = Witness()
    watch = evidence(witness, marked("etl"), marked("new"))

    found = watch.look(rows("etl", at=100, stale=True))

    assert state(found) == OPEN
    assert witness.asked == []


def looks_at_text(watch: Evidence, *times: float) -> list[tuple[str, Light]]:
    return [state(watch.look(rows("py", at=at))) for at in times]


def test_a_text_is_proof_only_with_a_further_parse_after_the_serialization_interval() -> None:
    witness = Witness()
    witness.texts["p.py"] = NEW_TEXT

    seen = looks_at_text(evidence(witness, python("py")), 100, 100, 129, 130)

    assert seen == [OPEN, OPEN, OPEN, PROVEN]


def test_the_parse_that_a_text_belongs_to_is_taken_from_a_later_list() -> None:
    witness = Witness()
    watch = evidence(witness, python("py"))
    witness.texts["p.py"] = NEW_TEXT  # stored by a parse that the list of 100 does not know yet

    assert looks_at_text(watch, 100, 131, 160, 161) == [OPEN, OPEN, OPEN, PROVEN]


def test_without_an_interval_one_further_parse_is_enough() -> None:
    witness = Witness()
    witness.texts["p.py"] = NEW_TEXT
    watch = evidence(witness, python("py"), waits=replace(WAITS, serialize=0.0))

    assert looks_at_text(watch, 100, 100, 100.5) == [OPEN, OPEN, PROVEN]


def test_a_text_that_turns_back_takes_its_proof_along() -> None:
    witness = Witness()
    witness.texts["p.py"] = NEW_TEXT
    watch = evidence(witness, python("py"))
    assert looks_at_text(watch, 100, 100, 130)[-1] == PROVEN

    witness.texts["p.py"] = OLD_TEXT

    assert looks_at_text(watch, 160) == [OPEN]


def test_imports_of_a_text_that_was_there_before_need_a_parse_after_every_mount() -> None:
    witness = Witness()
    witness.texts["p.py"] = NEW_TEXT
    watch = evidence(witness, python("py", imports=True), shown=["py"])

    assert looks_at_text(watch, 100, 100, 200, 1029, 1030) == [OPEN, OPEN, OPEN, OPEN, PROVEN]


def test_a_text_that_stands_alone_need_not_have_changed() -> None:
    witness = Witness()
    witness.texts["p.py"] = NEW_TEXT
    watch = evidence(witness, python("py"), shown=["py"])

    assert looks_at_text(watch, 100, 100, 130)[-1] == PROVEN


def test_a_changed_text_proves_its_imports_too() -> None:
    witness = Witness()
    witness.texts["p.py"] = NEW_TEXT
    watch = evidence(witness, python("py", imports=True))

    assert looks_at_text(watch, 100, 100, 130)[-1] == PROVEN


def test_dags_of_one_file_share_the_question_for_its_text() -> None:
    witness = Witness()
    witness.texts["p.py"] = NEW_TEXT

    evidence(witness, python("one"), python("two")).look(rows("one", "two", at=100))

    assert len(witness.asked) == 1


def test_a_dag_of_an_unknown_loader_is_inconclusive_without_waiting() -> None:
    planned = PlannedDag(dag_id="own", digest="0" * 16, file="o.yaml", evidence="none")

    found = evidence(Witness(), planned).look(rows("own", at=100))

    assert state(found) == ("inconclusive", Light.GREEN)
    assert "a loader of its own" in found.check.message


def test_not_permitted_is_inconclusive_without_waiting_and_names_the_permission() -> None:
    witness = Witness()
    witness.refuses = 403

    found = evidence(witness, python("py")).look(rows("py", at=100))

    assert state(found) == ("inconclusive", Light.GREEN)
    assert "can_read on DAG Code" in found.check.message


def test_another_refusal_is_not_swallowed() -> None:
    witness = Witness()
    witness.refuses = 401

    with pytest.raises(RejectedError):
        evidence(witness, python("py")).look(rows("py", at=100))


def test_each_parse_is_worth_one_question_and_few_are_asked_again() -> None:
    witness = Witness()
    ids = [f"d{number}" for number in range(50)]
    watch = evidence(witness, *[marked(dag_id) for dag_id in ids])

    watch.look(rows(*ids, at=100))
    assert len(witness.asked) == 50

    witness.asked.clear()
    for _ in range(7):
        watch.look(rows(*ids, at=100))
    assert len(witness.asked) == 7 * ASKED_AGAIN
    assert set(witness.asked) == set(ids)  # all get their turn


def test_a_proven_dag_is_asked_about_again_only_after_another_parse() -> None:
    witness = Witness()
    witness.docs["etl"] = "fermata:0123456789abcdef"
    watch = evidence(witness, marked("etl"))

    for at in (100, 100, 100, 200):
        watch.look(rows("etl", at=at))

    assert len(witness.asked) == 2


def test_a_parse_is_wanted_when_it_can_prove_something() -> None:
    witness = Witness()
    watch = evidence(witness, python("py"))
    watch.look(rows("py", at=100))
    assert watch.wants_parse("py", now=101)

    witness.texts["p.py"] = NEW_TEXT
    looks_at_text(watch, 102, 102)

    assert not watch.wants_parse("py", now=131)
    assert watch.wants_parse("py", now=132)
    assert looks_at_text(watch, 132.5) == [PROVEN]
    assert not watch.wants_parse("py", now=200)
