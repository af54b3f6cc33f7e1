"""Versions and what is wanted of them: ``>=2.11, <4``, by the numbers of a release alone.

What stands behind the numbers (``rc1``, ``+composer``) is what distributors append; it counts for
nothing here. A missing number is zero: ``3.3`` is ``3.3.0``, and ``==3.3`` is that alone.
"""

import re
from collections.abc import Callable
from operator import eq, ge, gt, le, lt, ne

_OPERATORS: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": ge,
    "<=": le,
    "==": eq,
    "!=": ne,
    ">": gt,
    "<": lt,
}
_BOUND = re.compile(r"(>=|<=|==|!=|>|<)\s*(\d{1,9}(?:\.\d{1,9}){0,5})")
_NUMBERS = re.compile(r"\d{1,9}(?:\.\d{1,9}){0,5}")
_LENGTH = 6
MAX_CHARACTERS = 200


def check_wanted(text: str) -> None:
    """Raise ``ValueError`` unless ``text`` says which versions are wanted."""
    if len(text) > MAX_CHARACTERS or not all(map(_BOUND.fullmatch, _bounds(text))):
        raise ValueError(f"{text[:60]!r} is not a range of versions like >=2.11, <4")


def fits(version: str, wanted: str) -> bool | None:
    """Return whether ``version`` is wanted; ``None`` if it has no numbers to tell by."""
    found = _NUMBERS.match(version)
    if found is None:
        return None
    bounds = [_BOUND.fullmatch(bound) for bound in _bounds(wanted)]
    return all(
        bound is not None and _OPERATORS[bound[1]](_release(found[0]), _release(bound[2]))
        for bound in bounds
    )


def _bounds(text: str) -> list[str]:
    return [bound.strip() for bound in text.split(",")]


def _release(text: str) -> tuple[int, ...]:
    numbers = [int(part) for part in text.split(".")]
    return tuple(numbers + [0] * (_LENGTH - len(numbers)))
