"""What Airflow gets: each file under its key, and the DAGs that it defines with their digests."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fermata_plugin.dag_file import DagFiles
from fermata_plugin.digests import digest_of_source
from fermata_plugin.encoding import encode
from fermata_plugin.formats.found import Found
from fermata_plugin.loading import Loaded
from fermata_plugin.needs import Needs
from fermata_spec import limits
from fermata_spec.limits import Budget
from fermata_spec.plan import Evidence, PlannedDag
from fermata_spec.problems import Problem

IGNORE_FILE = ".airflowignore"


class Artifact(NamedTuple):
    """One file as Airflow gets it, under the key ``key``; ``source`` is its path in git."""

    key: str
    source: str
    content: str | bytes
    size: int
    dags: tuple[PlannedDag, ...]

    @property
    def data(self) -> bytes:
        """The content as bytes."""
        return self.content if isinstance(self.content, bytes) else self.content.encode()


def make_artifacts(loaded: Loaded, problems: list[Problem]) -> list[Artifact]:
    """Return the artifacts of a checkout, by key; reports what cannot become one."""
    budget = Budget(limits.RENDERED_BYTES)
    made = []
    for artifact in _artifacts(loaded, problems):
        made.append(artifact)
        if budget.spend(artifact.size):
            told = f"more than {budget.limit.value} {budget.limit.unit}: {budget.limit.bounds}"
            problems.append(Problem(artifact.source, 1, 1, "limit", told))
            break
    if loaded.config.delivery == "configmap":
        _check_keys(made, problems)
    elif loaded.config.files.form == "dag-file":
        told = f"dag-file: with delivery: {loaded.config.delivery} Airflow reads the files of git"
        loaded.file.report(("files", "form"), "value", told)
    return sorted(made, key=_by_key)


def with_artifact(
    artifacts: Sequence[Artifact], added: Artifact, problems: list[Problem]
) -> list[Artifact]:
    """Return the artifacts with one that no file of the checkout is, by key."""
    clash = next((each for each in artifacts if each.key == added.key), None)
    if clash is not None:
        told = f"becomes {added.key}, which Fermata writes itself: exclude it"
        problems.append(Problem(clash.source, 1, 1, "key-clash", told))
        return list(artifacts)
    return sorted([*artifacts, added], key=_by_key)


def _artifacts(loaded: Loaded, problems: list[Problem]) -> Iterator[Artifact]:
    needs, dag_files = Needs(loaded), DagFiles()
    for found in loaded.found:
        if found.meaning == "defaults" and _is_dag_file_form(loaded):
            continue  # merged into the files below it
        if found.meaning == "python":
            if loaded.config.delivery == "configmap":
                problems += _flat_imports(found, loaded, needs)
            yield _python(found, loaded, needs)
        elif found.meaning == "dag-factory":
            yield _dag_factory(found, loaded, needs, dag_files)
        else:
            yield _artifact(found, loaded, found.text, ())


def _by_key(artifact: Artifact) -> str:
    return artifact.key


def _is_dag_file_form(loaded: Loaded) -> bool:
    return loaded.config.files.form != "as-is" and loaded.config.delivery == "configmap"


def _evidence(loaded: Loaded, otherwise: Evidence) -> Evidence:
    return "bundle" if loaded.config.delivery == "git-bundle" else otherwise


def _key(found: Found, loaded: Loaded, suffix: str = "") -> str:
    path = loaded.relative(found.source.path)
    return encode(path) + suffix if loaded.config.delivery == "configmap" else path


def _artifact(
    found: Found, loaded: Loaded, text: str | None, dags: Sequence[PlannedDag], suffix: str = ""
) -> Artifact:
    content = found.source.data if text is None else text
    size = (
        len(content) if isinstance(content, bytes) or content.isascii() else len(content.encode())
    )
    return Artifact(_key(found, loaded, suffix), found.source.git_path, content, size, tuple(dags))


def _planned(  # noqa: PLR0913 - the parts of a planned DAG, by name
    found: Found,
    loaded: Loaded,
    *,
    dag_id: str,
    digest: str,
    evidence: Evidence,
    suffix: str = "",
    source_digest: str = "",
) -> PlannedDag:
    key = _key(found, loaded, suffix)
    mount = loaded.config.files.mount
    return PlannedDag(
        dag_id=dag_id,
        digest=digest,
        file=key if mount == "." else f"{mount}/{key}",
        evidence=evidence,
        source_digest=source_digest,
        source=found.source.git_path,
    )


def _python(found: Found, loaded: Loaded, needs: Needs) -> Artifact:
    if not found.dags:
        return _artifact(found, loaded, found.text, ())
    digest, source_digest = needs.digest_of_python(found), digest_of_source(found.text or "")
    dags = [
        _planned(
            found,
            loaded,
            dag_id=dag.dag_id,
            digest=digest,
            evidence=_evidence(loaded, "source"),
            source_digest=source_digest,
        )
        for dag in found.dags
    ]
    return _artifact(found, loaded, found.text, dags)


def _dag_factory(found: Found, loaded: Loaded, needs: Needs, dag_files: DagFiles) -> Artifact:
    digests = {dag.dag_id: needs.digest_of_dag(dag) for dag in found.dags}
    as_file = _is_dag_file_form(loaded)
    suffix = ".py" if as_file else ""
    dags = [
        _planned(
            found,
            loaded,
            dag_id=dag_id,
            digest=digest,
            evidence=_evidence(loaded, "doc_md" if as_file else "none"),
            suffix=suffix,
        )
        for dag_id, digest in digests.items()
    ]
    text = found.text or ""
    if as_file:
        text = dag_files.write(
            found.source.git_path, text, defaults=found.defaults or {}, digests=digests
        )
    return _artifact(found, loaded, text, dags, suffix)


def _flat_imports(found: Found, loaded: Loaded, needs: Needs) -> Iterator[Problem]:
    """Yield the imports that a ConfigMap, which has no folders, would break."""
    for imported, place in needs.imports(found):
        path = loaded.relative(imported.source.path)
        if encode(path) != path:
            told = f"imports {path}, which a ConfigMap can only hold as {encode(path)}"
            yield found.problem("flat-import", told, place)


def _check_keys(made: list[Artifact], problems: list[Problem]) -> None:
    seen: dict[str, Artifact] = {}
    for artifact in made:
        other = seen.setdefault(artifact.key, artifact)
        if len(artifact.key) > limits.CONFIGMAP_KEY.value:
            told = f"its key has {len(artifact.key)} characters, {limits.CONFIGMAP_KEY.value} fit"
            problems.append(Problem(artifact.source, 1, 1, "path", told))
        elif artifact.key == IGNORE_FILE:
            told = "Fermata writes this file itself: exclude it"
            problems.append(Problem(artifact.source, 1, 1, "key-clash", told))
        elif other is not artifact:
            told = f"becomes {artifact.key}, and so does {other.source}"
            problems.append(Problem(artifact.source, 1, 1, "key-clash", told))
