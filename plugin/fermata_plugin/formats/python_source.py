"""Python DAG files, read as syntax: which DAGs they define where that is literal, what they import.

Nothing is imported or run. A DAG id that is computed cannot be told; it is a warning, for such a
DAG is neither held nor verified by name.
"""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from fermata_plugin.formats.found import FoundDag
from fermata_spec import limits
from fermata_spec.cron import problems_of_schedule
from fermata_spec.located import Mark, Value
from fermata_spec.problems import Problem


class PythonFile(NamedTuple):
    """What a Python file defines and imports; ``imports`` are dotted names with their places."""

    dags: tuple[FoundDag, ...]
    imports: tuple[tuple[str, Mark], ...]


def read_python(
    path: str, text: str, problems: list[Problem], *, package: str
) -> PythonFile | None:
    """Return what the file ``path`` of ``package`` holds; ``None`` after reporting why not."""
    if len(text) > limits.PYTHON_CHARACTERS.value:
        told = f"{len(text)} characters, at most {limits.PYTHON_CHARACTERS.value} are read: "
        problems.append(Problem(path, 1, 1, "limit", told + limits.PYTHON_CHARACTERS.bounds))
        return None
    tree = _parse(path, text, problems)
    if tree is None:
        return None
    nodes = list(ast.walk(tree))
    dags = _dags(tree, nodes, path, problems) if is_dag_file(text) else []
    return PythonFile(tuple(dags), tuple(_imports(nodes, package)))


def is_dag_file(text: str) -> bool:
    """Whether Airflow's safe mode would load the file at all: it names both words."""
    lower = text.lower()
    return "dag" in lower and "airflow" in lower


def _parse(path: str, text: str, problems: list[Problem]) -> ast.Module | None:
    version = f"Python {sys.version_info.major}.{sys.version_info.minor}"
    try:
        return ast.parse(text)
    except SyntaxError as exc:
        place = (max(exc.lineno or 1, 1), max(exc.offset or 1, 1))
        told = f"{exc.msg} (read as {version})"
        problems.append(Problem(path, *place, "python-syntax", told))
    except (ValueError, RecursionError, MemoryError) as exc:
        told = f"{str(exc) or type(exc).__name__} (read as {version})"
        problems.append(Problem(path, 1, 1, "python-syntax", told))
    return None


def _dags(
    tree: ast.Module, nodes: list[ast.AST], path: str, problems: list[Problem]
) -> list[FoundDag]:
    """Return the DAGs of a file; reports those whose id cannot be told."""
    dags = []
    for found in sorted(_definitions(tree, nodes, path, problems), key=_place):
        place, dag_id = found.place, found.dag_id
        if dag_id is None:
            told = "a DAG whose id is computed: it is not held, verified or counted by name"
            problems.append(Problem(path, *place, "dag-id-computed", told, "warning"))
            continue
        settings = _literals(found.call) if found.call is not None else {}
        schedule = settings.get("schedule")
        if isinstance(schedule, str):
            wrong = problems_of_schedule(schedule)
            problems += [Problem(path, *place, "cron", each) for each in wrong]
        dags.append(FoundDag(dag_id=dag_id, place=place, settings=settings))
    return dags


class Definition(NamedTuple):
    """Where a DAG is made, its id where that is literal, and the call that makes it.

    ``function``: what ``@dag`` stands above, whose body holds the tasks.
    """

    place: Mark
    dag_id: str | None
    call: ast.Call | None
    function: ast.FunctionDef | ast.AsyncFunctionDef | None = None


def _place(definition: Definition) -> Mark:
    return definition.place


def definitions(tree: ast.Module) -> list[Definition]:
    """Return what makes the DAGs of a file that was judged before; reports nothing."""
    return sorted(_definitions(tree, list(ast.walk(tree)), "", []), key=_place)


