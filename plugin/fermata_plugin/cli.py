"""The renderer's commands. stdout is data, all or nothing; stderr is talk."""

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Literal

import click

from fermata_plugin.choice import Choice, find_application
from fermata_plugin.collector import no_collector
from fermata_plugin.dump import dump
from fermata_plugin.loading import announced, environments_of
from fermata_plugin.options import (
    SOURCE_PATH,
    choice_options,
    chosen,
    identity_options,
    path_argument,
)
from fermata_plugin.planning import Identity
from fermata_plugin.probe import probe_text
from fermata_plugin.progress import DEADLINE, Progress, deadline
from fermata_plugin.render import Compiled, compile_checkout, require_sound
from fermata_spec.dagset import KIND
from fermata_spec.errors import SettingsError
from fermata_spec.plan import API_VERSION, dump_plan
from fermata_spec.policy import read_policy
from fermata_spec.problems import TOLD, Problem, ProblemsError
from fermata_spec.yaml_reader import WITH_LIBYAML


@click.command()
@path_argument
@identity_options
@choice_options
@click.option(
    "--policy",
    "policy_path",
    type=click.Path(path_type=Path),
    envvar="FERMATA_POLICY",
    show_envvar=True,
    help="Guards from outside git: a file, or a folder of them.",
)
@click.option(
    "--api-versions",
    envvar="KUBE_API_VERSIONS",
    show_envvar=True,
    default="",
    help="What the cluster knows, comma-separated; if given, it must know DagSet.",
)
@click.option(
    "--deadline",
    "seconds",
    type=click.FloatRange(0, 3600, min_open=True),
    default=DEADLINE,
    show_default=True,
    help="Give up after so many seconds, and say what took them.",
)
def render(  # noqa: PLR0913 - click passes each option by name
    path: str,
    *,
    application: str,
    revision: str,
    namespace: str,
    environment: str,
    branch: str | None,
    api_versions: str,
    policy_path: Path | None,
    seconds: float,
) -> None:
    """Render the checkout at PATH into manifests: all of them on stdout, or none."""
    if api_versions and f"{API_VERSION}/{KIND}" not in api_versions.split(","):
        raise SettingsError(f"{KIND}: the cluster does not know {API_VERSION}/{KIND} yet")
    identity = _checked(Identity(application, revision, namespace), revision=True)
    progress = Progress()
    root, choice = chosen(path, environment, branch)
    with deadline(seconds, progress), no_collector():
        documents = _rendered(root, identity, progress, choice, policy_path)
    sys.stdout.flush()
    for document in documents:
        sys.stdout.buffer.write(document)
    sys.stdout.buffer.flush()


@click.command()
@path_argument
@choice_options
@click.option(
    "--format",
    "form",
    type=click.Choice(("text", "json", "sarif")),
    default="text",
    show_default=True,
    help="How to print what was found.",
)
def lint(
    path: str, *, environment: str, branch: str | None, form: Literal["text", "json", "sarif"]
) -> None:
    """Report every problem of the checkout at PATH, in one pass, on stdout.

    Without a choice each environment of fermata.yaml is judged.
    """
    root, choice = chosen(path, environment, branch)
    with no_collector():
        problems = _problems(root, choice)
    if form == "json":
        click.echo(json.dumps([problem.to_dict() for problem in problems], indent=1))
    elif form == "sarif":
        from fermata_plugin.sarif import sarif  # noqa: PLC0415 - for this only

        click.echo(json.dumps(sarif(problems), indent=1))
    else:
        _tell(problems, err=False)
    errors = sum(problem.severity == "error" for problem in problems)
    if errors:
        raise SettingsError(f"{path}: {errors} error(s), {len(problems) - errors} warning(s)")


