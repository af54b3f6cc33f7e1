"""The probe: a DAG of Fermata's own, with one task for each pool and queue that is to be proven.

A worker has mounts of its own, which Airflow's API does not see. So each task reads the DAG files
that its run's conf names, as its worker has them, and returns what they show; ``smoke`` compares.
The file knows no revision: it changes with the pools and queues only.

By ConfigMap it is rendered with the other files; in git (``git-bundle``, ``git-sync``, ``image``)
it stands as ``fermata plan --probe`` prints it.
"""

import re
from collections.abc import Iterator, Mapping

from fermata_plugin.artifacts import Artifact
from fermata_plugin.dag_file import MARK
from fermata_plugin.digests import digest_of_text
from fermata_plugin.formats.found import Found
from fermata_plugin.loading import Loaded
from fermata_spec.config import FILE_NAME
from fermata_spec.config_proof import Probe
from fermata_spec.plan import PlannedDag, SmokeDag
from fermata_spec.problems import Problem

_PLACE = ("smoke", "probe")
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")
_LONGEST = 200  # characters of a task id; Airflow takes 250
_TEMPLATE = '''\
"""An Airflow DAG file made by Fermata: change smoke.probe in fermata.yaml, not this file.

One task for each pool and queue of PROBES. A task reads the files that its run's conf names, as
its worker has them, and returns what they show.
"""

import json
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath
from socket import gethostname
from time import monotonic, sleep

try:
    from airflow.sdk import DAG, task
except ImportError:  # Airflow 2
    from airflow.decorators import task
    from airflow.models.dag import DAG

PROBES = {probes}

MOST_BYTES = 2**24  # of one file
MOST_NAMED = 20  # files that differ
LONGEST_WAIT = 600.0  # seconds


def look(conf):
    """Return what the files of the conf show, once they show what is expected or time is up."""
    files = conf.get("files") or {{}}
    own = PurePosixPath(conf.get("own") or Path(__file__).name)
    root = Path(__file__).parents[len(own.parts) - 1]
    began = monotonic()
    while True:
        found = {{name: shown(root, name, wanted) for name, wanted in sorted(files.items())}}
        differ = {{name: seen for name, seen in found.items() if seen != files[name]}}
        waited = monotonic() - began
        if not differ or waited >= min(float(conf.get("wait") or 0), LONGEST_WAIT):
            break
        sleep(1)
    rows = "".join("%s=%s\\n" % (name, "+".join(seen)) for name, seen in found.items())
    answer = {{
        "digest": sha256(rows.encode()).hexdigest()[:16],
        "files": len(found),
        "differ": dict(list(differ.items())[:MOST_NAMED]),
        "differing": len(differ),
        "worker": gethostname(),
        "waited": round(waited, 1),
    }}
    print("fermata probe:", answer)
    return json.dumps(answer)


def shown(root, name, wanted):
    """Return each digest of ``wanted`` that the file hashes to or holds, else what it is."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        return ["outside"]
    try:
        with (root / path).open("rb") as file:
            data = file.read(MOST_BYTES)
    except OSError as problem:
        return [type(problem).__name__]
    text = data.decode("utf-8", "replace").replace("\\r\\n", "\\n").replace("\\r", "\\n")
    digest = sha256(text.encode()).hexdigest()[:16]
    return [each if each == digest or each in text else digest for each in wanted]


def probe(dag_run=None):
    return look(dag_run.conf or {{}})


with DAG(
    {dag_id},
    schedule=None,
    start_date=datetime(2024, 1, 1),
    catchup=False,
    is_paused_upon_creation=False,
    tags=["fermata"],
    doc_md="""Proves that a worker of each pool and queue has this revision's files.

{mark}{digest}
""",
):
    for name, where in PROBES.items():
        task(task_id=name, retries=0, **where)(probe)()
'''


def tasks(probe: Probe) -> dict[str, str]:
    """Return each task's id and what it proves (``pool warehouse``)."""
    made: dict[str, str] = {}
    for kind, name in _wanted(probe):
        plain = task_id = f"{kind}-{_UNSAFE.sub('_', name)}"[:_LONGEST]
        number = 2
        while task_id in made:
            task_id, number = f"{plain}-{number}", number + 1
        made[task_id] = f"{kind} {name}"
    return made


def probe_text(probe: Probe) -> str:
    """Return the DAG file."""
    rows = [
        f"    {task_id!a}: {{{kind!a}: {name!a}}},\n"
        for task_id, (kind, name) in zip(tasks(probe), _wanted(probe), strict=True)
    ]
    parts = {"probes": f"{{\n{''.join(rows)}}}", "dag_id": ascii(probe.dag_id), "mark": MARK}
    return _TEMPLATE.format(digest=_digest(probe), **parts)


def probe_artifact(loaded: Loaded, problems: list[Problem]) -> Artifact | None:
    """Return the file for Airflow, if the checkout wants one that it has not in git itself."""
    probe, files = loaded.config.smoke.probe, loaded.config.files
    if not probe.wanted:
        return None
    if loaded.config.delivery != "configmap":
        _check_committed(loaded, problems)
        return None
    found = _committed(loaded)
    if found is not None:
        told = f"{probe.dag_id} is defined in {found.source.path} too: it is rendered here"
        loaded.file.report((*_PLACE, "dag_id"), "duplicate-dag-id", told)
        return None
    text, key = probe_text(probe), f"{probe.dag_id}.py"
    planned = PlannedDag(
        dag_id=probe.dag_id,
        digest=_digest(probe),
        file=key if files.mount == "." else f"{files.mount}/{key}",
        evidence="doc_md",
        source=FILE_NAME,
    )
    return Artifact(key, FILE_NAME, text, len(text), (planned,))


def smoke_dag(probe: Probe) -> SmokeDag:
    """Return how smoke runs it."""
    return SmokeDag(dag_id=probe.dag_id, deadline=probe.deadline, probes=tasks(probe))


def _check_committed(loaded: Loaded, problems: list[Problem]) -> None:
    probe = loaded.config.smoke.probe
    found = _committed(loaded)
    if found is None:
        told = f"{probe.dag_id}: no file defines it; fermata plan --probe prints one for git"
        loaded.file.report(_PLACE, "unknown-smoke-dag", told)
    elif found.text != probe_text(probe):
        told = f"not what smoke.probe asks for: fermata plan --probe > {found.source.path}"
        problems.append(Problem(found.source.path, 1, 1, "probe-stale", told))


def _committed(loaded: Loaded) -> Found | None:
    """Return the file of the checkout that defines the probe."""
    dag_id = loaded.config.smoke.probe.dag_id
    for found in loaded.found:
        if any(dag.dag_id == dag_id for dag in found.dags):
            return found
    return None


def _digest(probe: Probe) -> str:
    return digest_of_text(f"{_TEMPLATE}\n{probe.dag_id}\n{sorted(_wanted(probe))!a}")


def _wanted(probe: Probe) -> Iterator[tuple[str, str]]:
    for kind, names in _kinds(probe).items():
        for name in dict.fromkeys(names):
            yield kind, name


def _kinds(probe: Probe) -> Mapping[str, tuple[str, ...]]:
    return {"pool": probe.pools, "queue": probe.queues}
