"""How a section of ``fermata.yaml`` is declared, and read: a dataclass whose fields say it all.

Each field is made by ``key``, ``section`` or ``sections``: kind, default as a person writes it,
and help. From these come the reader here, the JSON Schema and the documentation.
"""

from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, ClassVar, NamedTuple

from fermata_spec.kinds import Kind, nearest, refused
from fermata_spec.located import Document, Mark, Node, Places, Value


@dataclass(frozen=True, kw_only=True)
class Section:
    """A mapping of ``fermata.yaml``; ``planned`` names keys that a later release will read."""

    planned: ClassVar[tuple[str, ...]] = ()


class Key(NamedTuple):
    """What is declared of a field; ``default`` is the YAML value, ``...`` where one is needed."""

    kind: Kind
    help: str
    default: Any
    name: str


def key(kind: Kind, help: str, *, default: Value = ..., name: str = "") -> Value:  # noqa: A002 - what it is
    """Declare a key; ``name`` is its spelling in YAML where that is no Python name."""
    declared = Key(kind, help, default, name)
    if default is ...:
        return field(metadata={"key": declared})
    return field(default_factory=lambda: _default(declared), metadata={"key": declared})


def section(cls: type[Section], help: str, *, required: bool = False) -> Value:  # noqa: A002
    """Declare a key that holds a section."""
    declared = Key(SectionKind(cls), help, ... if required else {}, "")
    if required:
        return field(metadata={"key": declared})
    return field(default_factory=cls, metadata={"key": declared})


def declared_keys(cls: type[Section]) -> dict[str, tuple[Field[Any], Key]]:
    """Return the keys of a section by their spelling in YAML."""
    found = {}
    for each in fields(cls):
        declared: Key = each.metadata["key"]
        found[declared.name or each.name] = (each, declared)
    return found


class SectionKind(NamedTuple):
    """A section as the value of a key."""

    cls: type[Section]

    @property
    def text(self) -> str:
        """What a message says was expected."""
        return f"a mapping of {', '.join(declared_keys(self.cls))}"

    def read(self, node: Node) -> Value:
        """Return the section, or ``None`` after reporting every problem in it."""
        if not isinstance(node.value, dict):
            refused(node, self)
            return None
        known = declared_keys(self.cls)
        before = len(node.document.problems)
        values: dict[str, Any] = {}
        for name, child in node.items():
            if name not in known:
                self._refuse(name, child, known)
                continue
            each, declared = known[name]
            values[each.name] = declared.kind.read(child)
        for name, (each, _) in known.items():
            if name not in node.value and _required(each):
                node.report("missing-key", f"{name} is needed here")
        return self.cls(**values) if len(node.document.problems) == before else None

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the section."""
        known = declared_keys(self.cls)
        properties = {
            name: {**declared.kind.schema(), "description": declared.help}
            | ({} if declared.default is ... else {"default": declared.default})
            for name, (_, declared) in known.items()
        }
        required = [name for name, (each, _) in known.items() if _required(each)]
        return {
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": False,
        }

    def _refuse(self, name: object, child: Node, known: dict[str, Any]) -> None:
        if name in self.cls.planned:
            child.report("not-implemented", f"{name}: this release does not read it", at_key=True)
        else:
            hint = nearest(name, list(known))
            child.report("unknown-key", f"{name} is not known here{hint}", at_key=True)


def _required(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


def _default(declared: Key) -> Value:
    """Return the value that a person would get by writing the default."""
    value = declared.default
    if value is None:
        return None
    document = Document("default", [])
    if isinstance(value, list):
        document.places[id(value)] = dict.fromkeys(range(len(value)), document.node.places)
    read = declared.kind.read(Node(document, value, Places(Mark(1, 1), Mark(1, 1))))
    if document.problems or read is None:
        raise ValueError(f"default {value!r}: {document.problems}")
    return read
