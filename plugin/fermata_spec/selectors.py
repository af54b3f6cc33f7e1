"""One small language to say which DAGs: in ``fermata.yaml``, in the plan, on the command line.

    affected           the DAGs that differ from the last revision that passed
    all                every DAG that Airflow has
    etl_daily          that DAG
    etl_*              the DAGs whose ids match (``*``, ``?``, ``[ab]``; a DAG ``all`` is ``[a]ll``)
    tag:nightly        the DAGs with that tag
    owner:alice        the DAGs of that owner
    bundle:team-a      the DAGs of that bundle (Airflow 3)
    !tag:never-hold    but not these: before any of the four above

Several expressions are a union, less every exclusion. The mapping form of ``fermata.yaml`` says
the same with lists, and compiles to the same ``Selector``.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple, Protocol

from fermata_spec.problems import one_line

MAX_CHARACTERS = 500  # of one expression; DAG ids and tags are shorter in Airflow's database
KINDS = {"tag": "tags", "owner": "owners", "bundle": "bundles"}

_DAG_ID = re.compile(r"[\w.-]+")  # Airflow's own rule
_PATTERN = re.compile(r"[*?\[]")


class DagFacts(Protocol):
    """What a selector asks of a DAG."""

    @property
    def dag_id(self) -> str:
        """Its id."""

    @property
    def tags(self) -> Sequence[str]:
        """Its tags."""

    @property
    def owners(self) -> Sequence[str]:
        """Its owners."""

    @property
    def bundle_name(self) -> str | None:
        """Its bundle; none on Airflow 2."""


@dataclass(frozen=True, kw_only=True)
class Selector:
    """Which DAGs: a union of what is listed and of what ``mode`` says."""

    mode: Literal["affected", "all", "listed"] = "affected"
    dag_ids: tuple[str, ...] = ()
    globs: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()
    bundles: tuple[str, ...] = ()

    def matches(self, dag: DagFacts) -> bool:
        """Return whether the lists name ``dag`` in any of their ways."""
        return (
            self.matches_id(dag.dag_id)
            or not set(self.tags).isdisjoint(dag.tags)
            or not set(self.owners).isdisjoint(dag.owners)
            or dag.bundle_name in self.bundles
        )

    def matches_id(self, dag_id: str) -> bool:
        """Return whether the lists name a DAG of which only the id is known."""
        return dag_id in self.dag_ids or any(fnmatchcase(dag_id, glob) for glob in self.globs)

    def parts(self) -> Iterator[tuple[str, "Selector"]]:
        """Yield each element of the lists as an expression, with a selector for it alone."""
        for name in ("dag_ids", "globs"):
            for value in getattr(self, name):
                yield value, _listed(name, (value,))
        for kind, name in KINDS.items():
            for value in getattr(self, name):
                yield f"{kind}:{value}", _listed(name, (value,))

    def __or__(self, other: "Selector") -> "Selector":
        modes = {self.mode, other.mode}
        return Selector(
            mode="all" if "all" in modes else "affected" if "affected" in modes else "listed",
            **{
                name: tuple(dict.fromkeys(getattr(self, name) + getattr(other, name)))
                for name in ("dag_ids", "globs", *KINDS.values())
            },
        )


NOTHING = Selector(mode="listed")
AFFECTED = Selector(mode="affected")


class Wanted(NamedTuple):
    """What several expressions mean together: ``select`` less ``exclude``."""

    select: Selector
    exclude: Selector = NOTHING


def parse_selectors(expressions: Iterable[str]) -> Wanted:
    """Return what ``expressions`` mean together; raise ``ValueError`` that quotes a wrong one."""
    select, exclude = NOTHING, NOTHING
    for expression in expressions:
        if expression.startswith("!"):
            exclude |= check_exclusion(expression[1:])
        else:
            select |= _term(expression)
    if select == NOTHING:
        raise ValueError("nothing is selected: name what is, beside what is not")
    return Wanted(select, exclude)


def parse_exclusions(expressions: Iterable[str]) -> Selector:
    """Return the selector of what is never meant; the expressions come without a ``!``."""
    exclude = NOTHING
    for expression in expressions:
        exclude |= check_exclusion(expression)
    return exclude


def check_selector(expression: str) -> None:
    """Raise ``ValueError`` if this is no selector, with or without a ``!``."""
    if expression.startswith("!"):
        check_exclusion(expression[1:])
    else:
        _term(expression)


def check_exclusion(expression: str) -> Selector:
    """Return what an exclusion names; raise ``ValueError`` if it names no DAGs of its own."""
    selector = _term(expression)
    if selector.mode != "listed":
        raise ValueError(f"{expression} cannot be excluded: DAGs, patterns, tags and owners can")
    return selector


def _term(text: str) -> Selector:
    """Return the selector of one expression without a ``!``."""
    if text in ("affected", "all"):
        return replace(NOTHING, mode="all" if text == "all" else "affected")
    if not text.strip() or len(text) > MAX_CHARACTERS:
        raise ValueError(f"a selector of {len(text)} characters")
    if not text.isprintable():
        raise ValueError(f"{_shown(text)} has characters that cannot be shown")
    kind, colon, value = text.partition(":")
    if colon:
        return _marked(text, kind, value)
    if _PATTERN.search(text):
        return _listed("globs", (text,))
    if not _DAG_ID.fullmatch(text):
        raise ValueError(f"{_shown(text)} is neither a DAG id nor a pattern")
    return _listed("dag_ids", (text,))


def _marked(text: str, kind: str, value: str) -> Selector:
    if kind not in KINDS:
        from fermata_spec.kinds import nearest  # noqa: PLC0415 - only for what is wrong

        known = ", ".join(f"{kind}:" for kind in KINDS)
        raise ValueError(f"{_shown(text)} begins with none of {known}{nearest(kind, [*KINDS])}")
    if not value.strip():
        raise ValueError(f"{_shown(text)} names no {kind}")
    return _listed(KINDS[kind], (value,))


def _listed(name: str, values: tuple[str, ...]) -> Selector:
    lists: dict[str, tuple[str, ...]] = {name: values}
    return Selector(mode="listed", **lists)


def _shown(text: str) -> str:
    return one_line(repr(text[:60]))
