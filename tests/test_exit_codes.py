"""The exit codes are an API to Kubernetes: what each failure ends with, and what it prints."""

import json
import pkgutil
import sys
from importlib import import_module
from types import ModuleType

import click
import pytest

from fermata_cli.commands import SUBCOMMANDS, Subcommand
from fermata_cli.frame import run
from fermata_spec import errors

MEANINGS = {
    "SettingsError": 2,
    "RefusedError": 3,
    "RejectedError": 4,
    "InconclusiveError": 5,
    "UnavailableError": 75,
    "TerminatedError": 143,
}


def every_failure() -> list[type[errors.FermataError]]:
    """Return every subclass of ``FermataError`` in any module of ours."""
    for name in ("fermata_spec", "fermata_cli", "fermata_plugin", "fermata_hooks"):
        package = import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not module.name.endswith(".__main__"):
                import_module(module.name)
    return descendants(errors.FermataError)


def descendants(cls: type[errors.FermataError]) -> list[type[errors.FermataError]]:
    return [each for child in cls.__subclasses__() for each in (child, *descendants(child))]


class Ending(click.Command):
    """A command that ends by raising ``error``."""

    def __init__(self, error: BaseException) -> None:
        super().__init__("end")
        self.error = error

    def invoke(self, ctx: click.Context) -> None:
        del ctx
        raise self.error


def run_command_that_raises(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> int:
    module = ModuleType("ending")
    module.__dict__["end"] = Ending(error)
    monkeypatch.setitem(sys.modules, "ending", module)
    monkeypatch.setitem(SUBCOMMANDS, "end", Subcommand("ending:end", "hooks", "End."))
    return run(["end"])


def test_each_kind_of_failure_has_the_code_that_is_promised() -> None:
    every_failure()
    kinds = errors.FermataError.__subclasses__()

    assert {cls.__name__: getattr(cls, "exit_code", None) for cls in kinds} == MEANINGS


def test_a_narrower_failure_keeps_the_code_of_its_kind() -> None:
    for cls in every_failure():
        kind = next(each for each in cls.__mro__ if each.__name__ in MEANINGS)
        assert cls.exit_code == MEANINGS[kind.__name__]


@pytest.mark.parametrize("name", MEANINGS)
def test_an_expected_failure_is_one_line_and_its_code(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = getattr(errors, name)("etl: 1 active after 20s")

    code = run_command_that_raises(error, monkeypatch)

    captured = capsys.readouterr()
    assert code == MEANINGS[name]
    assert captured.out == ""
    assert captured.err == "etl: 1 active after 20s\n"


def test_anything_else_is_a_bug_with_a_traceback_and_70(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_command_that_raises(LookupError("no such thing"), monkeypatch)

    err = capsys.readouterr().err
    assert code == 70
    assert err.startswith("Traceback")
    assert "this is a bug: LookupError: no such thing" in err.splitlines()[-1]


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        pytest.param(click.exceptions.Exit(3), 3, id="a code that a command chose"),
        pytest.param(click.exceptions.Exit(0), 0, id="zero"),
        pytest.param(KeyboardInterrupt(), 130, id="Ctrl-C"),
        pytest.param(click.UsageError("no"), 2, id="a wrong command line"),
    ],
)
def test_what_click_has_for_endings_becomes_a_code(
    ending: BaseException, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run_command_that_raises(ending, monkeypatch) == expected


def test_a_log_pipeline_gets_the_failure_as_one_json_object(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FERMATA_LOG", "json")

    run_command_that_raises(errors.SettingsError("FERMATA_PLAN: no such file"), monkeypatch)

    (line,) = capsys.readouterr().err.splitlines()
    entry = json.loads(line)
    assert entry["level"] == "error"
    assert entry["message"] == "FERMATA_PLAN: no such file"
