"""The rules by which a checkout is judged: each finding names one.

Those that only judge may be silenced (``lint.silence``); those by which something was not read may
not: what is not read is not rendered, and what is not rendered is pruned.
"""

JUDGING = {
    "dag-id-computed": "A Python DAG whose id is not literal: it is not held or verified by name.",
    "dag-unnamed": "A Python DAG that no name of its module holds: Airflow does not find it.",
    "deadlines": "A hold whose lease is shorter than a sync may take.",
    "environment-text": "`$NAME` in dag-factory's YAML, which dag-factory reading a file replaces.",
    "flat-import": "An import of a file in a folder: a ConfigMap has no folders.",
    "python-syntax": "Python that cannot be parsed; silenced, the file is only passed on.",
    "smoke-paused": "A smoke DAG that is paused upon creation: it would prove nothing.",
    "smoke-scheduled": "A smoke DAG with a schedule: it would also run by itself.",
    "unknown-smoke-dag": "A smoke DAG that no file defines.",
    "yaml-trap": "What YAML 1.1 takes for something else: `no`, `010`, `12:30`.",
}
REFUSING = {
    "cycle": "Tasks that wait for each other.",
    "dag-factory": "What dag-factory would refuse: a wrong type, a key that is gone.",
    "dag-id": "A DAG id that Airflow does not take.",
    "duplicate-dag-id": "A DAG id that stands in two places.",
    "duplicate-object": "An object of the other manifests that stands twice.",
    "hook-annotation": "A value of a hook annotation that Argo CD would ignore without a word.",
    "key-clash": "Two files that would have the same name in a ConfigMap.",
    "limit": "More than is read (see the limits).",
    "manifest": "Another manifest that is no Kubernetes object.",
    "missing-file": "No `fermata.yaml`.",
    "missing-key": "A key of `fermata.yaml` that is needed.",
    "no-files": "Patterns that match no file: nothing would be rendered, and everything pruned.",
    "no-operator": "A task without operator or decorator.",
    "no-tasks": "A dag-factory DAG without tasks.",
    "not-a-file": "A FIFO, a device, a socket.",
    "not-implemented": "A key or value that a later release will read.",
    "not-utf8": "Configuration that is not UTF-8.",
    "path": "A name with control characters, not UTF-8, or too long for a key.",
    "symlink": "A link that leads out of the checkout, or a linked folder, which is not read.",
    "too-large": "An object that the API server would refuse, with its largest files.",
    "type": "A value of `fermata.yaml` of another kind than the key takes.",
    "unknown-dependency": "A task that waits for one that does not exist.",
    "unknown-group": "A task in a group that does not exist.",
    "unknown-key": "A key that `fermata.yaml` does not know, with the nearest that it does.",
    "unreadable": "A file that cannot be opened.",
    "value": "A value that `fermata.yaml` does not take at this key.",
    "yaml-alias": "An alias of nothing, or of itself.",
    "yaml-documents": "A second document in one file.",
    "yaml-duplicate-key": "A key that stands twice in a mapping.",
    "yaml-key": "A mapping or list as a key.",
    "yaml-merge": "`<<` with something else than mappings.",
    "yaml-syntax": "Not YAML.",
    "yaml-tag": "A tag that is no plain value (`!!python/...`, `!secret`).",
    "yaml-value": "A number or date that is none.",
}
RULES = dict(sorted((JUDGING | REFUSING).items()))
