"""A page of rows, as Airflow cuts it."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

MOST = 100  # rows a page, whatever is asked for

Row = TypeVar("Row")


def page(
    name: str, rows: Sequence[Row], *, limit: int, offset: int, render: Callable[[Row], Any]
) -> dict[str, Any]:
    """Return the rows from ``offset`` on, and how many there are in all."""
    found = rows[offset : offset + min(limit, MOST)]
    return {name: [render(row) for row in found], "total_entries": len(rows)}
