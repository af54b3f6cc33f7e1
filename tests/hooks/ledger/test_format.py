"""The ledger as bytes."""

import gzip
import json
from collections.abc import Callable
from random import Random
from string import ascii_lowercase, digits
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_hooks.ledger import Hold, Line, Mark, Record, decode, encode
from fermata_spec.errors import SettingsError

times = st.floats(0, 4e9, allow_nan=False).map(lambda seconds: round(seconds, 3))
dag_ids = st.text(min_size=1, max_size=8)
tokens = st.text(ascii_lowercase, min_size=1, max_size=4)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    mark: Mark = draw(st.sampled_from(get_args(Mark)))
    under_way = mark != "paused"
    late_until = draw(st.none() | times)
    answered = late_until is not None and draw(st.booleans())
    return Line(
        mark=mark,
        since=draw(times),
        writer=draw(tokens) if under_way else "",
        until=draw(times) if under_way and not answered else None,
        late_until=late_until,
        gone_since=draw(st.none() | times),
    )


@st.composite
def holds(draw: st.DrawFn) -> Hold:
    dags = draw(st.dictionaries(dag_ids, st.booleans(), max_size=5))
    return Hold(
        token=draw(tokens),
        revision=draw(tokens),
        operation=draw(tokens),
        opened=draw(times),
        expires=draw(times),
        kept=draw(st.text(max_size=5)),
        todo=frozenset(d for d, todo in dags.items() if todo),
        held=frozenset(d for d, todo in dags.items() if not todo),
    )


records = st.builds(
    Record,
    id=tokens,
    holds=st.dictionaries(st.text(min_size=1, max_size=5), holds(), max_size=3),
    lines=st.dictionaries(dag_ids, lines(), max_size=5),
)


@given(records)
def test_what_is_written_is_read_back(record: Record) -> None:
    assert decode(encode(record), origin="ledger") == record


@given(records)
def test_an_equal_ledger_is_the_same_bytes(record: Record) -> None:
    assert encode(decode(encode(record), origin="ledger")) == encode(record)


def tampered(change: Callable[[dict[str, Any]], object]) -> bytes:
    line = Line(mark="pausing", since=1.0, writer="t", until=2.0)
    hold = Hold(
        token="t",
        revision="r",
        operation="o",
        opened=1.0,
        expires=2.0,
        todo=frozenset("d"),
    )
    raw = encode(Record(id="L", holds={"A": hold}, lines={"d": line}))
    document = json.loads(gzip.decompress(raw))
    change(document)
    return gzip.compress(json.dumps(document).encode())


def test_a_newer_format_is_refused_by_its_number() -> None:
    with pytest.raises(SettingsError, match="format 2, this Fermata reads 1"):
        decode(tampered(lambda ledger: ledger.update(format=2)), origin="ledger")


DAMAGE: dict[str, Callable[[dict[str, Any]], object]] = {
    "no format": lambda ledger: ledger.pop("format"),
    "an unknown key": lambda ledger: ledger.update(extra=1),
    "an unknown key of a line": lambda ledger: ledger["groups"][0]["line"].update(x=1),
    "a DAG twice": lambda ledger: ledger["groups"].append(ledger["groups"][0]),
    "a hold that is not there": lambda ledger: ledger["holds"].clear(),
    "both todo and held": lambda ledger: ledger["groups"][0].update(held=["A"]),
    "an unknown mark": lambda ledger: ledger["groups"][0]["line"].update(mark="x"),
    "a mark without its end": lambda ledger: ledger["groups"][0]["line"].pop("until"),
    "a mark without its writer": lambda ledger: ledger["groups"][0]["line"].pop("writer"),
    "text for a time": lambda ledger: ledger["holds"]["A"].update(opened="now"),
    "no number for a time": lambda ledger: ledger["holds"]["A"].update(opened=float("nan")),
    "a number for a token": lambda ledger: ledger["holds"]["A"].update(token=1),
    "no list of groups": lambda ledger: ledger.update(groups=7),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_ledger_that_somebody_edited_is_refused(damage: str) -> None:
    with pytest.raises(SettingsError, match="ns/ledger: damaged"):
        decode(tampered(DAMAGE[damage]), origin="ns/ledger")


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not compressed",
        gzip.compress(b"not JSON"),
        gzip.compress(b"[]"),
        gzip.compress(b'{"format": 1')[:-4],
        gzip.compress(b"[" * 100_000),
        gzip.compress(bytes(40_000_000)),
    ],
    ids=["empty", "plain", "text", "a list", "truncated", "deep", "a bomb"],
)
def test_a_damaged_ledger_is_refused(raw: bytes) -> None:
    with pytest.raises(SettingsError, match="damaged"):
        decode(raw, origin="ledger")


def ledger_of(ids: list[str], *, applications: int) -> Record:
    hold = Hold(
        token="t" * 16,
        revision="r" * 40,
        operation="2026-11-24T13:08:00Z",
        opened=1.8e9,
        expires=1.8e9,
        held=frozenset(ids),
    )
    line = Line(mark="paused", since=1.8e9)
    return Record(
        id="12345678",
        holds={f"application-{number}": hold for number in range(applications)},
        lines=dict.fromkeys(ids, line),
    )


@pytest.mark.parametrize("applications", [1, 4])
def test_ten_thousand_realistic_ids_are_small(applications: int) -> None:
    ids = [f"team_{n % 40:02}__load_{n % 97:02}_daily_{n:05}" for n in range(10_000)]

    assert len(encode(ledger_of(ids, applications=applications))) < 60_000


def test_ten_thousand_random_ids_of_a_hundred_characters_fit() -> None:
    letters = ascii_lowercase + digits
    random = Random(1)  # noqa: S311 - the size is what is tested
    ids = ["".join(random.choices(letters, k=100)) for _ in range(10_000)]

    assert len(encode(ledger_of(ids, applications=4))) < 750_000
