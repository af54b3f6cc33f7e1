"""How a section of ``fermata.yaml`` is declared, and read: a class whose attributes say it all.

Each attribute is made by ``key``: kind, help, and the default as a person writes it. From these
come the reader here, the JSON Schema and the documentation. Not dataclasses: fifteen of them take
a tenth of the time that the renderer needs to start.
"""

from typing import Any, ClassVar, NamedTuple, NoReturn, dataclass_transform

from fermata_spec.kinds import Kind, nearest, refused
from fermata_spec.located import NOWHERE, Document, Node, Value


class Key(NamedTuple):
    """What is declared of a key; ``default`` is the YAML value, ``...`` where one is needed.

    ``parameter``: an Argo CD Application may give its value, too.
    """

    kind: Kind
    help: str
    default: Value
    name: str
    parameter: bool = False

    def default_value(self) -> Value:
        """Return what a person would get by writing the default; ``None`` for no value at all."""
        if self.default is None:
            return None
        document = Document("default", [])
        if isinstance(self.default, list):
            document.places[id(self.default)] = dict.fromkeys(range(len(self.default)), NOWHERE)
        read = self.kind.read(Node(document, self.default, NOWHERE))
        if document.problems:
            raise ValueError(f"{self.default!r} is no default: {document.problems[0].message}")
        return read


def key(
    kind: Kind,
    help: str,  # noqa: A002 - what it is
    *,
    default: Value = ...,
    name: str = "",
    parameter: bool = False,
) -> Value:
    """Declare a key; ``name`` is its spelling in YAML where that is no Python name."""
    return Key(kind, help, default, name, parameter)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(key,))
class Section:
    """A mapping of ``fermata.yaml``; ``planned`` names keys that a later release will read."""

    planned: ClassVar[tuple[str, ...]] = ()
    declared: ClassVar[dict[str, tuple[str, Key]]] = {}

    def __init_subclass__(cls) -> None:
        """Collect the keys by their spelling in YAML, with the attribute that holds each."""
        keys = {attribute: key for attribute, key in vars(cls).items() if isinstance(key, Key)}
        cls.declared = {
            declared.name or attribute: (attribute, declared)
            for attribute, declared in keys.items()
        }

    def __init__(self, **values: Value) -> None:
        for attribute, declared in type(self).declared.values():
            given = attribute in values
            value = values.pop(attribute) if given else declared.default_value()
            object.__setattr__(self, attribute, value)
        if values:
            raise TypeError(f"{type(self).__name__} has no {', '.join(values)}")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} is not changed once it is read")


class SectionKind(NamedTuple):
    """A section as the value of a key."""

    cls: type[Section]

    @property
    def text(self) -> str:
        """What a message says was expected."""
        return f"a mapping of {', '.join(self.cls.declared)}"

    def read(self, node: Node) -> Value:
        """Return the section, or ``None`` after reporting every problem in it."""
        if not isinstance(node.value, dict):
            refused(node, self)
            return None
        before = len(node.document.problems)
        values: dict[str, Any] = {}
        for name, child in node.items():
            if name in self.cls.declared:
                attribute, declared = self.cls.declared[name]
                values[attribute] = declared.kind.read(child)
            else:
                self._refuse(name, child)
        for name, (_, declared) in self.cls.declared.items():
            if name not in node.value and declared.default is ...:
                node.report("missing-key", f"{name} is needed here")
        return self.cls(**values) if len(node.document.problems) == before else None

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the section."""
        properties = {
            name: {**declared.kind.schema(), "description": declared.help}
            | (
                {}
                if declared.default is ... or declared.default is None
                else {"default": declared.default}
            )
            for name, (_, declared) in self.cls.declared.items()
        }
        return {
            "type": "object",
            "properties": properties,
            "required": [
                name for name, (_, key) in self.cls.declared.items() if key.default is ...
            ],
            "additionalProperties": False,
        }

    def _refuse(self, name: object, child: Node) -> None:
        if name in self.cls.planned:
            child.report("not-implemented", f"{name}: this release does not read it", at_key=True)
        else:
            hint = nearest(name, list(self.cls.declared))
            child.report("unknown-key", f"{name} is not known here{hint}", at_key=True)
