"""What is asked of a neighbour that changes something there, and who is told before and after.

The port of the audit trail: whoever sends such a request tells a ``Witness`` of it first.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol
from urllib.parse import unquote

SAID = ("is_paused", "state", "dag_run_id", "revision", "prune")
"""What of a request's body may be written down; all else, such as a run's conf, may not."""


@dataclass(frozen=True, kw_only=True)
class Deed:
    """One request that changes something: of whom, what, and of which DAG (empty: of none)."""

    service: str
    call: str
    dag_id: str = ""
    values: Mapping[str, str | int | bool] = field(default_factory=dict)


class Witness(Protocol):
    """Who is told."""

    def watched(self, deed: Deed) -> AbstractContextManager[None]:
        """Write down that the deed is about to be done, then how it went; errors pass through."""


class NoWitness:
    """Nobody is told: for questions, and for what is tried out."""

    @contextmanager
    def watched(self, deed: Deed) -> Iterator[None]:
        """Tell nobody."""
        del deed
        yield


def deed_of(service: str, method: str, path: str, body: object) -> Deed:
    """Return the deed that a request is."""
    values = body if isinstance(body, Mapping) else {}
    return Deed(
        service=service,
        call=f"{method} {path}",
        dag_id=_dag_in(path),
        values={
            name: values[name] for name in SAID if isinstance(values.get(name), str | int | bool)
        },
    )


def _dag_in(path: str) -> str:
    """Return the DAG id of ``/api/v2/dags/ID/...``; empty where the path is of none."""
    parts = path.split("/")
    for part, after in pairwise(parts):
        if part == "dags":
            return unquote(after)
    return ""
