"""What a guard can say at render already: the branch, and what a policy demands of the hooks.

A policy is mounted into the renderer's container; what is in the checkout cannot change it.
"""

from fermata_plugin.loading import Loaded
from fermata_spec.guards import Guard, branch_denial
from fermata_spec.policy import Policy

RULE = "guard"


def check_guards(loaded: Loaded, target: str, policy: Policy | None) -> None:
    """Report what the guards deny of a deploy of ``target``; empty: nobody deploys (``lint``)."""
    if target:
        for index, guard in enumerate(loaded.config.guards):
            _check(loaded, ("guards", index), guard, target, "")
        for file, guard in policy.guards if policy else ():
            _check(loaded, (), guard, target, f"{file}: ")
    if policy is not None:
        _check_hooks(loaded, policy)


def _check(
    loaded: Loaded, keys: tuple[str | int, ...], guard: Guard, target: str, origin: str
) -> None:
    if guard.branch is None or not guard.branch.at_render:
        return
    told = branch_denial(guard.branch, target)
    if told and guard.dry_run:
        would = f"{origin}{guard.called}: would deny: {told}"
        loaded.file.report(keys, RULE, would, severity="warning")
    elif told:
        said = f"{guard.message}: " if guard.message else ""
        loaded.file.report(keys, RULE, f"{origin}{guard.called}: {said}{told}")


def _check_hooks(loaded: Loaded, policy: Policy) -> None:
    hooks = loaded.config.hooks
    if not hooks.emit:
        loaded.file.report(("hooks", "emit"), RULE, "the policy wants hooks: it is asked by hold")
    if loaded.config.manifests.include and not policy.manifests:
        told = "the policy lets no other manifests through"
        loaded.file.report(("manifests", "include"), RULE, told)
    if not policy.allows_image(hooks.image):
        loaded.file.report(("hooks", "image"), RULE, f"{hooks.image}: the policy does not name it")
