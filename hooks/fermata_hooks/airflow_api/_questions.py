"""Questions in the shapes that Airflow's API has: one object, a list in pages, a batch."""

from collections.abc import Callable, Collection, Hashable, Mapping
from typing import TypeVar

from fermata_hooks.airflow_api._conversation import Conversation
from fermata_hooks.airflow_api._fields import Fields
from fermata_hooks.airflow_api._pages import PAGE, Page, read_all, read_new
from fermata_hooks.exchange import Answer, Method, Query, Request
from fermata_spec.errors import RejectedError

FORBIDDEN = 403
NOT_FOUND = 404
CONFLICT = 409

Row = TypeVar("Row")
Parse = Callable[[Fields], Row]
Key = Callable[[Row], Hashable]


class Questions:
    """One Airflow, asked for objects and rows."""

    def __init__(self, talk: Conversation) -> None:
        self._talk = talk

    def ask(self, method: Method, path: str, *, query: Query = (), body: object = None) -> Answer:
        """Send a request that may be repeated without harm."""
        return self._talk.ask(
            Request(method=method, path=path, query=query, body=body, repeatable=True)
        )

    def search(self, path: str, body: object) -> Answer:
        """Send a question whose filters are a body: a POST that changes nothing."""
        return self._talk.ask(
            Request(method="POST", path=path, body=body, repeatable=True, only_asks=True)
        )

    def one(self, path: str) -> Fields:
        """Return one object."""
        return fields_of(self.ask("GET", path))

    def one_or_none(self, path: str) -> Fields | None:
        """Return one object, or ``None`` if Airflow has none there."""
        try:
            return self.one(path)
        except RejectedError as exc:
            if exc.status == NOT_FOUND:
                return None
            raise

    def rows(
        self, path: str, name: str, query: Query, parse: Parse[Row], key: Key[Row]
    ) -> list[Row]:
        """Return all rows of a list, each once."""

        def page_at(offset: int) -> Page[Row]:
            paged = [*query, ("limit", str(PAGE)), ("offset", str(offset))]
            return _page(self.ask("GET", path, query=paged), name, parse)

        return read_all(page_at, key, what=path)

    def new_rows(  # noqa: PLR0913, PLR0917 - as rows
        self,
        path: str,
        name: str,
        query: Query,
        parse: Parse[Row],
        key: Key[Row],
        known: Collection[Hashable],
    ) -> list[Row]:
        """Return the rows of a list, newest first, whose keys are not ``known`` yet."""

        def page_at(offset: int) -> Page[Row]:
            paged = [*query, ("limit", str(PAGE)), ("offset", str(offset))]
            return _page(self.ask("GET", path, query=paged), name, parse)

        return read_new(page_at, key, known, what=path)

    def batch(
        self, path: str, name: str, body: Mapping[str, object], parse: Parse[Row], key: Key[Row]
    ) -> list[Row]:
        """Return all rows of a list whose filters are a body."""

        def page_at(offset: int) -> Page[Row]:
            paged = {**body, "page_limit": PAGE, "page_offset": offset}
            return _page(self.search(path, paged), name, parse)

        return read_all(page_at, key, what=path)


def fields_of(answer: Answer) -> Fields:
    """Return the object that an answer holds."""
    return Fields(answer.json(), answer.subject)


def _page(answer: Answer, name: str, parse: Parse[Row]) -> Page[Row]:
    fields = fields_of(answer)
    return [parse(row) for row in fields.rows(name)], fields.number("total_entries")
