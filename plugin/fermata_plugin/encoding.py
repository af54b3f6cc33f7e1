"""File names of a ConfigMap: the path of a file, written so that it can be read back.

A key may hold letters, digits, ``-``, ``_`` and ``.`` only. The rules, chosen so that usual paths
stay readable:

- ``/`` becomes ``--``: ``team/etl.py`` is ``team--etl.py``;
- a ``-`` that stands beside another ``-``, beside a ``/``, or at an end becomes ``_x2d_``;
- a ``.`` after another ``.`` becomes ``_x2e_`` (Airflow 2 would take ``..`` anywhere in a name for
  one of the kubelet's folders, by the pattern of ``.airflowignore``);
- ``_`` before ``x`` and two hexadecimal digits becomes ``_x5f_``;
- every other byte of the UTF-8 becomes ``_xHH_``.
"""

import re

_SEPARATOR = "--"
_USUAL = re.compile(r"[A-Za-z0-9_]+(?:[-./][A-Za-z0-9_]+)*")  # what the rules only join
_TOKEN = re.compile(
    r"(?P<slash>/)|(?P<dash>(?<![-/])(?<!\A)-(?![-/]|\Z))|(?P<escape>_(?=x[0-9a-f]{2}))"
    r"|(?P<dots>(?<=\.)\.)|(?P<plain>[A-Za-z0-9_.])|(?P<other>.)",
    re.DOTALL,
)
_ESCAPED = re.compile(r"(?:_x[0-9a-f]{2}_)+|--")


def encode(path: str) -> str:
    """Return the key under which a ConfigMap holds the file ``path``."""
    if _USUAL.fullmatch(path) and "_x" not in path:
        return path.replace("/", _SEPARATOR)
    return _TOKEN.sub(_encode_token, path)


def decode(key: str) -> str:
    """Return the path whose key is ``key``."""
    return _ESCAPED.sub(_decode_token, key)


def _encode_token(match: re.Match[str]) -> str:
    match match.lastgroup:
        case "slash":
            return _SEPARATOR
        case "dash" | "plain":
            return match[0]
        case _:
            return "".join(f"_x{byte:02x}_" for byte in match[0].encode())


def _decode_token(match: re.Match[str]) -> str:
    if match[0] == _SEPARATOR:
        return "/"
    return bytes(int(code, 16) for code in re.findall("x(..)_", match[0])).decode()
