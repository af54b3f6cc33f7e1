"""What Argo CD will find another: objects, hooks, and the manifests that are passed through."""

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import islice

from fermata_plugin.configmaps import Manifest
from fermata_plugin.differ.causes import changed_keys
from fermata_plugin.render import Compiled
from fermata_spec.difference import ChangedObject, HookChange, ObjectChange
from fermata_spec.plan import Plan

MOST_FILES = 100
_HOOK = "argocd.argoproj.io/hook"
_Name = tuple[str, str]


def changed_objects(old: Compiled, new: Compiled) -> Iterator[ChangedObject]:
    """Yield the ConfigMaps of files that a sync would create, change or prune."""
    was, now = _configmaps(old.manifests), _configmaps(new.manifests)
    for kind, name in sorted(was.keys() | now.keys()):
        before, after = was.get((kind, name)), now.get((kind, name))
        if before == after:
            continue
        files = _files(before), _files(after)
        names = sorted(
            path
            for path in files[0].keys() | files[1].keys()
            if files[0].get(path) != files[1].get(path)
        )
        yield ChangedObject(
            kind=kind,
            name=name,
            change=_change(before, after),
            old_bytes=_size(files[0]),
            new_bytes=_size(files[1]),
            files=tuple(names[:MOST_FILES]),
        )


def _change(before: object, after: object) -> ObjectChange:
    return "added" if before is None else "removed" if after is None else "changed"


def _configmaps(manifests: Sequence[Manifest]) -> dict[_Name, Manifest]:
    return {
        (each["kind"], each["metadata"]["name"]): each
        for each in manifests
        if each["kind"] == "ConfigMap" and not _is_hook(each)
    }


def _is_hook(manifest: Manifest) -> bool:
    return _HOOK in manifest["metadata"].get("annotations", {})


def _files(manifest: Manifest | None) -> dict[str, bytes]:
    if manifest is None:
        return {}
    data = {key: text.encode() for key, text in manifest.get("data", {}).items()}
    return data | {key: b64decode(text) for key, text in manifest.get("binaryData", {}).items()}


def _size(files: Mapping[str, bytes]) -> int:
    return sum(len(key) + len(content) for key, content in files.items())


def changed_hooks(old: Compiled, new: Compiled) -> Iterator[HookChange]:
    """Yield the hook Jobs that are others, and the policy in the plan that they follow."""
    was, now = _jobs(old.manifests), _jobs(new.manifests)
    for name in sorted(was.keys() | now.keys()):
        before, after = was.get(name), now.get(name)
        if before != after:
            what = _keys(before, after) if before and after else ()
            yield HookChange(name=name, change=_change(before, after), what=what)
    policies = _policy(old.plan), _policy(new.plan)
    if was and now and policies[0] != policies[1]:
        yield HookChange(name="policy", change="changed", what=_keys(*policies))


def _jobs(manifests: Sequence[Manifest]) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] == "Job"}


def _policy(plan: Plan | None) -> Manifest:
    return {} if plan is None else asdict(replace(plan, revision="", dags=()))


def _keys(before: object, after: object) -> tuple[str, ...]:
    return tuple(islice(changed_keys(before, after), MOST_FILES))


def changed_manifests(old: Compiled, new: Compiled) -> Iterator[str]:
    """Yield the files of other manifests that are new, gone or different."""
    was, now = _passed(old), _passed(new)
    yield from sorted(path for path in was.keys() | now.keys() if was.get(path) != now.get(path))


def _passed(compiled: Compiled) -> dict[str, str]:
    if compiled.loaded is None:
        return {}
    return {each.path: each.text for each in compiled.loaded.passed}
