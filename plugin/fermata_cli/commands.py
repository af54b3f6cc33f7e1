"""The subcommands: name, where it lives, and the line that ``fermata --help`` shows.

The table is data, so that ``--help`` imports no part of Fermata, and so that the hooks and the
plugin need not know each other to be one command.
"""

from importlib import import_module
from typing import NamedTuple

import click


class Subcommand(NamedTuple):
    """``module:attribute`` of a click command; ``extra`` is what must be installed for it."""

    target: str
    extra: str
    summary: str


SUBCOMMANDS: dict[str, Subcommand] = {
    "render": Subcommand(
        "fermata_plugin.cli:render", "plugin", "Render DAG configuration into manifests."
    ),
    "lint": Subcommand("fermata_plugin.cli:lint", "plugin", "Report every problem of a checkout."),
    "plan": Subcommand("fermata_plugin.cli:plan", "plugin", "Print the compiled plan."),
    "params": Subcommand(
        "fermata_plugin.cli:params", "plugin", "Print the plugin's parameters, for Argo CD's UI."
    ),
    "diff": Subcommand(
        "fermata_plugin.differ.command:diff", "plugin", "Tell what a change will do."
    ),
    "schema": Subcommand(
        "fermata_plugin.cli:schema", "plugin", "Print the JSON Schema of fermata.yaml."
    ),
    "hold": Subcommand(
        "fermata_hooks.jobs.hold:hold", "hooks", "Pause the DAGs that a change touches (PreSync)."
    ),
    "verify": Subcommand(
        "fermata_hooks.jobs.verify:verify", "hooks", "Prove that Airflow parsed this revision."
    ),
    "smoke": Subcommand("fermata_hooks.jobs.smoke:smoke", "hooks", "Run the smoke DAGs."),
    "release": Subcommand(
        "fermata_hooks.jobs.release:release", "hooks", "Put every DAG back as it was."
    ),
    "finish": Subcommand(
        "fermata_hooks.jobs.finish:finish", "hooks", "verify, smoke and release (PostSync)."
    ),
    "watch": Subcommand(
        "fermata_hooks.jobs.watch:watch", "hooks", "Release what nobody will release (Deployment)."
    ),
    "status": Subcommand(
        "fermata_hooks.jobs.status:status", "hooks", "Say who holds which DAG, and what is next."
    ),
    "doctor": Subcommand(
        "fermata_hooks.jobs.doctor:doctor", "hooks", "Say what is missing, and how to mend it."
    ),
    "lock": Subcommand("fermata_hooks.jobs.locking:lock", "hooks", "Let nothing be deployed."),
    "unlock": Subcommand("fermata_hooks.jobs.locking:unlock", "hooks", "Take a lock away."),
    "guard": Subcommand(
        "fermata_hooks.jobs.guard:guard", "hooks", "Say what the guards say of a plan."
    ),
    "rollback": Subcommand(
        "fermata_hooks.jobs.rollback:rollback", "hooks", "Take a failed revision back in git."
    ),
    "audit": Subcommand(
        "fermata_hooks.jobs.audit:audit", "hooks", "Say whether the audit trail is whole; list it."
    ),
    "demo": Subcommand(
        "fermata_hooks.demo.command:demo", "hooks", "Show the whole story on this machine."
    ),
}


class LazyGroup(click.Group):
    """A click group that imports a subcommand when it is called, and none for ``--help``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table (the order of the story)."""
        del ctx
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command; a part that is not installed is a usage error."""
        del ctx
        subcommand = SUBCOMMANDS.get(cmd_name)
        if subcommand is None:
            return None
        module, attribute = subcommand.target.split(":")
        try:
            command = getattr(import_module(module), attribute)
        except ModuleNotFoundError as exc:
            if exc.name is not None and exc.name.partition(".")[0].startswith("fermata"):
                raise
            raise click.UsageError(
                f"{cmd_name}: needs {exc.name}: install airflow-fermata[{subcommand.extra}]"
            ) from exc
        if not isinstance(command, click.Command):
            raise TypeError(f"{subcommand.target} is not a click command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that ``args`` begin with; of an unknown one, name the nearest."""
        name = args[0]
        if name not in SUBCOMMANDS and not name.startswith("-"):
            from difflib import get_close_matches  # noqa: PLC0415 - 3 ms, for what is wrong

            nearest = get_close_matches(name, SUBCOMMANDS, n=1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            raise click.UsageError(f"{name}: no such command{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands from the table, without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, sub.summary) for name, sub in SUBCOMMANDS.items()])
