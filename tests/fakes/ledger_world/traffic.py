"""How an Airflow writes its event log, and a request on its way to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Dialect:
    """How an Airflow writes its event log, measured on real ones."""

    row_first: bool  # the row is there before the effect, in its own transaction
    false_values: bool = False  # every row says that the DAG was to run (3.0)
    answers_early: bool = False  # a 200 comes before the commit (3.0)


DIALECTS: Mapping[str, Dialect] = {
    "2.11": Dialect(row_first=True),
    "3.0": Dialect(row_first=False, false_values=True, answers_early=True),
    "3.1": Dialect(row_first=False),
    "3.3": Dialect(row_first=True),
}


@dataclass(eq=False)
class Request:
    """A request on its way; ``tag`` is empty for a person's."""

    dag_id: str
    paused: bool
    tag: str
    sent: float
    has_row: bool = False
    done: bool = False
    awaited: bool = False
    lost: bool = False
    ours: bool = field(init=False)

    def __post_init__(self) -> None:
        self.ours = bool(self.tag)
