"""A file that does not want to hear of a rule says so: ``# fermata: silence environment-text``."""

import re

from fermata_plugin.checkout import SourceFile
from fermata_spec.kinds import nearest
from fermata_spec.problems import Problem
from fermata_spec.rules import JUDGING

_MARK = "fermata: silence"
_NOTHING: frozenset[str] = frozenset()
_COMMENT = re.compile(r"(?:#|--|//)[ \t]*fermata: silence[ \t]+(?P<rules>[a-z0-9, -]+)")


def silenced_in(source: SourceFile, problems: list[Problem]) -> frozenset[str]:
    """Return the rules that a file silences in itself; reports names of none."""
    if _MARK.encode() not in source.data or source.text is None:
        return _NOTHING
    wanted: set[str] = set()
    for number, line in enumerate(source.text.split("\n"), 1):
        match = _COMMENT.search(line) if _MARK in line else None
        for rule in re.split(r"[ ,]+", match["rules"].strip(" ,-")) if match else ():
            if rule in JUDGING:
                wanted.add(rule)
            else:
                told = f"{rule} is no rule that can be silenced{nearest(rule, tuple(JUDGING))}"
                problems.append(Problem(source.git_path, number, 1, "silence", told))
    return frozenset(wanted)
