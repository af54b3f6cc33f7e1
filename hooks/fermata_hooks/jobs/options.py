"""The options that the hooks share, each declared once."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])

FORMATS = ("text", "json", "markdown", "junit")


PLAN_HELP = "The plan, as `fermata plan` prints it"


def plan_option(command: Command) -> Command:
    """Add ``--plan FILE`` (``FERMATA_PLAN``)."""
    return _plan(f"{PLAN_HELP}.", required=True)(command)


def optional_plan_option(use: str) -> Callable[[Command], Command]:
    """Return what adds ``--plan FILE`` where it may be left out; ``use``: what it is for."""
    return _plan(f"{PLAN_HELP}: {use}.", required=False)


def _plan(told: str, *, required: bool) -> Callable[[Command], Command]:
    return click.option(
        "--plan",
        "plan_path",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="FERMATA_PLAN",
        show_envvar=True,
        required=required,
        help=told,
    )


def dry_run_option(command: Command) -> Command:
    """Add ``--dry-run``."""
    return click.option(
        "--dry-run", is_flag=True, help="Print what would be done, and change nothing."
    )(command)


def format_option(command: Command) -> Command:
    """Add ``--format``: how the report is printed on stdout."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(FORMATS),
        default="text",
        show_default=True,
        help="How to print the report on stdout.",
    )(command)


def select_option(what: str) -> Callable[[Command], Command]:
    """Add ``--select EXPR``, which may be given several times; ``what`` it does to these DAGs."""
    return click.option(
        "--select",
        "expressions",
        metavar="EXPR",
        multiple=True,
        help=f"{what}: a DAG id, a pattern, tag:x, owner:x, bundle:x; with ! for what is not. "
        "May be given several times.",
    )
