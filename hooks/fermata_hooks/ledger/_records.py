"""What the ledger holds: holds and lines, as immutable values.

A hold is in force as long as it is in the ledger; to revoke it is to remove it. A line says that
we owe a DAG its way back: the DAG was running when it was first held. A DAG without a line is
never written to.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Literal

Mark = Literal["pausing", "paused", "resuming"]

CLOCKS_DIFFER = 30.0  # seconds that the clocks of two actors may differ
WINDOW = 60.0  # seconds in which a request must leave after its intent (W)
BATCH = 50  # DAGs in one intent


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """The DAGs that one application wants held; times are seconds since the epoch.

    ``token`` names the one hold step that may pause for it. ``todo`` are the DAGs that it has not
    dealt with, ``held`` those that it has (paused by us, or found paused by a person). ``kept``
    is the reason why a failed sync left it in force; empty while its sync runs.
    """

    token: str
    revision: str
    operation: str
    opened: float
    expires: float
    todo: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    kept: str = ""

    @property
    def dags(self) -> frozenset[str]:
        """Every DAG on its list."""
        return self.todo | self.held


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """What we owe one DAG.

    ``pausing`` and ``resuming``: a request of ``writer`` may be under way, and can have no effect
    any more after ``until`` (None: it was answered, and only ``late_until`` keeps the line).
    ``late_until``: until then an earlier request, one that had no answer, may still land.
    ``since``: Airflow's own time when the DAG was first read as running. ``gone_since``: since
    when Airflow says that there is no such DAG.
    """

    mark: Mark
    since: float
    writer: str = ""
    until: float | None = None
    late_until: float | None = None
    gone_since: float | None = None

    @property
    def may_land_until(self) -> float | None:
        """Until when any request for the DAG may land; None if each one was answered."""
        ends = [end for end in (self.until, self.late_until) if end is not None]
        return max(ends, default=None)

    def calm(self, now: float) -> bool:
        """Whether at ``now`` no request for the DAG can land any more, on anybody's clock."""
        end = self.may_land_until
        return end is None or now > end + CLOCKS_DIFFER


@dataclass(frozen=True, kw_only=True)
class Record:
    """The whole ledger: its ``id`` (made once), holds by application, lines by DAG id."""

    id: str
    holds: Mapping[str, Hold] = field(default_factory=lambda: MappingProxyType({}))
    lines: Mapping[str, Line] = field(default_factory=lambda: MappingProxyType({}))

    def listed(self) -> frozenset[str]:
        """Return every DAG that is on some hold's list: nobody begins to resume these."""
        return frozenset().union(*(hold.dags for hold in self.holds.values()))

    def unlisted(self) -> dict[str, Line]:
        """Return the lines to settle: those of DAGs that no hold lists."""
        listed = self.listed()
        return {dag_id: line for dag_id, line in self.lines.items() if dag_id not in listed}

    def holders(self, dag_id: str) -> list[str]:
        """Return the applications whose hold lists ``dag_id``."""
        return sorted(app for app, hold in self.holds.items() if dag_id in hold.dags)

    def with_hold(self, application: str, hold: Hold | None) -> "Record":
        """Return the ledger with this hold of ``application``; None removes it."""
        holds = {**self.holds}
        if hold is None:
            holds.pop(application, None)
        else:
            holds[application] = hold
        return replace(self, holds=holds)

    def with_lines(self, changed: Mapping[str, Line | None]) -> "Record":
        """Return the ledger with these lines changed; None removes one."""
        if not changed:
            return self
        lines = {**self.lines, **changed}
        return replace(self, lines={d: line for d, line in lines.items() if line is not None})
