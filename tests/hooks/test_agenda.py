import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.manual_clock import ManualClock
from fermata_hooks.agenda import (
    MAX_BLOCKING,
    MAY_NOT,
    NAME,
    SPENT,
    UNKNOWN,
    WILL_START,
    Agenda,
    Agendas,
    Denial,
    SyncSeen,
)
from fermata_hooks.documents import FileDocuments

DENIAL = Denial(
    application="demo", revision="b" * 40, rule="drain-deadline", blocking=("etl",), at=1000.0
)


@pytest.fixture
def documents(tmp_path: Path) -> FileDocuments:
    return FileDocuments(tmp_path)


@pytest.fixture
def agendas(documents: FileDocuments) -> Agendas:
    return Agendas(documents, clock=ManualClock())


def test_what_was_written_is_read(agendas: Agendas) -> None:
    agenda = Agenda(
        denials={"demo": replace(DENIAL, state="started", marker="m", started=1.0, outlook="o")},
        syncing={"other": SyncSeen(revision="c" * 40, since=5.0)},
        may_start=True,
        seen=frozenset({"demo"}),
    )

    agendas.change(lambda _: agenda)

    assert agendas.read() == agenda


def test_no_change_is_no_write(agendas: Agendas, documents: FileDocuments) -> None:
    agendas.deny(DENIAL)
    before = documents.read(NAME).version

    agendas.change(lambda agenda: agenda)

    assert documents.read(NAME).version == before


@pytest.mark.parametrize(
    ("may_start", "outlook"), [(True, WILL_START), (False, MAY_NOT), (None, UNKNOWN)]
)
def test_a_denial_says_what_will_become_of_it(
    agendas: Agendas, *, may_start: bool | None, outlook: str
) -> None:
    agendas.change(lambda agenda: replace(agenda, may_start=may_start))

    agendas.deny(DENIAL)

    assert agendas.read().denials["demo"].outlook == outlook


def test_a_revision_whose_one_sync_was_started_gets_no_second_one(agendas: Agendas) -> None:
    started = replace(DENIAL, state="started", marker="m", started=1.0)
    agendas.change(lambda agenda: agenda.with_denial("demo", started))

    agendas.deny(DENIAL)

    left = agendas.read().denials["demo"]
    assert left.state == "done"
    assert left.outlook == SPENT


def test_a_newer_revision_begins_anew(agendas: Agendas) -> None:
    agendas.change(lambda agenda: agenda.with_denial("demo", replace(DENIAL, state="done")))

    agendas.deny(replace(DENIAL, revision="c" * 40))

    assert agendas.read().denials["demo"].state == "waiting"


def test_the_list_of_dags_in_the_way_is_bounded(agendas: Agendas) -> None:
    agendas.deny(replace(DENIAL, blocking=tuple(f"d{n}" for n in range(1000))))

    assert len(agendas.read().denials["demo"].blocking) == MAX_BLOCKING


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"plain",
        gzip.compress(b"[]"),
        gzip.compress(b'{"format": 2}'),
        gzip.compress(b'{"format": 1, "denials": []}'),
        gzip.compress(b" " * 10**6),
    ],
)
def test_a_damaged_agenda_is_begun_anew(
    agendas: Agendas, documents: FileDocuments, content: bytes
) -> None:
    documents.put(NAME, content)

    assert agendas.read() == Agenda()
    agendas.deny(DENIAL)
    assert agendas.read().denials["demo"].application == "demo"


def test_two_writers_do_not_lose_each_others_words(
    agendas: Agendas, documents: FileDocuments
) -> None:
    other = Agendas(documents, clock=ManualClock())
    calls: list[Agenda] = []

    def slowly(agenda: Agenda) -> Agenda:
        if not calls:
            other.deny(replace(DENIAL, application="other"))
        calls.append(agenda)
        return agenda.with_denial("demo", DENIAL)

    agendas.change(slowly)

    assert set(agendas.read().denials) == {"demo", "other"}
    assert len(calls) == 2
