"""Lists that come in pages, read whole although they change meanwhile, or not at all."""

from collections.abc import Callable, Collection, Hashable, Iterable
from typing import TypeVar

from fermata_spec.errors import RejectedError, UnavailableError

PAGE = 100  # rows; larger requests are cut to this silently, on every version
OVERLAP = 10  # rows that are asked for again, to see that a page follows on the one before
MOST_ROWS = 200_000  # of one list: more is taken for a server that never ends
PASSES = 3

Row = TypeVar("Row")
Page = tuple[list[Row], int]


class _GapError(Exception):
    """Two pages do not belong together: something between them may not have been seen."""


def read_all(
    page_at: Callable[[int], Page[Row]], key: Callable[[Row], Hashable], *, what: str = "a list"
) -> list[Row]:
    """Return every row once, in the order in which they came first.

    ``page_at(offset)`` returns the rows from there and how many there are in all; ``what`` is the
    list, for messages. Every row that is there all the while is among those that are returned:
    pages overlap, and each must begin with a row that has been seen, so rows that go while others
    are read (later ones move up) are noticed. A page that is empty, or holds more than there are,
    contradicts its own total. Then the list is read again, up to three times in all.

    Raises:
        UnavailableError: no reading hung together. What may be cut short is not a list.

    """
    why = ""
    for number in range(PASSES):
        try:
            return _pass(page_at, key, trusting=number != 1)
        except _GapError as gap:
            why = str(gap)
    raise UnavailableError(f"{what}: its pages do not belong together, {PASSES} times: {why}")


def read_new(
    page_at: Callable[[int], Page[Row]],
    key: Callable[[Row], Hashable],
    known: Collection[Hashable],
    *,
    what: str = "a list",
) -> list[Row]:
    """Return the rows that are not ``known``, of a list that comes newest first and only grows.

    It is read until the known and the new ones are as many as there are in all: a row that came
    late among older ones (its transaction was slow) is missing from that sum, and so is found.
    "In all" is as of the first page: what comes while it is read stands before that page.

    Raises:
        UnavailableError: a page is empty although rows are missing from that sum.

    """
    page, in_all = page_at(0)
    new = {key(row): row for row in page if key(row) not in known}
    offset, total = len(page), in_all
    while page and offset < total and len(known) + len(new) < in_all:
        page, total = page_at(offset)
        new.update((key(row), row) for row in page if key(row) not in known)
        offset += len(page)
    if not page and offset < total and len(known) + len(new) < in_all:
        raise UnavailableError(f"{what}: no row from row {offset} of {total}")
    return list(new.values())


def in_chunks(items: Iterable[str], size: int) -> Iterable[list[str]]:
    """Yield ``items`` in lists of at most ``size``."""
    chunk: list[str] = []
    for item in items:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _pass(
    page_at: Callable[[int], Page[Row]], key: Callable[[Row], Hashable], *, trusting: bool
) -> list[Row]:
    """Read the list once, from the start; raise ``_GapError`` where it may have holes.

    A page that is shorter than what is left is no mistake of 3.1 and 3.2 (and of 3.0, for an
    account that may not read all DAGs): they count an import error once for each DAG of its file,
    and cut pages by that count. ``trusting`` takes such a page for as long as it should be, and
    asks whether the last row that it should hold is one that was seen. Else a page's own length
    counts: a server may be set to shorter ones.
    """
    rows: dict[Hashable, Row] = {}
    start = 0
    while True:
        page, total = page_at(start)
        _check(page, total, start)
        keys = [key(row) for row in page]
        if start and keys[0] not in rows:
            raise _GapError(f"row {start} of {total} does not follow on the page before")
        known = len(rows)
        rows.update(zip(keys, page, strict=True))
        if start and len(rows) == known and (not trusting or len(page) == PAGE):
            raise _GapError(f"the page from row {start} of {total} is one that came before")
        if start + len(page) > MOST_ROWS:
            raise RejectedError(f"a list of more than {MOST_ROWS} rows: it does not end")
        promised = min(PAGE, total - start) if trusting else 0
        is_short = len(page) < promised
        covered = max(len(page), promised)
        if start + covered >= total and not is_short:
            return list(rows.values())
        start += max(covered - (1 if is_short else OVERLAP), 1)


def _check(page: list[Row], total: int, start: int) -> None:
    """Raise ``_GapError`` for a page that contradicts its own total."""
    if start + len(page) > total:
        raise _GapError(f"{len(page)} row(s) from row {start} of {total}")
    if not page and (start or total):
        raise _GapError(f"no row from row {start} of {total}")
