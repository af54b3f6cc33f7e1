"""Lists of what belongs to many DAGs: by their ids, or all of it and ours picked out.

A filter by ids takes a request for each hundred of them. What is asked for here, tasks that run
and runs that are not over, is mostly far less than that over all of an Airflow.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol, TypeVar

from fermata_hooks.airflow_api._fields import Fields
from fermata_hooks.airflow_api._pages import PAGE, in_chunks
from fermata_hooks.airflow_api._questions import Key, Questions, fields_of

IDS_PER_REQUEST = 100


class OfDag(Protocol):
    """A row that belongs to a DAG."""

    @property
    def dag_id(self) -> str:
        """The DAG."""


Row = TypeVar("Row", bound=OfDag)


class Scan:
    """One question about many DAGs: where, and which rows; ``body`` has the other filters."""

    def __init__(
        self, questions: Questions, path: str, name: str, body: Mapping[str, object]
    ) -> None:
        self._questions = questions
        self._path = path
        self._name = name
        self._body = body

    def rows(
        self, dag_ids: Collection[str], parse: Callable[[Fields], Row], key: Key[Row]
    ) -> list[Row]:
        """Return the rows of ``dag_ids``, each once."""
        wanted = frozenset(dag_ids)
        chunks = list(in_chunks(sorted(wanted), IDS_PER_REQUEST))
        if len(chunks) > 1 and self._pages_of_all() < len(chunks):
            found = self._questions.batch(self._path, self._name, self._body, parse, key)
            return [row for row in found if row.dag_id in wanted]
        rows: list[Row] = []
        for chunk in chunks:
            body = {**self._body, "dag_ids": chunk}
            rows += self._questions.batch(self._path, self._name, body, parse, key)
        return rows

    def _pages_of_all(self) -> int:
        """Return how many pages the rows of all DAGs are; asks for one row."""
        body = {**self._body, "page_limit": 1, "page_offset": 0}
        answer = self._questions.search(self._path, body)
        return -(-fields_of(answer).number("total_entries") // PAGE)
