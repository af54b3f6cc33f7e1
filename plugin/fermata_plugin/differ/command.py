"""``fermata diff``: what a change will do, for CI and the pull request."""

import os
from datetime import UTC, datetime
from typing import Literal

import click

from fermata_plugin.choice import NO_CHOICE, Choice
from fermata_plugin.collector import no_collector
from fermata_plugin.differ.comparison import compare
from fermata_plugin.differ.sides import Opened, Wanted, opened
from fermata_plugin.differ.starts import Assumed
from fermata_plugin.loading import environments_of
from fermata_plugin.planning import Identity
from fermata_plugin.render import Compiled, compile_checkout
from fermata_spec.config import FILE_NAME
from fermata_spec.difference import Difference, Side
from fermata_spec.errors import RefusedError, SettingsError
from fermata_spec.problems import TOLD, one_line
from fermata_spec.versions import fits

_Format = Literal["text", "markdown", "json"]
_FailOn = Literal["changes", "risks"]


class _Time(click.ParamType[datetime]):
    """A time as RFC 3339 has it; UTC where it says nothing else."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the time."""
        if isinstance(value, datetime):
            return value
        try:
            time = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{one_line(repr(value))} is no time like 2026-11-24T06:00:00Z", param, ctx)
        return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


@click.command()
@click.argument("old")
@click.argument("new", default=".")
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "markdown", "json")),
    default="text",
    show_default=True,
    help="How to print it; markdown is for a comment under a pull request.",
)
@click.option(
    "--path",
    help="The application's folder inside both sides; of revisions by default the current folder.",
)
@click.option(
    "--merge-base", is_flag=True, help="Compare with the last common ancestor of the two instead."
)
@click.option(
    "--application",
    envvar="ARGOCD_APP_NAME",
    show_envvar=True,
    default="app",
    show_default=True,
    help="The application's instance name, which names of objects hold.",
)
@click.option(
    "--environment",
    default="",
    metavar="NAME",
    help="Which environment of fermata.yaml, where it has any.",
)
@click.option("--now", type=_Time(), help="Count runs as if it were that time.")
@click.option(
    "--since",
    type=_Time(),
    help="Until when the schedules of OLD have run; by default until now.",
)
@click.option(
    "--airflow",
    type=click.Choice(("2", "3")),
    help="By whose rules runs start; by default by expects.airflow, else 3.",
)
@click.option(
    "--fail-on",
    type=click.Choice(("changes", "risks")),
    help="Exit 3 if there is any change, or any that one should look at.",
)
def diff(  # noqa: PLR0913 - click passes each option by name
    old: str,
    new: str,
    *,
    form: _Format,
    path: str | None,
    merge_base: bool,
    application: str,
    environment: str,
    now: datetime | None,
    since: datetime | None,
    airflow: str | None,
    fail_on: _FailOn | None,
) -> None:
    """Tell what going from OLD to NEW will do: affected DAGs, schedules, runs that start, risks.

    OLD and NEW are folders, or git revisions of the repository around the current folder.
    """
    time = now or datetime.now(UTC)
    wanted = Wanted(old, new, path, merge_base)
    with opened(wanted, os.getcwd(), os.environ) as sides, no_collector():  # noqa: PTH109 - as it was called
        compiled = _compiled(sides, Identity(application, "", ""), environment)
        generation = int(airflow) if airflow else _generation(compiled[1])
        assumed = Assumed(time, min(since or time, time), generation)
        told = (_side(sides[0], compiled[0]), _side(sides[1], compiled[1]))
        difference = compare(*compiled, told, assumed)
    click.echo(_shown(difference, form), nl=False)
    _refuse(difference, fail_on)


def _compiled(
    sides: tuple[Opened, Opened], identity: Identity, environment: str
) -> tuple[Compiled, Compiled]:
    """Return both sides compiled; every error of both is told, each with its side."""
    new = compile_checkout(sides[1].folder, identity, choice=Choice(environment))
    old = _old(sides[0].folder, identity, environment)
    errors = [
        one_line(f"{side.name}: {problem}")
        for side, compiled in zip(sides, (old, new), strict=True)
        for problem in compiled.problems
        if problem.severity == "error"
    ]
    if errors:
        more = [f"and {len(errors) - TOLD} more: fermata lint tells them all"]
        raise SettingsError("\n".join(errors[:TOLD] + (more if len(errors) > TOLD else [])))
    return old, new


def _old(folder: str, identity: Identity, environment: str) -> Compiled:
    """Return the old side: nothing, before it had a ``fermata.yaml``, or this environment."""
    declared = environments_of(folder)
    if declared and environment and environment not in declared:
        return Compiled([])
    old = compile_checkout(folder, identity, choice=Choice(environment) if declared else NO_CHOICE)
    return Compiled([]) if _is_missing(old) else old


def _is_missing(compiled: Compiled) -> bool:
    """Whether a side has no ``fermata.yaml``: before it was brought in, there was nothing."""
    return [(each.file, each.rule) for each in compiled.problems] == [(FILE_NAME, "missing-file")]


def _generation(compiled: Compiled) -> int:
    """Return which Airflow a checkout expects; 3 where that may be either."""
    wanted = compiled.plan.expects.airflow if compiled.plan is not None else ""
    releases = [f"3.{minor}.{patch}" for minor in range(20) for patch in range(10)]
    return 3 if any(fits(release, wanted) for release in releases) or not wanted else 2


def _side(side: Opened, compiled: Compiled) -> Side:
    dags = len(compiled.plan.dags) if compiled.plan is not None else 0
    return Side(name=side.name, revision=side.revision, dags=dags, empty=compiled.plan is None)


def _shown(difference: Difference, form: _Format) -> str:
    match form:
        case "json":
            return difference.to_json()
        case "markdown":
            from fermata_plugin.differ.as_markdown import to_markdown  # noqa: PLC0415 - for this only

            return to_markdown(difference)
        case "text":
            from fermata_plugin.differ.as_text import to_text  # noqa: PLC0415 - for this only

            return to_text(difference)


def _refuse(difference: Difference, fail_on: _FailOn | None) -> None:
    """Raise ``RefusedError`` if the command line wants such a change refused."""
    if fail_on == "risks" and difference.risks:
        raise RefusedError(f"{len(difference.risks)} risk(s), and --fail-on risks")
    if fail_on == "changes" and not difference.is_nothing:
        raise RefusedError("a sync would change something, and --fail-on changes")
