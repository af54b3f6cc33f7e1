"""The parameters that an Argo CD Application may give to the plugin.

``environment`` chooses; each other is a key of ``fermata.yaml`` by its path (``airflow.url``), is
laid over what stands there, and is read by the same rules. They are as trusted as the file, no
more: a ``.argocd-source.yaml`` in git sets them, too.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fermata_spec.config import Config
from fermata_spec.kinds import nearest
from fermata_spec.located import Document, PlacedMark, Places
from fermata_spec.problems import Problem
from fermata_spec.sections import Key, Section, SectionKind

ENVIRONMENT = "environment"
ENVIRONMENT_HELP = "Which of the environments of fermata.yaml is rendered."


def parameters(section: type[Section] = Config, prefix: str = "") -> Iterator[tuple[str, Key]]:
    """Yield every key that is a parameter, by its path."""
    for name, (_, declared) in section.declared.items():
        if declared.parameter:
            yield f"{prefix}{name}", declared
        elif isinstance(declared.kind, SectionKind):
            yield from parameters(declared.kind.cls, f"{prefix}{name}.")


def as_document(given: Mapping[str, str], problems: list[Problem]) -> Document:
    """Return the values of parameters as a document to lay over ``fermata.yaml``.

    A problem with a value names its parameter as the file; a name of none is one.
    """
    known = [ENVIRONMENT, *(name for name, _ in parameters())]
    document = Document("parameters", problems)
    document.value = {}
    document.complete = True
    document.places[id(document.value)] = {}
    for name, value in given.items():
        if name not in known:
            told = f"there is no such parameter{nearest(name, known)}"
            problems.append(Problem(f"parameter {name[:60]}", 1, 1, "parameter", told))
        elif name != ENVIRONMENT:
            _put(document, name, value)
    return document


def _put(document: Document, name: str, value: str) -> None:
    mark = PlacedMark(0, 0, f"parameter {name}")
    holder: dict[str, Any] = document.value
    *above, last = name.split(".")
    for part in above:
        inner = holder.setdefault(part, {})
        document.places.setdefault(id(inner), {})
        document.places[id(holder)].setdefault(part, Places(mark, mark))
        holder = inner
    holder[last] = value
    document.places[id(holder)][last] = Places(mark, mark)
