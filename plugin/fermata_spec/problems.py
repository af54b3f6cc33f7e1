"""A problem of a checkout: where it is, which rule it breaks, and what is wrong, in one line."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from fermata_spec.errors import SettingsError

Severity = Literal["error", "warning"]


class Problem(NamedTuple):
    """One finding; ``line`` and ``column`` count from 1. Errors stop a render, warnings do not."""

    file: str
    line: int
    column: int
    rule: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        """Return ``file:line:column: rule: message`` on one line."""
        told = f"warning: {self.message}" if self.severity == "warning" else self.message
        return one_line(f"{self.file}:{self.line}:{self.column}: {self.rule}: {told}")

    def to_dict(self) -> Mapping[str, Any]:
        """Return the finding for ``--format json``."""
        return self._asdict()


TOLD = 100  # lines of an error's text: Argo CD keeps all of it in the Application


class ProblemsError(SettingsError):
    """A checkout with errors: its text is one line for each, all found in one pass."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems[:TOLD]]
        if len(self.problems) > TOLD:
            lines.append(f"and {len(self.problems) - TOLD} more: fermata lint tells them all")
        super().__init__("\n".join(lines))


def one_line(text: str, *, limit: int = 500) -> str:
    r"""Return ``text`` without characters that move a terminal's cursor, at most ``limit`` long.

    Names and values come from a checkout that anyone may write; lone surrogates (file names that
    are not UTF-8) are shown as ``\udc80``.
    """
    shown = "".join(
        c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text
    )
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"
