"""Schedules that Airflow cannot read: cron expressions as croniter takes them, and presets.

Errs on the side of taking: only what no version would read is refused.
"""

import re
from collections.abc import Iterator

_PRESETS = frozenset(
    {
        "@once",
        "@continuous",
        "@hourly",
        "@daily",
        "@midnight",
        "@weekly",
        "@monthly",
        "@quarterly",
        "@yearly",
        "@annually",
    }
)
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905 - twelve words
_DAYS = "sun mon tue wed thu fri sat".split()  # noqa: SIM905 - seven words
_FIELDS: tuple[tuple[str, int, int, dict[str, int]], ...] = (
    ("minute", 0, 59, {}),
    ("hour", 0, 23, {}),
    ("day of the month", 1, 31, {}),
    ("month", 1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    ("day of the week", 0, 7, dict(zip(_DAYS, range(7), strict=True))),
    ("second", 0, 59, {}),
    ("year", 1970, 2099, {}),
)
_ELEMENT = re.compile(
    r"(?P<first>\*|\?|[a-z]+|\d+)(?:-(?P<last>[a-z]+|\d+))?(?:/(?P<step>\d+))?(?:#(?P<nth>[1-5]))?"
)
_LAST = re.compile(r"l(?:[0-7]|-\d{1,2})?|\d{1,2}w|lw|[0-7]l", re.IGNORECASE)
_LEAST_FIELDS, _MOST_FIELDS = 5, 7


def problems_of_schedule(text: str) -> Iterator[str]:
    """Yield what is wrong with the schedule ``text``."""
    words = text.split()
    if text.strip().lower() in {"none", ""} or text.strip() in _PRESETS:
        return
    if text.startswith("@"):
        yield f"{text!r} is no preset"
    elif not _LEAST_FIELDS <= len(words) <= _MOST_FIELDS:
        yield f"{text!r} has {len(words)} fields, a cron expression has 5"
    else:
        for word, (name, least, most, names) in zip(words, _FIELDS, strict=False):
            for element in word.lower().split(","):
                wrong = _problem(element, least, most, names)
                if wrong:
                    yield f"{text!r}: {name} {element!r} {wrong}"


def _problem(element: str, least: int, most: int, names: dict[str, int]) -> str:
    if _LAST.fullmatch(element) or element.startswith(("h", "r")):
        return ""  # the last day, the nearest weekday; hashed and random values
    match = _ELEMENT.fullmatch(element)
    if match is None:
        return "cannot be read"
    for value in (match["first"], match["last"]):
        if value is None or value in {"*", "?"}:
            continue
        number = names.get(value[:3], -1) if value.isalpha() else int(value)
        if not least <= number <= most:
            return f"is not within {least} to {most}"
    return "has a step of 0" if match["step"] == "0" else ""
