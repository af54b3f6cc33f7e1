"""The ledger in its store: compare-and-swap, and answers that are lost."""

from dataclasses import dataclass, field, replace
from random import Random

import pytest

from fakes.manual_clock import ManualClock
from fermata_hooks.documents import ABSENT, ConflictError, Document
from fermata_hooks.ledger import Ledger, Line, Record, encode
from fermata_spec.errors import SettingsError, UnavailableError

LINE = Line(mark="paused", since=1.0)


class FickleDocuments:
    """One document; ``faults`` are what happens to the next replacements, ``""`` is nothing."""

    def __init__(self, *faults: str) -> None:
        self.document = Document(None, ABSENT)
        self.faults = list(faults)
        self.writes = 0

    def read(self, name: str) -> Document:
        if self.faults and self.faults[0] == "no read":
            self.faults.pop(0)
            raise UnavailableError(f"{name}: no answer")
        return self.document

    def replace(self, name: str, content: bytes, *, expected: str) -> str:
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "another writes":
            self._write(encode(Record(id="L", lines={"other": LINE})))
        if fault == "no write":
            raise UnavailableError(f"{name}: no answer")
        if self.document.version != expected:
            raise ConflictError(f"{name}: changed")
        self._write(content)
        if fault == "no answer":
            raise UnavailableError(f"{name}: no answer")
        return self.document.version

    def put(self, name: str, content: bytes) -> None:
        raise NotImplementedError

    def delete(self, name: str, *, expected: str | None = None) -> None:
        raise NotImplementedError

    def versions(self, prefix: str) -> dict[str, str]:
        raise NotImplementedError

    def _write(self, content: bytes) -> None:
        self.writes += 1
        self.document = Document(content, str(self.writes))


@dataclass
class Addition:
    """A decision: ``d`` gets a line."""

    record: Record
    asked: list[Record] = field(default_factory=list)


def add(record: Record) -> Addition:
    return Addition(record.with_lines({"d": LINE}))


def ledger_on(documents: FickleDocuments) -> Ledger:
    return Ledger(documents, clock=ManualClock())


def test_a_ledger_that_was_never_written_is_empty() -> None:
    assert ledger_on(FickleDocuments()).read().lines == {}


def test_its_id_is_made_once() -> None:
    ledger = ledger_on(FickleDocuments())

    first = ledger.change(add).record.id

    assert ledger.read().id == first


@pytest.mark.parametrize(
    "faults",
    [
        [],
        ["no write"],
        ["no answer"],
        ["another writes"],
        ["another writes", "another writes", "no write", "no answer"],
        ["no read", "no read"],
    ],
    ids=["nothing", "not written", "answer lost", "conflict", "all together", "no reads"],
)
def test_a_change_comes_through_whatever_goes_wrong(faults: list[str]) -> None:
    ledger = ledger_on(FickleDocuments(*faults))

    ledger.change(add)

    assert ledger.read().lines["d"] == LINE


def test_a_change_that_changes_nothing_is_not_written() -> None:
    documents = FickleDocuments()
    ledger = ledger_on(documents)
    ledger.change(add)

    ledger.change(add)

    assert documents.writes == 1


def test_a_store_that_never_answers_is_given_up() -> None:
    clock = ManualClock()
    ledger = Ledger(FickleDocuments(*["no read"] * 99), clock=clock)

    with pytest.raises(UnavailableError, match="ledger"):
        ledger.read()

    assert sum(clock.naps) < 60.0


def test_a_pinned_replacement_gives_way_to_others() -> None:
    documents = FickleDocuments()
    ledger = ledger_on(documents)
    before = ledger.snapshot()
    ledger.change(add)

    with pytest.raises(ConflictError):
        ledger.replace(before.record, expected=before.version, landed=lambda _: False)


@pytest.mark.parametrize(
    ("fault", "comes_through"), [("no answer", True), ("no write", False)], ids=["lost", "not made"]
)
def test_a_pinned_replacement_without_an_answer_is_looked_up(
    fault: str,
    *,
    comes_through: bool,
) -> None:
    documents = FickleDocuments()
    ledger = ledger_on(documents)
    before = ledger.change(add).record
    snapshot = ledger.snapshot()
    wanted = before.with_lines({"e": LINE})
    documents.faults = [fault]

    if comes_through:
        after = ledger.replace(wanted, expected=snapshot.version, landed=lambda _: False)
        assert after.record == wanted
    else:
        with pytest.raises(ConflictError):
            ledger.replace(wanted, expected=snapshot.version, landed=lambda _: False)


def test_a_pinned_replacement_is_recognised_under_what_others_wrote_since() -> None:
    class Overtaken(FickleDocuments):
        def replace(self, name: str, content: bytes, *, expected: str) -> str:
            try:
                return super().replace(name, content, expected=expected)
            except UnavailableError:
                self._write(encode(Record(id="L", lines={"e": LINE, "other": LINE})))
                raise

    documents = Overtaken("", "no answer")
    ledger = ledger_on(documents)
    ledger.change(add)
    snapshot = ledger.snapshot()

    after = ledger.replace(
        replace(snapshot.record, lines={"e": LINE}),
        expected=snapshot.version,
        landed=lambda record: "e" in record.lines,
    )

    assert after.record.lines.keys() == {"e", "other"}


def test_a_damaged_ledger_is_never_overwritten() -> None:
    documents = FickleDocuments()
    documents.document = Document(b"damaged", "1")

    with pytest.raises(SettingsError, match="damaged"):
        ledger_on(documents).change(add)

    assert documents.document == Document(b"damaged", "1")


def test_a_ledger_that_would_not_fit_is_not_written() -> None:
    documents = FickleDocuments()
    random = Random(1)  # noqa: S311 - the size is what is tested
    huge = {random.randbytes(200).hex(): LINE for _ in range(6_000)}

    with pytest.raises(SettingsError, match="nothing was changed"):
        ledger_on(documents).change(lambda record: Addition(record.with_lines(huge)))

    assert documents.writes == 0
