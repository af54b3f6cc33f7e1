"""What a person wants to know of an affected DAG: schedule, dates, owner, tasks.

Read again from its file, for a render keeps none of it. A value of Python that is not literal is an
``Expression``: two of them can be compared, and no more.
"""

from collections.abc import Mapping
from datetime import date, datetime, time
from typing import NamedTuple

from fermata_spec.located import Value

Tasks = Mapping[str, Mapping[str, Value]]


class Expression(NamedTuple):
    """Code that makes a value."""

    code: str

    def __str__(self) -> str:
        return self.code


class LocalTime(NamedTuple):
    """A time as a file has it, and the name of its time zone (empty: none is named)."""

    at: datetime
    zone: str = ""

    def __str__(self) -> str:
        midnight = self.at.time() == time() and self.at.tzinfo is None
        shown = str(self.at.date()) if midnight else self.at.isoformat(" ", "minutes")
        return f"{shown} {self.zone}".rstrip()


class Settings(NamedTuple):
    """One DAG's settings after all defaults; also the facts that a selector asks for.

    ``values``: its own arguments; ``args``: its ``default_args``; ``tasks``: each task's own.
    ``whole``: False where a part of these is computed.
    """

    dag_id: str
    values: Mapping[str, Value]
    args: Mapping[str, Value]
    tasks: Tasks
    bundle_name: str | None = None

    @property
    def tags(self) -> list[str]:
        """Its tags."""
        tags = self.values.get("tags")
        return [str(tag) for tag in tags] if isinstance(tags, list | tuple) else []

    @property
    def owners(self) -> list[str]:
        """Its owners, as far as ``default_args`` tells."""
        owner = self.args.get("owner")
        return [str(owner)] if owner else []

    @property
    def schedule(self) -> Value:
        """Its schedule; none is none."""
        return self.values.get("schedule", self.values.get("schedule_interval"))

    def decides(self, name: str) -> str:
        """Return, for comparison, one of the settings by which Airflow decides when a DAG runs."""
        if name == "schedule":
            return str(self.schedule)
        return str(self.values.get(name) if name == "catchup" else self.date(name))

    def date(self, name: str) -> LocalTime | Expression | None:
        """Return ``start_date`` or ``end_date``, wherever it stands."""
        for place in (self.values, self.args):
            if place.get(name) is not None:
                return _time(place[name], str(place.get("timezone") or ""))
        return None


def _time(value: Value, zone: str) -> LocalTime | Expression:
    if isinstance(value, LocalTime | Expression):
        return value
    if isinstance(value, datetime):
        return LocalTime(value, zone)
    if isinstance(value, date):
        return LocalTime(datetime.combine(value, time()), zone)
    try:
        return LocalTime(datetime.fromisoformat(str(value)), zone)
    except ValueError:  # dag-factory also takes "2 days"
        return Expression(str(value))