def _definitions(
    tree: ast.Module, nodes: list[ast.AST], path: str, problems: list[Problem]
) -> Iterator[Definition]:
    names = _AirflowNames(tree, nodes)
    lost = {node.value for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Call) and names.is_dag(node.func):
            place = _mark(node)
            if node in lost:
                told = "a DAG that is given to nothing: Airflow finds DAGs by the names of a module"
                problems.append(Problem(path, *place, "dag-unnamed", told))
            else:
                yield Definition(place, names.literal(_argument(node)), node)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _decorated(node, names)


def _mark(node: ast.expr | ast.stmt) -> Mark:
    return Mark(node.lineno, node.col_offset + 1)


def _literals(call: ast.Call) -> dict[str, Value]:
    """Return the keyword arguments that are constants."""
    return {
        keyword.arg: keyword.value.value
        for keyword in call.keywords
        if keyword.arg is not None and isinstance(keyword.value, ast.Constant)
    }


def _imports(nodes: list[ast.AST], package: str) -> Iterator[tuple[str, Mark]]:
    """Yield every module that a file may import; ``package`` is its own folder.

    ``from a import b`` yields ``a`` and ``a.b``, for ``b`` may be a module.
    """
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, _mark(node)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            if base:
                yield base, _mark(node)
            for alias in node.names:
                yield f"{base}.{alias.name}" if base else alias.name, _mark(node)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".") if package else []
    kept = parts[: len(parts) - node.level + 1]
    return ".".join([*kept, node.module] if node.module else kept)


class _AirflowNames:
    """What a file calls Airflow's ``DAG`` and ``dag``, and its constants."""

    def __init__(self, tree: ast.Module, nodes: list[ast.AST]) -> None:
        self._classes, self._decorators = {"DAG"}, {"dag"}
        for node in nodes:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("airflow"):
                for alias in node.names:
                    if alias.name == "DAG":
                        self._classes.add(alias.asname or alias.name)
                    elif alias.name == "dag":
                        self._decorators.add(alias.asname or alias.name)
        self._constants = dict(_constants(tree, nodes))

    def is_dag(self, function: ast.expr) -> bool:
        """Whether a call of ``function`` makes a DAG."""
        if isinstance(function, ast.Attribute):
            return function.attr == "DAG"
        return isinstance(function, ast.Name) and function.id in self._classes

    def is_decorator(self, function: ast.expr) -> bool:
        """Whether ``function`` is ``@dag``."""
        if isinstance(function, ast.Attribute):
            return function.attr == "dag"
        return isinstance(function, ast.Name) and function.id in self._decorators

    def literal(self, node: ast.expr | None) -> str | None:
        """Return the text that an expression is, where that is plain to see."""
        if isinstance(node, ast.Name):
            return self._constants.get(node.id)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        return None


def _constants(tree: ast.Module, nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """Yield the names that are given a text once, at the top of the file."""
    given = Counter(
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
    for statement in tree.body:
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        else:
            continue
        value = statement.value
        for target in targets:
            is_once = isinstance(target, ast.Name) and given[target.id] == 1
            if is_once and isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield target.id, value.value  # type: ignore[attr-defined]


def _argument(call: ast.Call) -> ast.expr | None:
    for keyword in call.keywords:
        if keyword.arg == "dag_id":
            return keyword.value
    return call.args[0] if call.args and not isinstance(call.args[0], ast.Starred) else None


def _decorated(
    function: ast.FunctionDef | ast.AsyncFunctionDef, names: _AirflowNames
) -> Iterator[Definition]:
    """Yield the DAG that ``@dag`` makes of a function: its id is its name, unless given."""
    place = _mark(function)
    for decorator in function.decorator_list:
        if isinstance(decorator, ast.Call) and names.is_decorator(decorator.func):
            argument = _argument(decorator)
            spread = any(keyword.arg is None for keyword in decorator.keywords)
            own = None if spread else function.name
            dag_id = own if argument is None else names.literal(argument)
            yield Definition(place, dag_id, decorator, function)
        elif names.is_decorator(decorator):
            yield Definition(place, function.name, None, function)
