"""Hook annotations whose values Argo CD would ignore, the object with them, without a word.

Read from Argo CD's own sources: names are compared as they are, capitals too; Helm's annotations
count on an object that says nothing itself; the hooks of Helm that Argo CD has no phase for make
the object one that is never applied.
"""

from collections.abc import Mapping

from fermata_spec.kinds import nearest
from fermata_spec.located import Node, Value

_PREFIX = "argocd.argoproj.io/"
_HOOK, _HELM_HOOK = f"{_PREFIX}hook", "helm.sh/hook"
_KNOWN = {
    _HOOK: ("PreSync", "Sync", "PostSync", "SyncFail", "Skip", "PreDelete", "PostDelete"),
    f"{_PREFIX}hook-delete-policy": ("HookSucceeded", "HookFailed", "BeforeHookCreation"),
    "helm.sh/hook-delete-policy": ("hook-succeeded", "hook-failed", "before-hook-creation"),
}
_HELM_PHASES = (
    *("pre-install", "pre-upgrade", "post-install", "post-upgrade"),
    *("pre-delete", "post-delete", "crd-install"),
)
_AT_DELETION = {"PreDelete", "PostDelete"}


def check_hook_annotations(annotations: Node, metadata: Mapping[str, Value]) -> None:
    """Report what Argo CD would ignore in the ``annotations`` of an object with ``metadata``."""
    for key, node in annotations.items():
        for word in _words(node.value) if key in _KNOWN else ():
            if word not in _KNOWN[key]:
                hint = nearest(word, _KNOWN[key])
                told = f"{word!r} is none: Argo CD ignores it without a word{hint}"
                node.report("hook-annotation", told)
        if key == f"{_PREFIX}sync-wave" and not _is_wave(node.value):
            node.report("hook-annotation", f"{node.value!r} is no whole number in quotes")
        elif key == _HELM_HOOK and _HOOK not in annotations.value:
            _check_helm(node)
        elif key == _HOOK and not metadata.get("name") and _AT_DELETION & {*_words(node.value)}:
            told = "a hook at deletion with generateName: Argo CD makes another at every pass"
            node.report("hook-annotation", told)


def _check_helm(node: Node) -> None:
    words = _words(node.value)
    if not {*words} & {*_HELM_PHASES}:
        hint = nearest(words[0], _HELM_PHASES)
        told = f"{words[0]!r} is no hook to Argo CD: it never applies the object{hint}"
        node.report("hook-annotation", told)


def _words(value: Value) -> list[str]:
    return [word.strip() for word in str(value or "").split(",")]


def _is_wave(value: Value) -> bool:
    return isinstance(value, str) and value.strip().lstrip("+-").isdigit()
