"""Manifests that stand beside the DAGs in the checkout: judged, and passed through as they are.

So one application may hold both. Judged are what Argo CD would not say: a hook annotation with a
value that it does not know makes it ignore the object without a word.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from fermata_plugin.checkout import SourceFile
from fermata_plugin.hook_annotations import check_hook_annotations
from fermata_spec.located import Node, Value
from fermata_spec.names import OWN_CONFIG_MAPS
from fermata_spec.problems import Problem
from fermata_spec.yaml_reader import read_documents


class Passed(NamedTuple):
    """A file of manifests: its text as YAML documents, and which objects it holds."""

    path: str
    text: str
    objects: tuple[tuple[str, str, str, str], ...]


def read_manifests(sources: Sequence[SourceFile], problems: list[Problem]) -> list[Passed]:
    """Return the files of ``sources``; reports what Argo CD or Kubernetes would not take."""
    passed = []
    for source in sources:
        text = source.text
        if text is None:
            problems.append(Problem(source.git_path, 1, 1, "not-utf8", "not UTF-8"))
            continue
        documents = (
            [source.document]
            if source.document is not None
            else read_documents(text, source.git_path, problems)
        )
        objects = [each for document in documents for each in _objects(document.node)]
        passed.append(Passed(source.git_path, _as_documents(text), tuple(objects)))
    return passed


def check_distinct(
    passed: Sequence[Passed], ours: Sequence[Mapping[str, Value]], problems: list[Problem]
) -> None:
    """Report objects that stand twice: Argo CD would take the last and warn."""
    seen = {_identity(manifest): "Fermata's own" for manifest in ours}
    for each in passed:
        for identity in each.objects:
            if identity in seen:
                _, kind, _, name = identity
                told = f"{kind} {name} stands in {seen[identity]} too"
                problems.append(Problem(each.path, 1, 1, "duplicate-object", told))
            seen[identity] = each.path


def check_reserved(passed: Sequence[Passed], problems: list[Problem]) -> None:
    """Report what would replace a ConfigMap of Fermata's own: the policy above all."""
    for each in passed:
        for group, kind, _, name in each.objects:
            if (group, kind) == ("", "ConfigMap") and name in OWN_CONFIG_MAPS:
                told = f"ConfigMap {name} is Fermata's own, and not for git to write"
                problems.append(Problem(each.path, 1, 1, "reserved-object", told))


def _as_documents(text: str) -> str:
    body = text.removeprefix("\ufeff").rstrip("\n")
    return f"{body}\n" if body.startswith("---") else f"---\n{body}\n"


def _objects(node: Node) -> Iterator[tuple[str, str, str, str]]:
    """Yield the identity of each object of a document; of a ``List`` those of its items."""
    if node.value is None:
        return
    if not isinstance(node.value, dict) or not {"apiVersion", "kind"} <= node.value.keys():
        node.report("manifest", "not an object with apiVersion and kind")
        return
    items = node.get("items")
    if str(node.value["kind"]).endswith("List") and items is not None:
        for item in items.values() if isinstance(items.value, list) else ():
            yield from _objects(item)
        return
    metadata = node.get("metadata")
    names = metadata.value if metadata is not None and isinstance(metadata.value, dict) else {}
    if not names.get("name") and not names.get("generateName"):
        node.report("manifest", f"{node.value['kind']} without a name")
        return
    annotations = metadata.get("annotations") if metadata is not None else None
    if annotations is not None and isinstance(annotations.value, dict):
        check_hook_annotations(annotations, names)
    if names.get("name"):
        yield _identity(node.value)


def _identity(manifest: Mapping[str, Value]) -> tuple[str, str, str, str]:
    metadata = manifest["metadata"]
    group = str(manifest["apiVersion"]).rpartition("/")[0]
    namespace = str(metadata.get("namespace", ""))
    return group, str(manifest["kind"]), namespace, str(metadata["name"])
