"""A health check, run as Argo CD runs it: Lua 5.1, base and table only, one second."""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from lupa import lua51  # type: ignore[import-untyped]  # its stubs do not know these options

SECONDS = 1.0
INSTRUCTIONS = 2_000_000  # some 20 ms: what takes more would not be done in Argo CD's second

# What Argo CD's runtime lacks; the hook ends a script that does not come to its end.
SANDBOX = """
local sethook = debug.sethook
getmetatable("").__index = nil
string, math, io, os, debug, coroutine, package, require, dofile, loadfile = nil
return function(limit)
  sethook(function() error("interrupted") end, "", limit)
end
"""

# An action may also require("os"), which has time and date only.
ACTIONS_SANDBOX = """
local sethook, time, date = debug.sethook, os.time, os.date
getmetatable("").__index = nil
string, math, io, os, debug, coroutine, package, dofile, loadfile = nil
require = function(name)
  if name == "os" then return {time = time, date = date} end
  error("module " .. name .. " not found")
end
return function(limit)
  sethook(function() error("interrupted") end, "", limit)
end
"""


def health(script: str, obj: object) -> Any:  # noqa: ANN401 - whatever the script answers
    """Return what ``script`` answers for ``obj``, a parsed Kubernetes object.

    Tables are returned as dicts. Raises what the script raises.
    """
    return answer(script, obj, sandbox=SANDBOX)


def action(script: str, obj: object) -> Any:  # noqa: ANN401 - whatever the script answers
    """Return what an action's or a discovery's ``script`` answers: it may ``require("os")``."""
    return answer(script, obj, sandbox=ACTIONS_SANDBOX)


def answer(script: str, obj: object, *, sandbox: str) -> Any:  # noqa: ANN401 - as above
    """Return what ``script`` answers in ``sandbox``, all tables as dicts."""
    lua: Any = lua51.LuaRuntime(register_eval=False, register_builtins=False)
    limit = lua.execute(sandbox)
    lua.globals().obj = _table(lua, obj)
    limit(INSTRUCTIONS)
    with _interrupted(SECONDS):
        result: Any = lua.execute(script)
    return _plain(result)


def _plain(value: Any) -> Any:  # noqa: ANN401 - lupa has no types
    if lua51.lua_type(value) != "table":
        return value
    return {key: _plain(each) for key, each in value.items()}


def script_in(folder: Path) -> str:
    """Return the text of a folder's ``health.lua``."""
    return (folder / "health.lua").read_text(encoding="utf-8")


def _table(lua: Any, value: object) -> object:  # noqa: ANN401 - lupa has no types
    """Return ``value`` as Argo CD gives it: tables, and no entry for what is null."""
    if isinstance(value, Mapping):
        return lua.table_from({k: _table(lua, v) for k, v in value.items() if v is not None})
    if isinstance(value, list):
        return lua.table_from([_table(lua, each) for each in value if each is not None])
    return value


@contextmanager
def _interrupted(seconds: float) -> Iterator[None]:
    def stop(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"not done after {seconds:g} s")

    before: Callable[[int, FrameType | None], Any] | int | None
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
