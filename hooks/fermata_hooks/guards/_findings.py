"""What a guard found."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["allows", "denies", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one guard says of one deploy.

    ``guard`` is its name, ``rule`` what it is, ``origin`` where it is from (``fermata.yaml``, a
    policy's file, ``locks``). ``unknown`` counts as a denial. ``dry_run``: it denies nothing.
    ``ends``: how the denial ends: at ``opens`` (seconds since the epoch), when a lock is taken
    away, when the ``running`` DAGs have run, or never by itself.
    """

    guard: str
    rule: str
    origin: str
    outcome: Outcome
    message: str
    dry_run: bool = False
    ends: Literal["time", "unlock", "runs", "never"] = "never"
    opens: float = 0.0
    running: tuple[str, ...] = ()

    @property
    def denies(self) -> bool:
        """Whether it is in the way."""
        return self.outcome != "allows" and not self.dry_run

    def told(self) -> str:
        """Return it in one line."""
        if self.outcome == "allows":
            return f"{self.guard}: {self.message}"
        would = "would deny" if self.dry_run else "denies"
        return f"{self.guard} ({self.origin}) {would}: {self.message}"
