"""dag-factory's YAML: which DAGs a file defines, and what is wrong with them.

Follows dag-factory 1.0 and 1.1: every key of the top but ``default`` and ``task_groups`` is a DAG
id; ``tasks`` and ``task_groups`` are mappings, or lists with ``task_id`` and ``group_name``; a
DAG's own keys win over the file's ``default``, those over nearer and then farther ``defaults.yml``
(lists are replaced, except ``tags`` between ``defaults.yml`` files, which are united).
"""

import re
from collections.abc import Callable, Mapping, Sequence

from fermata_plugin.digests import canonical, digest_of_text
from fermata_plugin.formats.found import FoundDag
from fermata_plugin.formats.task_graph import check_tasks
from fermata_spec import limits
from fermata_spec.cron import problems_of_schedule
from fermata_spec.limits import Budget
from fermata_spec.located import Document, Node, Value

DEFAULTS_FILES = ("defaults.yml", "defaults.yaml")
RESERVED = frozenset({"default", "task_groups"})
_TELLING = frozenset(
    [
        "tasks",
        "task_groups",
        "default_args",
        "schedule",
        "schedule_interval",
        "start_date",
        "doc_md",
    ]
)
_LOOKED_AT = ("schedule", "is_paused_upon_creation")
_ID = re.compile(r"[\w.-]+")
ID_CHARACTERS = 250  # Airflow's own bound


def is_defaults(path: str) -> bool:
    """Whether ``path`` is a file of defaults for the DAGs beside and below it."""
    return path.rpartition("/")[2] in DEFAULTS_FILES


def is_dag_factory(value: Value) -> bool:
    """Whether a YAML document looks like dag-factory's: some key of the top holds a DAG."""
    if not isinstance(value, dict) or {"apiVersion", "kind"} <= value.keys():
        return False
    return any(isinstance(each, dict) and _TELLING & each.keys() for each in value.values())


def read_dags(
    document: Document,
    defaults: Mapping[str, Value],
    named: Callable[[Value], tuple[str, ...]] = lambda _: (),
    budget: Budget | None = None,
) -> list[FoundDag]:
    """Return the DAGs of a file, each with the digest of all its configuration; reports problems.

    ``defaults`` are those of the ``defaults.yml`` files above it (``merge_defaults``); ``named``
    finds the files that a configuration names; once ``budget`` is spent no more is read.
    """
    budget = budget or Budget(limits.CONFIGURED_CHARACTERS)
    before = len(document.problems)
    if not isinstance(document.value, dict):
        document.node.report("dag-factory", "not a mapping of DAG ids to DAGs")
        return []
    own = document.node.get("default")
    if own is not None and not isinstance(own.value, dict):
        own.report("dag-factory", "default is not a mapping")
        return []
    file_default = own.value if own is not None else {}
    found = []
    for dag_id, node in document.node.items():
        if dag_id not in RESERVED and _check_dag(dag_id, node, file_default, defaults):
            if budget.is_spent:
                break
            whole = effective(node.value, file_default, defaults)
            text = canonical(whole, plain_keys=document.plain_keys)
            if budget.spend(len(text)):
                told = f"more than {budget.limit.value} {budget.limit.unit}: {budget.limit.bounds}"
                node.report("limit", told, at_key=True)
            found.append(
                FoundDag(
                    dag_id=dag_id,
                    place=node.key_mark,
                    settings={key: whole[key] for key in _LOOKED_AT if key in whole}
                    | {"owner": _owner(whole)},
                    digest=digest_of_text(text),
                    mentions=named(whole),
                    file=node.file(at_key=True),
                )
            )
    if not found and len(document.problems) == before:
        document.node.report("dag-factory", "defines no DAG")
    return found


def _owner(dag: Mapping[str, Value]) -> str:
    args = dag.get("default_args")
    return str(args.get("owner") or "") if isinstance(args, dict) else ""


def read_defaults(document: Document) -> Mapping[str, Value]:
    """Return the content of a ``defaults.yml``; reports what dag-factory would stumble over."""
    if document.value is None:
        return {}
    if not isinstance(document.value, dict):
        document.node.report("dag-factory", "defaults are not a mapping")
        return {}
    found = len(document.problems)
    if not document.plain_keys:
        document.node.report("dag-factory", "a key that is not a text")
    for name, kind, told in (("default_args", dict, "a mapping"), ("tags", list, "a list")):
        child = document.node.get(name)
        if child is not None and not isinstance(child.value, kind):
            child.report("dag-factory", f"{name} is not {told}")
    return document.value if len(document.problems) == found else {}


def merge_defaults(farthest_first: Sequence[Mapping[str, Value]]) -> dict[str, Value]:
    """Return several ``defaults.yml`` as one, as dag-factory merges them."""
    merged: dict[str, Value] = {"default_args": {}}
    for defaults in farthest_first:
        for key, value in defaults.items():
            if key == "default_args":
                merged[key] = merged[key] | value
            elif key == "tags":
                merged[key] = sorted({*merged.get(key, []), *value}, key=str)
            else:
                merged[key] = value
    return merged


def _check_dag(
    dag_id: object, node: Node, file_default: Mapping[str, Value], defaults: Mapping[str, Value]
) -> bool:
    """Report what is wrong with a DAG; whether it can be planned."""
    if not is_id(dag_id):
        node.report("dag-id", f"{dag_id!r} is no DAG id: letters, digits, - _ . only", at_key=True)
        return False
    if not isinstance(node.value, dict):
        node.report("dag-factory", f"{dag_id} is not a mapping")
        return False
    refused = node.get("schedule_interval")
    if refused is not None:
        told = "dag-factory refuses schedule_interval: its name is schedule"
        refused.report("dag-factory", told, at_key=True)
    inherited = {**defaults, **file_default}
    if "tasks" not in node.value and "tasks" not in inherited:
        node.report("no-tasks", f"{dag_id} has no tasks", at_key=True)
        return False
    check_tasks(node, inherited)
    schedule = node.get("schedule")
    if schedule is not None and isinstance(schedule.value, str):
        for wrong in problems_of_schedule(schedule.value):
            schedule.report("cron", wrong)
    return True


def is_id(value: object) -> bool:
    """Whether Airflow takes ``value`` as the id of a DAG."""
    return (
        isinstance(value, str) and len(value) <= ID_CHARACTERS and _ID.fullmatch(value) is not None
    )


def effective(
    dag: Mapping[str, Value], file_default: Mapping[str, Value], defaults: Mapping[str, Value]
) -> dict[str, Value]:
    """Return a DAG's configuration after all defaults, as dag-factory computes it."""
    default = dict(file_default)
    args = default.get("default_args")
    default["default_args"] = defaults.get("default_args", {}) | (args or {})
    above = {key: value for key, value in defaults.items() if key != "default_args"}
    return _filled({**above, **dag}, default)


def _filled(config: Mapping[str, Value], default: Mapping[str, Value]) -> dict[str, Value]:
    """Return ``config`` with what only ``default`` says, at every depth; changes neither."""
    filled = dict(config)
    for key, value in default.items():
        own = filled.get(key)
        if key not in filled:
            filled[key] = value
        elif isinstance(own, dict) and isinstance(value, dict):
            filled[key] = _filled(own, value)
    return filled
