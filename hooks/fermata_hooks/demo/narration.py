"""What the demo says: acts, steps with how long they took, claims, tables.

Colours and signs beyond ASCII only where the terminal shows them; ``NO_COLOR`` is respected.
"""

import shutil
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from fermata_hooks.demo.processes import Finished
from fermata_spec.errors import RefusedError
from fermata_spec.problems import one_line

MAX_WIDTH = 100
MAX_OUTPUT = 4000
MARGIN = " " * 8
_STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_ASCII = {"✓": "ok", "✗": "NO", "─": "-", "│": "|", "→": "->", "…": "..."}


@dataclass(frozen=True)
class Step:
    """One step of the story and how long it took, in seconds."""

    act: str
    text: str
    seconds: float


class ClaimError(RefusedError):
    """Something that the demo says of Fermata is not so."""


class Narrator:
    """Prints the story as it happens and remembers the steps and the claims."""

    def __init__(self, out: TextIO, *, color: bool, plain: bool, width: int = MAX_WIDTH) -> None:
        self._out = out
        self._color = color
        self._plain = plain
        self._width = width
        self._act = "Setting up"
        self._started = time.monotonic()
        self.steps: list[Step] = []
        self.claims = 0

    @classmethod
    def on(cls, out: TextIO, environ: Mapping[str, str]) -> "Narrator":
        """Return the narrator for ``out``, as colourful as it and the user allow."""
        fancy = out.isatty() and environ.get("TERM") != "dumb" and not environ.get("NO_COLOR")
        width = min(shutil.get_terminal_size((MAX_WIDTH, 24)).columns, MAX_WIDTH)
        return cls(out, color=fancy, plain=not _can_show("".join(_ASCII), out), width=width)

    @property
    def seconds(self) -> float:
        """How long the story has taken so far."""
        return time.monotonic() - self._started

    def act(self, name: str, title: str, about: str) -> None:
        """Begin an act."""
        self.part(name)
        self.heading(f"{name}: {title}")
        for line in textwrap.wrap(about, self._width - len(MARGIN)):
            self.note(line)
        self._line("")

    def part(self, name: str) -> None:
        """Count the steps from now on as those of ``name``."""
        self._act = name

    def heading(self, text: str) -> None:
        """Show where a part begins."""
        head = f"── {text} "
        self._line("")
        self._line(self._style(head + "─" * max(self._width - len(head), 0), "bold", "cyan"))

    def note(self, text: str) -> None:
        """Say something that is neither a step nor a claim."""
        self._line(MARGIN + text)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Say what begins, at which second of the story; remember how long it takes."""
        began = self.seconds
        self._line(self._style(f"{began:6.1f}s ", "dim") + self._style(text, "bold"))
        yield
        self.steps.append(Step(self._act, text, self.seconds - began))

    def output(self, line: str) -> None:
        """Show a line that a program wrote, without what would move the cursor."""
        room = self._width - len(MARGIN) - 2
        for part in textwrap.wrap(
            one_line(line, limit=MAX_OUTPUT), room, subsequent_indent="  "
        ) or [""]:
            self._line(self._style(f"{MARGIN}│ {part}", "dim"))

    def claim(self, text: str, *, holds: bool, seen: object) -> None:
        """Say that something is so; raise ``ClaimError`` with what was ``seen`` if it is not."""
        if not holds:
            self._line(self._style(f"{MARGIN}✗ {text}", "red", "bold"))
            for line in str(seen).splitlines():
                self.output(line)
            raise ClaimError(f"{self._act}: not so: {text}")
        self.claims += 1
        self._line(f"{MARGIN}{self._style('✓', 'green', 'bold')} {text}")

    def succeeds(self, text: str, finished: Finished) -> None:
        """Claim that a program ended with 0."""
        self.ends_with(0, text, finished)

    def ends_with(self, code: int, text: str, finished: Finished) -> None:
        """Claim that a program ended with ``code``."""
        said = f"exit code {finished.code}\n{finished.stdout}{finished.stderr}"
        self.claim(f"{text} (exit code {code})", holds=finished.code == code, seen=said)

    def table(
        self,
        headers: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        styles: Mapping[str, str] | None = None,
    ) -> None:
        """Show a table; ``styles`` says how cells that begin with a text look."""
        widths = [max(len(line[i]) for line in [headers, *rows]) for i in range(len(headers))]

        def line(cells: Sequence[str], looks: Mapping[str, str]) -> str:
            shown = []
            for cell, width in zip(cells, widths, strict=True):
                style = next((looks[text] for text in looks if cell.startswith(text)), "")
                padded = cell.ljust(width)
                shown.append(self._style(padded, style) if style else padded)
            return MARGIN + "  ".join(shown).rstrip()

        self._line("")
        self._line(self._style(line(headers, {}), "bold"))
        self._line(self._style(line(["─" * width for width in widths], {}), "dim"))
        for cells in rows:
            self._line(line(cells, styles or {}))
        self._line("")

    def _style(self, text: str, *names: str) -> str:
        if not self._color:
            return text
        return f"\x1b[{';'.join(_STYLES[name] for name in names)}m{text}\x1b[0m"

    def _line(self, text: str) -> None:
        for sign, plain in _ASCII.items() if self._plain else ():
            text = text.replace(sign, plain)
        encoding = getattr(self._out, "encoding", None) or "utf-8"
        shown = text.rstrip().encode(encoding, errors="backslashreplace").decode(encoding)
        self._out.write(shown + "\n")
        self._out.flush()


def _can_show(signs: str, out: TextIO) -> bool:
    try:
        signs.encode(getattr(out, "encoding", None) or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
