"""Placeholders in the conf of a smoke run: ``{revision}`` becomes the revision that is proven.

No code: a word in single braces is looked up in one table, and what is no such word stays as it is
(``{"a": 1}``, ``{{ ds }}``). ``{{revision}}`` is the text ``{revision}``.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from fermata_spec.kinds import JSON_OBJECT, nearest
from fermata_spec.located import Node, Value

NAMES: Mapping[str, str] = {
    "application": "the application's name",
    "revision": "the revision that is proven",
    "revision12": "its first twelve characters",
    "namespace": "the application's namespace",
    "delivery": "how the files reach Airflow",
    "dag_id": "the smoke DAG's own id",
    "run_id": "the id of its run",
}
"""What may stand in the braces, and what it stands for."""

_PLACEHOLDER = re.compile(r"\{\{([A-Za-z_]\w*)\}\}|\{([A-Za-z_]\w*)\}", re.ASCII)


class Template(NamedTuple):
    """A mapping that JSON can hold, whose texts may hold placeholders."""

    text: str = JSON_OBJECT.text

    def read(self, node: Node) -> dict[str, Any] | None:
        """Return the mapping as it stands; reports each placeholder that nobody knows."""
        value = JSON_OBJECT.read(node)
        if value is None:
            return None
        before = len(node.document.problems)
        for leaf in _texts(node):
            for name in _names(leaf.value):
                told = f"{{{name}}} stands for nothing{nearest(name, list(NAMES))}"
                leaf.report("unknown-placeholder", f"{told}; {{{{{name}}}}} is the text {{{name}}}")
        return value if len(node.document.problems) == before else None

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value."""
        return JSON_OBJECT.schema()


TEMPLATE = Template()


def filled(value: Value, names: Mapping[str, str]) -> Value:
    """Return ``value`` with the placeholders in its texts replaced; keys stay as they are.

    ``names`` has a text for each of ``NAMES``; a placeholder of another name stays (a plan is of
    the same release as its hooks, so there is none).
    """
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda match: _one(match, names), value)
    if isinstance(value, Mapping):
        return {key: filled(each, names) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [filled(each, names) for each in value]
    return value


def _one(match: re.Match[str], names: Mapping[str, str]) -> str:
    if match[1]:
        return f"{{{match[1]}}}"
    return names.get(match[2], match[0])


def _names(text: str) -> Iterator[str]:
    return (match[2] for match in _PLACEHOLDER.finditer(text) if match[2] and match[2] not in NAMES)


def _texts(node: Node) -> Iterator[Node]:
    if isinstance(node.value, str):
        yield node
    elif isinstance(node.value, dict | list):
        for child in node.values():
            yield from _texts(child)
