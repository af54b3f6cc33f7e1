"""YAML for reviewers: texts as blocks, our order of keys, no aliases, ``---`` before each document.

PyYAML's own writer turns an embedded file into one quoted string with doubled line ends, and takes
ten times as long. What is written here is what ``yaml.safe_load_all`` reads back, and nothing that
YAML 1.1 and 1.2 readers see differently.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from json import dumps as json_dumps

from fermata_spec.located import Value

_INDENT = 2
_PLAIN = re.compile(r"(?:[A-Za-z/_]|\.[A-Za-z])[A-Za-z0-9/_.@=+-]*(?:[ :][A-Za-z0-9/_.@=+-]+)*")
_WORDS = frozenset(
    ["true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf", ".inf", ".nan"]
)
# What a block may not hold: line breaks of other systems, and what YAML calls not printable.
_NOT_IN_BLOCK = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]"
)


def dump(documents: Iterable[Mapping[str, Value]]) -> str:
    """Return ``documents`` as one YAML stream."""
    return "".join(f"---\n{''.join(_mapping(each, 0))}" for each in documents)


def _mapping(value: Mapping[str, Value], indent: int) -> Iterator[str]:
    for key, item in value.items():
        yield f"{' ' * indent}{_scalar(key)}:{_after_key(item, indent)}"


def _after_key(value: Value, indent: int) -> str:
    if isinstance(value, Mapping) and value:
        return "\n" + "".join(_mapping(value, indent + _INDENT))
    if isinstance(value, list | tuple) and value:
        return "\n" + "".join(_sequence(value, indent))
    return f" {_leaf(value, indent + _INDENT)}\n"


def _sequence(value: Sequence[Value], indent: int) -> Iterator[str]:
    for item in value:
        pad = " " * indent
        if isinstance(item, Mapping) and item:
            body = "".join(_mapping(item, indent + _INDENT))
            yield f"{pad}- {body[indent + _INDENT :]}"
        elif isinstance(item, list | tuple) and item:
            body = "".join(_sequence(item, indent + _INDENT))
            yield f"{pad}- {body[indent + _INDENT :]}"
        else:
            yield f"{pad}- {_leaf(item, indent + _INDENT)}\n"


def _leaf(value: Value, indent: int) -> str:
    if isinstance(value, str):
        return _block(value, indent) or _scalar(value)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    return _scalar(value)


def _scalar(value: Value) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} has no place in a manifest")
    return value if _is_plain(value) else _quoted(value)


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS


def _quoted(text: str) -> str:
    return _NOT_IN_BLOCK.sub(_escape, json_dumps(text, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _float(value: float) -> str:
    text = repr(value)
    if text in {"inf", "-inf", "nan"}:
        return text.replace("inf", ".inf").replace("nan", ".nan")
    if "." not in text:
        text = text.replace("e", ".0e")
    return text


def _block(text: str, indent: int) -> str:
    """Return ``text`` as a literal block, or nothing where that cannot be or is not worth it."""
    if "\n" not in text or not text.strip() or not _may_be_block(text):
        return ""
    first = text.lstrip("\n")
    explicit = str(_INDENT) if first[0] in " \t" else ""
    body = text.removesuffix("\n")
    chomp = "-" if body == text else "+" if body.endswith("\n") else ""
    return f"|{explicit}{chomp}\n{_indented(body, ' ' * indent)}"


def _may_be_block(text: str) -> bool:
    # What is printable is allowed; asked first, for it takes a fifth of the time.
    return text.replace("\n", "").isprintable() or not _NOT_IN_BLOCK.search(text)


def _indented(text: str, pad: str) -> str:
    """Return ``text`` with ``pad`` before each line that is not empty."""
    if text[0] == "\n" or text[-1] == "\n" or "\n\n\n" in text:
        return "\n".join(pad + line if line else "" for line in text.split("\n"))
    padded = text.replace("\n", f"\n{pad}")
    return f"{pad}{padded}".replace(f"\n{pad}\n", "\n\n")