@click.command()
@path_argument
@identity_options
@choice_options
@click.option("--dagset", "as_dagset", is_flag=True, help="Print the DagSet instead.")
@click.option("--probe", "as_probe", is_flag=True, help="Print smoke.probe's DAG file instead.")
@click.option(
    "--check",
    "committed",
    type=click.File(encoding="utf-8"),
    help="Print nothing, and fail if this file says something else.",
)
def plan(  # noqa: PLR0913 - click passes each option by name
    path: str,
    *,
    application: str,
    revision: str,
    namespace: str,
    environment: str,
    branch: str | None,
    as_dagset: bool,
    as_probe: bool,
    committed: IO[str] | None,
) -> None:
    """Print the plan (JSON) of the checkout at PATH, its DagSet (YAML), or its probe (Python)."""
    root, choice = chosen(path, environment, branch)
    if as_probe:
        text = _probe(root, choice)
    else:
        identity = _checked(Identity(application, revision, namespace), revision=False)
        text = _plan(root, identity, choice, as_dagset=as_dagset)
    if committed is None:
        click.echo(text, nl=False)
    elif committed.read(len(text) + 1) != text:
        raise SettingsError(
            f"{committed.name}: stale: the checkout says else: write it anew without --check"
        )


def _plan(root: str, identity: Identity, choice: Choice, *, as_dagset: bool) -> str:
    with no_collector():
        compiled = _compiled(root, identity, Progress(), choice)
    if compiled.plan is None:
        raise ProblemsError(compiled.problems)
    if as_dagset:
        return dump(each for each in compiled.manifests if each["kind"] == KIND)
    return dump_plan(compiled.plan)


def _probe(root: str, choice: Choice) -> str:
    """Return the probe's file, also where the checkout's only fault is that it has none yet."""
    compiled = compile_checkout(root, choice=choice)
    if compiled.loaded is None:
        raise ProblemsError(compiled.problems)
    probe = compiled.loaded.config.smoke.probe
    if not probe.wanted:
        raise SettingsError("smoke.probe: names no pool and no queue")
    return probe_text(probe)


@click.command()
@path_argument
def params(path: str) -> None:
    """Print what Argo CD's UI asks for (JSON), as far as fermata.yaml at PATH can be read."""
    root, _ = find_application(path, os.environ.get(SOURCE_PATH))
    click.echo(json.dumps(announced(root), indent=1))


@click.command()
def schema() -> None:
    """Print the JSON Schema of fermata.yaml, for editors."""
    from fermata_plugin.reference import schema as schema_of_config  # noqa: PLC0415 - for this only

    click.echo(json.dumps(schema_of_config(), indent=2))


def _checked(identity: Identity, *, revision: bool) -> Identity:
    if not identity.application:
        raise SettingsError("--application: missing (Argo CD sets ARGOCD_APP_NAME)")
    if revision and not identity.revision:
        raise SettingsError("--revision: missing (Argo CD sets ARGOCD_APP_REVISION)")
    return identity


def _problems(root: str, choice: Choice) -> list[Problem]:
    """Return the problems of what is chosen, or of every environment where nothing is."""
    is_chosen = choice.name or choice.folder or choice.branch is not None
    names = () if is_chosen else environments_of(root)
    if not names:
        return compile_checkout(root, choice=choice).problems
    each = (compile_checkout(root, choice=choice._replace(environment=name)) for name in names)
    return sorted({problem for compiled in each for problem in compiled.problems})


def _rendered(
    root: str,
    identity: Identity,
    progress: Progress,
    choice: Choice,
    policy_path: Path | None,
) -> list[bytes]:
    """Return every document of the output; all of it is there before the first is printed."""
    compiled = _compiled(root, identity, progress, choice, policy_path)
    progress.begin("writing")
    manifests, passed = list(reversed(compiled.manifests)), compiled.passed
    del compiled  # what is written is let go: the two are never in memory together
    documents = []
    while manifests:
        documents.append(dump([manifests.pop()]).encode())
    return [*documents, *(text.encode() for text in passed)]


def _compiled(
    root: str,
    identity: Identity,
    progress: Progress,
    choice: Choice,
    policy_path: Path | None = None,
) -> Compiled:
    policy = read_policy(policy_path) if policy_path is not None else None
    compiled = compile_checkout(root, identity, progress, choice, policy)
    if not WITH_LIBYAML:
        click.echo("PyYAML has no libyaml here: reading takes ten times as long", err=True)
    require_sound(compiled)
    _tell(compiled.problems[:TOLD], err=True)
    return compiled


def _tell(problems: Iterable[Problem], *, err: bool) -> None:
    for problem in problems:
        click.echo(str(problem), err=err)
