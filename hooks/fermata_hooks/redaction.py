"""Take the obvious secrets out of text that comes from Airflow before anybody else reads it.

Task logs and tracebacks are written by users' code. Airflow masks what it knows to be secret;
this is the second net, for what looks like one: it may hide too much, and cannot find all.
"""

import re
from collections.abc import Iterable

MASK = "***"
MAX_LINE = 500  # characters; a longer line is cut
LOOKED_AT = 4 * MAX_LINE  # characters: no line costs more than a moment

_PATTERNS = (
    # scheme://user:password@host
    (re.compile(r"(?P<keep>\w{1,20}://[^\s/:@]{0,80}:)[^\s/@]{1,200}(?=@)"), rf"\g<keep>{MASK}"),
    # Authorization: Bearer abc, Basic abc
    (re.compile(r"(?i)(?P<keep>\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}"), rf"\g<keep>{MASK}"),
    # password=…, "api_key": "…", --token …
    (
        re.compile(
            r"(?i)(?P<keep>(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|access[_-]?key"
            r"|private[_-]?key|credential)[\w-]{0,40}[\"']?\s{0,5}(?:=>|[=:]|\s)\s{0,5})"
            r"(?:\"[^\"]*\"|'[^']*'|[^\s,;}\])]+)"
        ),
        rf"\g<keep>{MASK}",
    ),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"), MASK),  # AWS key ids
    (re.compile(r"\bgh[pousr]_\w{20,}\b"), MASK),  # GitHub
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), MASK),  # a JWT
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*"), MASK),
)


def redact(text: str) -> str:
    """Return ``text`` with what looks like a secret replaced, as one bounded line."""
    line = text[:LOOKED_AT].rstrip().replace("\r", " ").replace("\n", " ")
    line = "".join(char if char.isprintable() or char == "\t" else "�" for char in line)
    for pattern, replacement in _PATTERNS:
        line = pattern.sub(replacement, line)
    return line if len(line) <= MAX_LINE else line[: MAX_LINE - 1] + "…"


def redact_lines(lines: Iterable[str], *, most: int) -> tuple[str, ...]:
    """Return the last ``most`` lines, each redacted, without empty ones; a private key whole."""
    kept: list[str] = []
    in_key = False
    for line in lines:
        if "PRIVATE KEY-----" in line:
            in_key = "-----BEGIN" in line
            kept.append(MASK)
        elif not in_key and line.strip():
            kept.append(redact(line))
    return tuple(kept[-most:])
