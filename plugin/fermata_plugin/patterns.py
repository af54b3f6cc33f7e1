"""Patterns over paths: ``*`` and ``?`` stay in one folder, ``**`` is any number of folders.

A wildcard does not match a name that begins with a dot, as in a shell. Matched folder by folder:
time is bounded by the product of the two lengths, whatever the pattern.
"""

import re
from collections.abc import Sequence
from fnmatch import translate
from functools import lru_cache

_WILD = re.compile(r"[*?[]")


class Patterns:
    """A union of patterns."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [_compile(pattern) for pattern in patterns]
        self.root = _root(patterns)
        self._folder = ""
        self._reached = [{0} for _ in patterns]

    def match(self, path: str) -> bool:
        """Whether one of the patterns matches ``path`` (relative, with ``/``)."""
        if not self._patterns:
            return False
        folder, _, name = path.rpartition("/")
        if folder != self._folder:  # files come folder by folder
            self._folder = folder
            parts = folder.split("/") if folder else ()
            self._reached = [_reach(each, parts, {0}) for each in self._patterns]
        return any(
            len(pattern) in _close(pattern, _reach(pattern, (name,), reached))
            for pattern, reached in zip(self._patterns, self._reached, strict=True)
            if reached
        )


_Part = re.Pattern[str] | None  # None is **


@lru_cache(maxsize=1000)
def _compile(pattern: str) -> tuple[_Part, ...]:
    parts: list[_Part] = []
    for part in pattern.split("/"):
        if part in {"", "."}:
            continue
        if part != "**":
            parts.append(
                re.compile(translate(part) if part[0] == "." else rf"(?!\.){translate(part)}")
            )
        elif not parts or parts[-1] is not None:
            parts.append(None)
    return tuple(parts)


def _reach(pattern: tuple[_Part, ...], parts: Sequence[str], reached: set[int]) -> set[int]:
    """Return the places in the pattern that ``parts`` may lead to, from those ``reached``."""
    for part in parts:
        after = set()
        for at in _close(pattern, reached):
            step = pattern[at] if at < len(pattern) else ...
            if step is None and part[:1] != ".":
                after.add(at)
            elif isinstance(step, re.Pattern) and step.match(part):
                after.add(at + 1)
        reached = after
    return reached


def _close(pattern: tuple[_Part, ...], reached: set[int]) -> set[int]:
    """Add the places behind each ``**``, which may also stand for no folder at all."""
    more = {at + 1 for at in reached if at < len(pattern) and pattern[at] is None}
    return reached | more


def _root(patterns: Sequence[str]) -> str:
    """Return the folder that all patterns share before their first wildcard (``""``: the top)."""
    shared: list[str] | None = None
    for pattern in patterns:
        parts = [part for part in pattern.split("/") if part not in {"", "."}][:-1]
        fixed = []
        for part in parts:
            if _WILD.search(part):
                break
            fixed.append(part)
        if shared is None:
            shared = fixed
        else:
            same = [a == b for a, b in zip(shared, fixed, strict=False)]
            shared = shared[: same.index(False) if False in same else len(same)]
    return "/".join(shared or [])
