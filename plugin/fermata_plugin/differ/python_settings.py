"""The settings of a Python DAG, as far as they are plain to see in its file; nothing is run."""

import ast
from collections.abc import Iterator, Mapping
from datetime import datetime

from fermata_plugin.differ.settings import Expression, LocalTime, Settings
from fermata_plugin.formats.python_source import Definition, definitions, is_dag_file
from fermata_spec.located import Value

_DATES = {"datetime", "datetime.datetime", "pendulum.datetime", "DateTime", "pendulum.DateTime"}
_NOT_LITERAL = (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, OverflowError)
_ZONES = ("tz", "tzinfo")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def read_python_settings(text: str, dag_id: str) -> Settings:
    """Return the settings of the DAG that ``text`` makes under ``dag_id``."""
    tree = ast.parse(text)
    found = definitions(tree)
    mine = next((each for each in found if each.dag_id == dag_id), None)
    if mine is None:
        return Settings(dag_id, {}, {}, {})
    given = _Given(tree)
    values = given.arguments(mine.call)
    args = values.pop("default_args", None)
    body = _body(tree, mine, alone=len(found) == 1)
    return Settings(dag_id, values, args if isinstance(args, dict) else {}, given.tasks(body))


def computes_a_dag_id(text: str) -> bool:
    """Whether a Python file, which was judged before, makes a DAG whose id cannot be told."""
    if not is_dag_file(text):
        return False
    return any(each.dag_id is None for each in definitions(ast.parse(text)))


def _body(tree: ast.Module, mine: Definition, *, alone: bool) -> list[ast.AST]:
    """Return the nodes among which a DAG's tasks stand: none where that is not plain to see."""
    if mine.function is not None:
        return list(ast.walk(mine.function))
    for node in ast.walk(tree):
        if isinstance(node, ast.With) and any(
            item.context_expr is mine.call for item in node.items
        ):
            return list(ast.walk(node))
    return list(ast.walk(tree)) if alone else []


class _Given:
    """Evaluates what is literal, and mappings that the top of a file gives a name to."""

    def __init__(self, tree: ast.Module) -> None:
        self._named: dict[str, ast.expr] = {}
        for statement in tree.body:
            if isinstance(statement, ast.Assign):
                for target in statement.targets:
                    if isinstance(target, ast.Name):
                        self._named[target.id] = statement.value

    def arguments(self, call: ast.Call | None) -> dict[str, Value]:
        """Return the keyword arguments of a call."""
        keywords = call.keywords if call is not None else []
        return {each.arg: self._value(each.value) for each in keywords if each.arg is not None}

    def tasks(self, nodes: list[ast.AST]) -> dict[str, Mapping[str, Value]]:
        """Return the tasks among ``nodes`` that have a literal id, with their arguments."""
        found: dict[str, Mapping[str, Value]] = {}
        for node in nodes:
            if isinstance(node, ast.Call):
                arguments = self.arguments(node)
                task_id = arguments.get("task_id")
                if isinstance(task_id, str):
                    found.setdefault(task_id, arguments)
            elif isinstance(node, _Function):
                found.update(self._decorated(node))
        return found

    def _decorated(self, function: _Function) -> Iterator[tuple[str, Mapping[str, Value]]]:
        for decorator in function.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            name = _code(decorator if call is None else call.func)
            if name.partition(".")[0] == "task":
                arguments = self.arguments(call)
                yield str(arguments.get("task_id", function.name)), arguments

    def _value(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Name) and node.id in self._named:
            return self._value_of(self._named[node.id])
        return self._value_of(node)

    def _value_of(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Dict):
            return {
                key.value: self._value_of(value)
                for key, value in zip(node.keys, node.values, strict=True)
                if isinstance(key, ast.Constant)
            }
        if isinstance(node, ast.Call):
            return _date(node) or Expression(_code(node))
        try:
            value = ast.literal_eval(node)
            str(value)  # a number of very many digits is one that cannot be shown
        except _NOT_LITERAL:
            return Expression(_code(node))
        return value


def _code(node: ast.expr) -> str:
    """Return the code of an expression; the same for all that nobody can write out."""
    try:
        return ast.unparse(node)
    except _NOT_LITERAL:
        return "an expression that is too large to show"


def _date(call: ast.Call) -> LocalTime | None:
    """Return the time that a call makes of plain numbers."""
    if _code(call.func) not in _DATES:
        return None
    try:
        numbers = [ast.literal_eval(each) for each in call.args]
        named = {str(each.arg): each.value for each in call.keywords}
        zone = next((named.pop(name) for name in _ZONES if name in named), None)
        made = datetime(*numbers, **{key: ast.literal_eval(each) for key, each in named.items()})  # noqa: DTZ001 - as the file has it
    except _NOT_LITERAL:
        return None
    if zone is None:
        return LocalTime(made)
    return LocalTime(made, str(zone.value) if isinstance(zone, ast.Constant) else _code(zone))
