"""The front door: every command of the table, and a command line that is wrong."""

import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from fermata_cli.commands import SUBCOMMANDS, LazyGroup
from fermata_cli.frame import fermata, run

README = Path(__file__).parents[1] / "README.md"
CHANGING = ["hold", "smoke", "release", "finish"]

A_COMMAND_THAT_WAITS = """
import signal, sys, types, click
from fermata_cli import commands, main

# As a terminal starts it; a shell's background job would ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)

@click.command()
def wait():
    print("waiting", flush=True)
    import threading
    threading.Event().wait()

waiting = types.ModuleType("waiting")
waiting.wait = wait
sys.modules["waiting"] = waiting
commands.SUBCOMMANDS["wait"] = commands.Subcommand("waiting:wait", "hooks", "Wait.")
main(["wait"])
"""


def load(name: str) -> click.Command:
    group = fermata
    assert isinstance(group, LazyGroup)
    command = group.get_command(click.Context(group), name)
    assert command is not None
    return command


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_command_says_what_it_does_in_its_first_line(name: str) -> None:
    command = load(name)

    first = (command.help or "").strip().partition("\n")[0]
    assert first.endswith(".")
    assert len(first) <= 100


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_option_of_every_command_has_help(name: str) -> None:
    options = [param for param in load(name).params if isinstance(param, click.Option)]

    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_every_argument_of_every_command_is_spoken_of(name: str) -> None:
    command = load(name)
    arguments = [param for param in command.params if isinstance(param, click.Argument)]

    names = [argument.make_metavar(click.Context(command)).strip("[].") for argument in arguments]
    assert [name for name in names if name not in (command.help or "")] == []


@pytest.mark.parametrize("name", SUBCOMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_answers_a_call_for_help(
    name: str, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run([name, flag])

    captured = capsys.readouterr()
    assert code == 0
    assert captured.out.startswith(f"Usage: fermata {name}")
    assert captured.err == ""


@pytest.mark.parametrize("name", CHANGING)
def test_a_command_that_changes_something_can_say_what_it_would_do(name: str) -> None:
    assert "--dry-run" in [opt for param in load(name).params for opt in param.opts]


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_the_readme_names_every_command(name: str) -> None:
    assert f"`fermata {name}" in README.read_text(encoding="utf-8")


def test_help_lists_the_commands_in_the_order_of_the_story(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["--help"]) == 0

    listed = capsys.readouterr().out.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == list(SUBCOMMANDS)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            ["rendr"], "fermata: rendr: no such command; did you mean render?", id="a typo"
        ),
        pytest.param(["xyzzy"], "fermata: xyzzy: no such command", id="nothing near"),
        pytest.param(
            ["--verson"],
            "fermata: No such option '--verson'. Did you mean '--version'?",
            id="an option",
        ),
    ],
)
def test_a_wrong_command_line_is_one_line_on_stderr_and_exit_2(
    line: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(line)

    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    assert captured.err == f"{expected}\n"


def test_an_option_that_a_command_does_not_have_names_the_command(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run(["lint", "--no-such-option"])

    assert code == 2
    assert capsys.readouterr().err.startswith("fermata lint: No such option")


def test_no_arguments_show_the_help_and_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    code = run([])

    captured = capsys.readouterr()
    assert code == 2
    assert captured.out == ""
    assert captured.err.startswith("Usage: fermata")


def test_a_part_that_is_not_installed_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = SUBCOMMANDS["hold"]._replace(target="no_such_library.hold:hold")
    monkeypatch.setitem(SUBCOMMANDS, "hold", elsewhere)

    code = run(["hold"])

    assert code == 2
    expected = "fermata: hold: needs no_such_library: install airflow-fermata[hooks]\n"
    assert capsys.readouterr().err == expected


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fermata_cli", "--version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )

    assert done.stdout.startswith("fermata ")


def test_an_interrupt_ends_with_130_and_no_traceback() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", A_COMMAND_THAT_WAITS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"

        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert err.strip() == "interrupted"
