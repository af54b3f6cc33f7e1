"""The options that the hooks share, each declared once."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., object])

FORMATS = ("text", "json", "markdown", "junit")


def plan_option(command: Command) -> Command:
    """Add ``--plan FILE`` (``FERMATA_PLAN``)."""
    return click.option(
        "--plan",
        "plan_path",
        type=click.Path(path_type=Path, dir_okay=False),
        envvar="FERMATA_PLAN",
        show_envvar=True,
        required=True,
        help="The plan, as `fermata plan` prints it.",
    )(command)


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
