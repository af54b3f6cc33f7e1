"""stderr is talk: one line a message, for people (``text``) or for a log pipeline (``json``)."""

import json
import logging
import sys
from typing import Literal, TextIO

from fermata_hooks.clock import rfc3339
from fermata_spec.errors import TerminatedError

LOGGER = "fermata"


class _JsonLine(logging.Formatter):
    """One JSON object a line: ``time``, ``level``, ``message``."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(
            {
                "time": rfc3339(record.created),
                "level": record.levelname.lower(),
                "message": record.getMessage(),
            }
        )


class _TextLine(logging.Formatter):
    """``12:34:56 message``, with the level where it is not ``info``."""

    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        return f"{rfc3339(record.created)[11:19]} {level}{record.getMessage()}"


class _Stderr(logging.StreamHandler[TextIO]):
    """stderr; a SIGTERM that comes while a line is written ends the process, not the line."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        error = sys.exc_info()[1]
        if isinstance(error, TerminatedError):
            raise error
        super().handleError(record)


def talk_to_stderr(form: Literal["text", "json"]) -> None:
    """Send what Fermata's modules log to stderr from now on; called once, by a command."""
    handler = _Stderr(sys.stderr)
    handler.setFormatter(_JsonLine() if form == "json" else _TextLine())
    logger = logging.getLogger(LOGGER)
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
