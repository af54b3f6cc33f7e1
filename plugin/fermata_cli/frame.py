"""The outermost frame: every failure becomes one line on stderr and an exit code.

The codes are those of ``fermata_spec.errors``; what is wrong with the command line itself counts
as misconfigured (2), a bug is 70 with a traceback, Ctrl-C is 130.
"""

import json
import os
import sys
import time
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
@click.version_option(__version__, prog_name="fermata", message="%(prog)s %(version)s")
def fermata() -> None:
    """Hold Apache Airflow still while Argo CD changes what is under it."""


def main(args: list[str] | None = None) -> None:
    """Run ``fermata`` and exit with the code that says how it went."""
    sys.exit(run(args))


def run(args: list[str] | None = None) -> int:
    """Run ``fermata`` and return its exit code; the only broad ``except`` of the project."""
    try:
        result = fermata.main(args=args, prog_name="fermata", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted")
        return INTERRUPTED_EXIT_CODE
    except click.exceptions.NoArgsIsHelpError as exc:
        exc.show()
        return SettingsError.exit_code
    except click.ClickException as exc:
        _say(_usage_line(exc))
        return SettingsError.exit_code
    except FermataError as exc:
        _say(str(exc))
        return exc.exit_code
    except Exception as exc:  # noqa: BLE001 - a bug: say so, with everything that helps to mend it
        traceback.print_exc()
        _say(f"fermata {__version__}: this is a bug: {type(exc).__name__}: {exc}")
        return BUG_EXIT_CODE
    return result if isinstance(result, int) else 0  # ``ctx.exit(3)`` arrives as a result


def _usage_line(exc: click.ClickException) -> str:
    """Return what click objects to, in one line that starts with the command."""
    context = getattr(exc, "ctx", None)
    place = context.command_path if isinstance(context, click.Context) else "fermata"
    return f"{place}: {' '.join(exc.format_message().split())}"


def _say(message: str) -> None:
    """Write one line to stderr, in the form that ``FERMATA_LOG`` asks for."""
    if os.environ.get("FERMATA_LOG") == "json":
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        message = json.dumps({"time": now, "level": "error", "message": message})
    click.echo(message, err=True)
