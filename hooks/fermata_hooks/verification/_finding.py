"""What a question to Airflow came to at one look, and whether it is worth asking again."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from fermata_spec.report import Check


class Light(Enum):
    """``GREEN``: nothing to wait for. ``WAITING``: may still change. ``RED``: will not mend."""

    GREEN = "green"
    WAITING = "waiting"
    RED = "red"


@dataclass(frozen=True)
class Finding:
    """``check`` holds the verdict that stands if this was the last look.

    ``light`` is another matter: an answer that is inconclusive for good (redacted, no evidence
    to be had) is ``GREEN``, because waiting changes nothing.
    """

    check: Check
    light: Light


def names(items: Sequence[str], *, most: int = 5) -> str:
    """Return the first ``most`` names, and how many more there are."""
    more = f" and {len(items) - most} more" if len(items) > most else ""
    return ", ".join(items[:most]) + more


def count(number: int, noun: str) -> str:
    """Return ``1 DAG``, ``2 DAGs``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
