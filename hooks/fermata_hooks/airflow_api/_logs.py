"""Task logs as lines for people: Airflow 3 sends one JSON object a line, Airflow 2 plain text."""

import json
import re
from collections import deque
from io import BytesIO
from typing import Any

from fermata_hooks.exchange import UnreadableAnswerError

LOG_LIMIT = 16 * 2**20  # bytes; Airflow cannot send the end of a log alone
LINE_LIMIT = 2000  # characters

_FRAMING = re.compile(r"\*\*\* |(?:.* - )?::(?:end)?group::")


def tail(body: bytes, *, lines: int, structured: bool) -> list[str]:
    """Return the last ``lines`` lines that the task or Airflow wrote, without Airflow's framing."""
    kept: deque[str] = deque(maxlen=max(lines, 1))
    for number, raw in enumerate(BytesIO(body)):
        for line in _event(raw) if structured else _text(raw, first=number == 0):
            text = line.rstrip()[:LINE_LIMIT]
            if text and not _FRAMING.match(text):
                kept.append(text)
    if len(body) >= LOG_LIMIT:
        kept.append(f"(the log goes on: only its first {LOG_LIMIT} bytes were read)")
    return list(kept)


def _text(raw: bytes, *, first: bool) -> list[str]:
    """Return a line of a plain log; the first one is the name of the worker."""
    return [] if first and not raw.startswith(b"[") else [raw.decode(errors="replace")]


def _event(raw: bytes) -> list[str]:
    """Return the lines of one structured event: its text, then the exception that it carries.

    The first events of a log have no level: they name the places it was read from.
    """
    try:
        event = json.loads(raw)
    except (ValueError, RecursionError):
        return [raw.decode(errors="replace")]
    if not isinstance(event, dict):
        return [str(event)]
    if "level" not in event and event.get("timestamp") is None:
        return []
    text = str(event.get("event", ""))
    return [*text.splitlines(), *_exceptions(event.get("error_detail"))]


def _exceptions(detail: Any) -> list[str]:  # noqa: ANN401 - whatever a log holds
    if not isinstance(detail, list):
        return []
    return [
        f"{error.get('exc_type', 'error')}: {error.get('exc_value', '')}"
        for error in detail
        if isinstance(error, dict)
    ]


def refuse_html(content_type: str, subject: str) -> None:
    """Raise if an HTML page came instead of a log."""
    if "html" in content_type:
        raise UnreadableAnswerError(f"{subject}: answered by a proxy, with an HTML page")
