"""What a person should look at before merging: changes of a DAG that Airflow takes at its word."""

from collections.abc import Iterator, Mapping, Sequence

from fermata_plugin.differ.settings import Settings
from fermata_spec.difference import Risk, RiskKind
from fermata_spec.located import Value

_MOST_NAMES = 10
_UNSTATED = "not stated"


def risks_of(old: Settings, new: Settings) -> Iterator[Risk]:
    """Yield the risks of changing ``old`` into ``new``."""
    dag_id = new.dag_id
    for name, kind in (("start_date", "start-date"), ("catchup", "catchup")):
        was, now = _setting(old, name), _setting(new, name)
        if was != now:
            yield Risk(dag_id=dag_id, kind=_kind(kind), message=f"{name} {was} → {now}")
    gone = [task for task in old.tasks if task not in new.tasks]
    if gone:
        told = f"{listed(gone)} removed: a run under way that still needs it cannot finish"
        yield Risk(dag_id=dag_id, kind="tasks", message=told)
    for name in ("retries", "owner"):
        yield from _argument(name, old, new)


def _kind(kind: str) -> RiskKind:
    return "start-date" if kind == "start-date" else "catchup"


def _setting(settings: Settings, name: str) -> str:
    value = settings.date(name) if name == "start_date" else settings.values.get(name)
    return _shown(value)


def _argument(name: str, old: Settings, new: Settings) -> Iterator[Risk]:
    """Yield what changes of an argument of ``default_args`` or of the tasks themselves."""
    kind: RiskKind = "retries" if name == "retries" else "owner"
    was, now = _shown(old.args.get(name)), _shown(new.args.get(name))
    if was != now:
        yield Risk(dag_id=new.dag_id, kind=kind, message=f"{name} {was} → {now}")
    told = [
        f"{task} {_own(old.tasks[task], name)} → {_own(new.tasks[task], name)}"
        for task in new.tasks
        if task in old.tasks and _own(old.tasks[task], name) != _own(new.tasks[task], name)
    ]
    if told:
        yield Risk(dag_id=new.dag_id, kind=kind, message=f"{name} of {listed(told)}")


def _own(task: Mapping[str, Value], name: str) -> str:
    return _shown(task.get(name))


def _shown(value: Value) -> str:
    if value is None:
        return _UNSTATED
    if isinstance(value, bool):
        return str(value).lower()
    text, most = str(value), 60
    return text if len(text) <= most else f"{text[: most - 1]}…"


def listed(names: Sequence[str], *, separator: str = ", ") -> str:
    """Return some names as one text."""
    more = len(names) - _MOST_NAMES
    return separator.join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
