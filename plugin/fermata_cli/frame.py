"""The outermost frame: every failure becomes one line on stderr and an exit code (design.md 3)."""

import sys
import traceback

import click

from fermata_cli.commands import LazyGroup
from fermata_spec import __version__
from fermata_spec.errors import BUG_EXIT_CODE, FermataError, SettingsError

INTERRUPTED_EXIT_CODE = 130  # what shells say of Ctrl-C


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="fermata")
def fermata() -> None:
    """Hold Apache Airflow still while Argo CD changes what is under it."""


def main(args: list[str] | None = None) -> None:
    """Run ``fermata`` and exit with the code that says how it went."""
    sys.exit(run(args))


def run(args: list[str] | None = None) -> int:
    """Run ``fermata`` and return its exit code; the only broad ``except`` of the project."""
    try:
        fermata.main(args=args, prog_name="fermata", standalone_mode=False)
    except click.exceptions.Exit as exc:
        return exc.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED_EXIT_CODE
    except click.ClickException as exc:
        exc.show()
        return SettingsError.exit_code
    except FermataError as exc:
        click.echo(str(exc), err=True)
        return exc.exit_code
    except Exception:  # noqa: BLE001 - a bug: say so once, with everything that helps to mend it
        traceback.print_exc()
        return BUG_EXIT_CODE
    return 0
