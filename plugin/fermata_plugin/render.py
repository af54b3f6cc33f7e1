"""A checkout becomes manifests: all of them or none.

A pure function of a folder and an identity: no clock, no network, no randomness; the same bytes in
give the same bytes out, for Argo CD renders again at every pass of a sync.
"""

from typing import NamedTuple

from fermata_plugin.artifacts import Artifact, make_artifacts, with_artifact
from fermata_plugin.choice import NO_CHOICE, Choice
from fermata_plugin.configmaps import (
    Manifest,
    check_size,
    make_configmaps,
    with_server_side_apply,
)
from fermata_plugin.guarding import check_guards
from fermata_plugin.hook_jobs import digest_of_hooks, make_hooks
from fermata_plugin.loading import Loaded, load
from fermata_plugin.other_manifests import check_distinct, check_reserved
from fermata_plugin.planning import Identity, make_plan
from fermata_plugin.probe import probe_artifact
from fermata_plugin.progress import Progress
from fermata_spec.dagset import dagset
from fermata_spec.names import dagset_name
from fermata_spec.plan import Plan
from fermata_spec.policy import Policy
from fermata_spec.problems import Problem, ProblemsError

HOOKS_ANNOTATION = "fermata.dev/hooks"
_ANYONE = Identity("lint", "lint", "lint")


class Compiled(NamedTuple):
    """A checkout, understood; what was made of it means nothing if ``problems`` has errors.

    ``passed`` are the other manifests of the checkout, as YAML documents.
    """

    problems: list[Problem]
    loaded: Loaded | None = None
    plan: Plan | None = None
    artifacts: tuple[Artifact, ...] = ()
    manifests: tuple[Manifest, ...] = ()
    passed: tuple[str, ...] = ()


def compile_checkout(
    root: str,
    identity: Identity = _ANYONE,
    progress: Progress | None = None,
    choice: Choice = NO_CHOICE,
    policy: Policy | None = None,
) -> Compiled:
    """Return everything that can be made of the folder ``root``, and every problem in it.

    ``fermata.yaml`` may silence rules by name; then their problems are not even told. A ``policy``
    is from outside git.
    """
    progress = progress or Progress()
    problems: list[Problem] = []
    loaded = load(root, problems, progress, choice)
    if loaded is None:
        return Compiled(sorted(problems))
    progress.begin("compiling")
    artifacts = make_artifacts(loaded, problems)
    if probe := probe_artifact(loaded, problems):
        artifacts = with_artifact(artifacts, probe, problems)
    plan = make_plan(loaded, artifacts, identity, problems, target=choice.branch or "")
    check_guards(loaded, choice.branch or "", policy)
    manifests = make_configmaps(artifacts, identity.application, loaded.config, problems)
    hooks = _hooks(plan, loaded, policy, problems)
    wanted = dagset(plan, name=dagset_name(identity.application))
    if hooks:
        wanted["metadata"]["annotations"][HOOKS_ANNOTATION] = digest_of_hooks(hooks, plan)
    check_size(wanted, "the DagSet", problems)
    manifests += [with_server_side_apply(wanted), *hooks]
    check_distinct(loaded.passed, manifests, problems)
    check_reserved(loaded.passed, problems)
    kept = sorted(each for each in problems if not _is_silenced(each, loaded))
    passed = tuple(each.text for each in loaded.passed)
    return Compiled(kept, loaded, plan, tuple(artifacts), tuple(manifests), passed)


def _hooks(
    plan: Plan, loaded: Loaded, policy: Policy | None, problems: list[Problem]
) -> list[Manifest]:
    if not loaded.config.hooks.emit:
        return []
    return make_hooks(plan, loaded.config, problems, policy_needed=policy is not None)


def _is_silenced(problem: Problem, loaded: Loaded) -> bool:
    """Whether ``fermata.yaml`` or the file itself says that it does not want to hear of it."""
    if problem.rule in loaded.config.lint.silence:
        return True
    return problem.rule in loaded.silenced.get(problem.file, ())


def require_sound(compiled: Compiled) -> None:
    """Raise ``ProblemsError`` if the checkout has errors."""
    errors = [problem for problem in compiled.problems if problem.severity == "error"]
    if errors:
        raise ProblemsError(errors)
