"""``fermata demo``: the whole story on this machine."""

import os
import sys
from pathlib import Path

import click

from fermata_hooks.demo.airflow_release import DEFAULT_VERSION, RELEASES
from fermata_hooks.demo.interruption import Interruption
from fermata_hooks.demo.narration import Narrator
from fermata_hooks.demo.story import Order, tell


@click.command()
@click.option(
    "--airflow",
    "version",
    type=click.Choice(list(RELEASES)),
    default=DEFAULT_VERSION,
    show_default=True,
    help="The Airflow to show it on; installed from the package index the first time.",
)
@click.option("--keep", is_flag=True, help="Leave Airflow up, and say how to stop it.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="An empty folder for everything; it stays. Default: a temporary one, removed at the end.",
)
def demo(version: str, folder: Path | None, *, keep: bool) -> None:
    """Show the whole story on this machine, on a real Airflow."""
    interruption = Interruption()
    with interruption.handled():
        order = Order(version=version, keep=keep, folder=folder)
        narrator = Narrator.on(sys.stdout, os.environ)
        tell(order, narrator=narrator, interruption=interruption, environ=os.environ)
