"""DAGs from a team's own configuration format: files, and a callable from a mapping to DAGs.

    # dags/pipelines.py
    from pathlib import Path
    from fermata_airflow.loader import ConfigError, load_dags

    def pipeline(config):                    # your format; returns a DAG, or several
        if "table" not in config["source"]:
            raise ConfigError("names no table", "source")
        ...

    globals().update(load_dags(Path(__file__).parent / "pipelines", {"pipeline/v1": pipeline}))

Each file says its format (``format: pipeline/v1``). A file that is wrong is an import error of one
line for each problem, ``file:line:column: what``; a failure of a builder keeps its traceback and
names the file. Airflow shows the errors of the DAG file that called, and keeps its DAGs as they
were: where one file must not stop the others, give each a DAG file of its own (``load_file``).

Nothing of Airflow is imported here. Each DAG's documentation gets the line ``fermata:<digest>`` of
the file that it came from, so that what Airflow has can be told from what git has.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from fermata_spec.located import Document, Node
from fermata_spec.problems import Problem
from fermata_spec.yaml_reader import read_yaml

FORMAT_KEY = "format"
PATTERNS = ("*.yaml", "*.yml")
FILE_LIMIT = 2**20  # bytes of one file
FILES_LIMIT = 2000  # files of one folder: a parse has 30 s

_DIGEST_LENGTH = 16


class Dag(Protocol):
    """What is used of a DAG."""

    dag_id: str
    doc_md: str | None


Builder = Callable[[Mapping[str, Any]], "Dag | Iterable[Dag]"]


class ConfigError(Exception):
    """A builder does not like what it was given.

    :param message: what is wrong
    :param path: where, from the top: keys of mappings and indexes of lists
    """

    def __init__(self, message: str, *path: str | int) -> None:
        super().__init__(message)
        self.path = path


class DagFilesError(Exception):
    """Files are wrong; ``problems`` are lines of ``file:line:column: what``."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


def load_dags(folder: Path, formats: Mapping[str, Builder]) -> dict[str, Dag]:
    """Return the DAGs of all files below ``folder``, by id.

    Raises:
        DagFilesError: with every problem of every file.

    """
    files = sorted({path for pattern in PATTERNS for path in folder.rglob(pattern)})
    if not files or len(files) > FILES_LIMIT:
        told = f"{folder}: {len(files)} files of {', '.join(PATTERNS)}; 1 to {FILES_LIMIT}"
        raise DagFilesError([told])
    loading = _Loading(formats)
    for file in files:
        loading.add(file, file.relative_to(folder).as_posix())
    return loading.finished()


def load_file(file: Path, formats: Mapping[str, Builder]) -> dict[str, Dag]:
    """Return the DAGs of one file, by id; raises as ``load_dags`` does."""
    loading = _Loading(formats)
    loading.add(file, file.name)
    return loading.finished()


class _Loading:
    def __init__(self, formats: Mapping[str, Builder]) -> None:
        self._formats = formats
        self._dags: dict[str, Dag] = {}
        self._files: dict[str, str] = {}
        self._problems: list[str] = []

    def finished(self) -> dict[str, Dag]:
        if self._problems:
            raise DagFilesError(self._problems)
        return self._dags

    def add(self, file: Path, name: str) -> None:
        """Build the DAGs of a file, or note what is wrong with it."""
        with file.open("rb") as opened:
            content = opened.read(FILE_LIMIT + 1)
        if len(content) > FILE_LIMIT:
            self._problems.append(f"{name}:1:1: more than {FILE_LIMIT} bytes")
            return
        try:
            text = content.decode()
        except UnicodeDecodeError as exc:
            self._problems.append(f"{name}:1:1: not UTF-8: byte {exc.start}")
            return
        problems: list[Problem] = []
        document = read_yaml(text, name, problems)
        if not document.complete:
            self._problems += [_line(each) for each in problems if each.severity == "error"]
            return
        digest = sha256(content).hexdigest()[:_DIGEST_LENGTH]
        for dag in self._built(document, name):
            self._keep(dag, name, digest)

    def _built(self, document: Document, name: str) -> Iterator[Dag]:
        builder = self._builder(document, name)
        if builder is None:
            return
        try:
            built = builder(document.value)
            yield from built if isinstance(built, Iterable) else [built]
        except ConfigError as exc:
            mark = _found(document.node, exc.path).value_mark
            self._problems.append(f"{name}:{mark.line}:{mark.column}: {exc}")
        except Exception as exc:
            exc.add_note(f"{name}:1:1: while its DAGs were made")
            raise

    def _builder(self, document: Document, name: str) -> Builder | None:
        value = document.value
        wanted = value.get(FORMAT_KEY) if isinstance(value, dict) else None
        builder = self._formats.get(wanted) if isinstance(wanted, str) else None
        if builder is None:
            mark = _found(document.node, (FORMAT_KEY,)).value_mark
            known = ", ".join(sorted(self._formats))
            told = f"{FORMAT_KEY}: {wanted}" if wanted is not None else f"no {FORMAT_KEY}"
            self._problems.append(f"{name}:{mark.line}:{mark.column}: {told}; known: {known}")
        return builder

    def _keep(self, dag: Dag, name: str, digest: str) -> None:
        if dag.dag_id in self._dags:
            told = f"DAG {dag.dag_id} is in {self._files[dag.dag_id]}, too"
            self._problems.append(f"{name}:1:1: {told}")
            return
        dag.doc_md = f"{dag.doc_md or ''}\n\nfermata:{digest}\n"
        self._dags[dag.dag_id] = dag
        self._files[dag.dag_id] = name


def _found(node: Node, path: Iterable[str | int]) -> Node:
    """Return the node at ``path``, or the last one on the way that is there."""
    for key in path:
        inner = node.get(key)
        if inner is None:
            break
        node = inner
    return node


def _line(problem: Problem) -> str:
    return f"{problem.file}:{problem.line}:{problem.column}: {problem.message}"
