"""Selectors as ``fermata.yaml`` holds them: an expression, a list of them, or a mapping of lists.

All three compile to the same ``Selector``.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from fermata_spec.kinds import TEXTS, ListOf, Text, refused
from fermata_spec.located import Node
from fermata_spec.sections import Section, SectionKind, key
from fermata_spec.selectors import (
    MAX_CHARACTERS,
    Selector,
    Wanted,
    check_exclusion,
    check_selector,
    parse_exclusions,
    parse_selectors,
)


class Selection(Section):
    """DAGs by what they are called, marked or owned by; everything named counts (a union)."""

    dag_ids: tuple[str, ...] = key(TEXTS, "DAG ids.", default=[])
    globs: tuple[str, ...] = key(TEXTS, "Shell patterns over DAG ids.", default=[])
    tags: tuple[str, ...] = key(TEXTS, "Tags.", default=[])
    owners: tuple[str, ...] = key(TEXTS, "Owners.", default=[])
    bundles: tuple[str, ...] = key(TEXTS, "DAG bundles (Airflow 3).", default=[])

    def selector(self) -> Selector:
        """Return the selection as the plan holds it."""
        return Selector(
            mode="listed",
            dag_ids=self.dag_ids,
            globs=self.globs,
            tags=self.tags,
            owners=self.owners,
            bundles=self.bundles,
        )


class SelectorKind(NamedTuple):
    """The three forms; what they mean together is made by ``compiled`` and ``listed``."""

    like: str
    check: Callable[[str], object]
    compiled: Callable[[tuple[str, ...]], Wanted | Selector]
    listed: Callable[[Selector], Wanted | Selector]

    @property
    def text(self) -> str:
        """What a message says was expected."""
        return f"a selector like {self.like}, a list of these, or {_MAPPING.text}"

    def read(self, node: Node) -> Any:  # noqa: ANN401 - a Wanted or a Selector
        """Return what is meant, or ``None`` after reporting why it is nothing."""
        if isinstance(node.value, dict):
            listed: Selection | None = _MAPPING.read(node)
            return None if listed is None else self.listed(listed.selector())
        expressions = self._expressions(node)
        if expressions is None:
            return None
        try:
            return self.compiled(expressions)
        except ValueError as exc:
            node.report("value", str(exc))
            return None

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        text = {"type": "string", "minLength": 1, "maxLength": MAX_CHARACTERS}
        return {"anyOf": [text, {"type": "array", "items": text}, _MAPPING.schema()]}

    def _expressions(self, node: Node) -> tuple[str, ...] | None:
        expression = Text(f"a selector like {self.like}", self._check)
        if isinstance(node.value, str):
            text = expression.read(node)
            return None if text is None else (text,)
        if isinstance(node.value, list):
            return ListOf(expression).read(node)
        refused(node, self)
        return None

    def _check(self, text: str) -> None:
        self.check(text)


_MAPPING = SectionKind(Selection)

WANTED = SelectorKind(
    "affected, all, etl_*, tag:nightly or !owner:bob", check_selector, parse_selectors, Wanted
)
EXCLUDED = SelectorKind(
    "etl_*, tag:nightly or owner:bob", check_exclusion, parse_exclusions, lambda listed: listed
)
