"""What a DAG is made of, by its serialized form."""

from dataclasses import dataclass

from fermata_hooks.airflow_api._questions import Questions
from fermata_hooks.exchange import segment

_MOST = 1_000_000


@dataclass(frozen=True, kw_only=True)
class TaskShape:
    """A task of a DAG, as far as people look at its changes."""

    owner: str
    retries: int


class Structures:
    """Questions about tasks, not their instances; ``AirflowApi.structures``.

    They need ``can_read`` on Task Instances; without it the answer is a ``RejectedError`` of
    status 403.
    """

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    def tasks(self, dag_id: str) -> dict[str, TaskShape] | None:
        """Return the tasks of a DAG by id; ``None`` if there is no such DAG (2.x: or inactive)."""
        fields = self._questions.one_or_none(f"/dags/{segment(dag_id)}/tasks")
        if fields is None:
            return None
        return {
            task.text("task_id"): TaskShape(
                owner=task.optional_text("owner") or "",
                retries=_whole(task.raw("retries")),
            )
            for task in fields.each("tasks")
        }


def _whole(value: object) -> int:
    """Return a number that Airflow writes as ``2.0``; anything else counts for none."""
    return int(value) if isinstance(value, int | float) and abs(value) < _MOST else 0
