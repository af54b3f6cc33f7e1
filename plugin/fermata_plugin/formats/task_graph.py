"""The graph of a dag-factory DAG's tasks: unknown dependencies, cycles, tasks without operator."""

from collections.abc import Collection, Iterator, Mapping

from fermata_spec.kinds import nearest
from fermata_spec.located import Node, Value
from fermata_spec.problems import TOLD


def check_tasks(dag: Node, inherited: Mapping[str, Value]) -> None:
    """Report what is wrong with the tasks and groups of ``dag``.

    ``inherited`` are the defaults: keys that a DAG takes from there are not judged again.
    """
    tasks = dict(_named(dag.get("tasks"), "tasks", "task_id"))
    groups = dict(_named(dag.get("task_groups"), "task_groups", "group_name"))
    known = {
        *tasks,
        *groups,
        *_names(inherited.get("tasks")),
        *_names(inherited.get("task_groups")),
    }
    for name, task in tasks.items():
        _check_task(name, task)
    edges = {
        name: list(_dependencies(name, node, known)) for name, node in (tasks | groups).items()
    }
    for name, node in tasks.items():
        _check_group(name, node, groups, inherited)
    cycle = find_cycle(edges)
    if cycle:
        node = (tasks | groups)[cycle[0]]
        node.report("cycle", f"tasks that wait for each other: {' > '.join(cycle)}", at_key=True)


def _named(  # noqa: C901 - two forms, and what may be wrong with each
    node: Node | None, what: str, key: str
) -> Iterator[tuple[str, Node]]:
    """Yield tasks (or groups) by name, from either of the two forms."""
    if node is None or node.value is None:
        return
    if not isinstance(node.value, dict | list):
        node.report("dag-factory", f"{what} is neither a mapping nor a list")
        return
    seen = set()
    for place, element in node.items():
        if not isinstance(element.value, dict):
            element.report("dag-factory", f"{place} of {what} is not a mapping")
            continue
        name, child = place, element
        if isinstance(node.value, list):
            named = element.get(key)
            if named is None:
                element.report("dag-factory", f"an element of {what} without {key}")
                continue
            at_name = (named.places[1], named.places[1])
            name, child = named.value, Node(element.document, element.value, at_name)
        if not isinstance(name, str):
            child.report("dag-factory", f"{name!r} of {what} is not a text", at_key=True)
        elif name in seen:
            child.report("dag-factory", f"{name} stands twice in {what}", at_key=True)
        else:
            seen.add(name)
            yield name, child


def _names(value: Value) -> set[str]:
    if isinstance(value, dict):
        return {name for name in value if isinstance(name, str)}
    return {
        str(each.get("task_id", each.get("group_name")))
        for each in (value if isinstance(value, list) else ())
        if isinstance(each, dict)
    }


def _check_task(name: str, task: Node) -> None:
    if type(task.value.get("operator")) is str:
        return  # nearly all; no node is made for what is sound
    operators = [task.get(key) for key in ("operator", "decorator") if key in task.value]
    if not operators:
        task.report("no-operator", f"task {name} has neither operator nor decorator", at_key=True)
    for operator in operators:
        if operator is not None and not isinstance(operator.value, str):
            operator.report("no-operator", f"task {name}: its operator is not a text")


def _check_group(
    name: str, task: Node, groups: Mapping[str, Node], inherited: Mapping[str, Value]
) -> None:
    if not task.value.get("task_group_name"):
        return
    group = task.get("task_group_name")
    if group is None:
        return
    known = [*groups, *_names(inherited.get("task_groups"))]
    if group.value not in known:
        hint = _nearest(group, known)
        group.report("unknown-group", f"task {name}: no task group {group.value}{hint}")


def _dependencies(name: str, node: Node, known: set[str]) -> Iterator[str]:
    if node.value.get("dependencies") is None:
        return
    wanted = node.get("dependencies")
    if wanted is None:
        return
    if not isinstance(wanted.value, list):
        wanted.report("dag-factory", f"{name}: dependencies is not a list")
        return
    for each in wanted.values():
        if isinstance(each.value, str) and each.value in known:
            yield each.value
        else:
            hint = _nearest(each, known)
            each.report("unknown-dependency", f"{name} waits for {each.value!r}, unknown{hint}")


def _nearest(node: Node, known: Collection[str]) -> str:
    """Return a hint at a known name; none for the many that nobody reads, for it takes long."""
    if len(known) > _KNOWN or len(node.document.problems) > TOLD:
        return ""
    return nearest(node.value, sorted(known))


_KNOWN = 1000


def find_cycle(edges: Mapping[str, list[str]]) -> list[str]:
    """Return a cycle of ``edges`` (its first name also last), or nothing; iterative."""
    done: set[str] = set()
    for start in edges:
        if start in done:
            continue
        path: list[str] = [start]
        on_path = {start}
        open_edges = [iter(edges[start])]
        while open_edges:
            step = next(open_edges[-1], None)
            if step is None:
                open_edges.pop()
                left = path.pop()
                on_path.discard(left)
                done.add(left)
            elif step in on_path:
                return [*path[path.index(step) :], step]
            elif step in edges and step not in done:
                path.append(step)
                on_path.add(step)
                open_edges.append(iter(edges[step]))
    return []
