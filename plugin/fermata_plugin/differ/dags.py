"""The DAGs of one side, by id; what a render does not keep is read when it is asked for."""

from collections.abc import Iterator

from fermata_plugin.differ.causes import Definition
from fermata_plugin.differ.python_settings import computes_a_dag_id
from fermata_plugin.differ.reading import read_settings
from fermata_plugin.differ.settings import Settings
from fermata_plugin.needs import Needs
from fermata_plugin.render import Compiled


class Dags:
    """The DAGs of a compiled checkout; none of a side that is empty."""

    def __init__(self, compiled: Compiled) -> None:
        self._loaded = compiled.loaded
        self._found = compiled.loaded.found if compiled.loaded is not None else ()
        self._by_id = {dag.dag_id: (found, dag) for found in self._found for dag in found.dags}
        self._needs: Needs | None = None
        self._settings: dict[str, Settings] = {}

    def file(self, dag_id: str) -> str:
        """Return the file of a DAG, in git."""
        return self._by_id[dag_id][0].source.git_path

    def content(self, dag_id: str) -> str:
        """Return what stands for a DAG's configuration whatever its id; of Python nothing does."""
        return self._by_id[dag_id][1].digest

    def settings(self, dag_id: str) -> Settings:
        """Return the settings of a DAG."""
        if dag_id not in self._settings:
            self._settings[dag_id] = read_settings(self._by_id[dag_id][0], dag_id)
        return self._settings[dag_id]

    def definition(self, dag_id: str) -> Definition:
        """Return a DAG with all that may be a cause of its change."""
        if self._loaded is None:
            raise LookupError(dag_id)
        defaults = self._loaded.defaults.files(self._by_id[dag_id][0].source.path)
        return Definition(defaults, self.needs, *self._by_id[dag_id])

    @property
    def needs(self) -> Needs:
        """Which files need which."""
        if self._needs is None:
            if self._loaded is None:
                raise LookupError("an empty side needs nothing")
            self._needs = Needs(self._loaded)
        return self._needs

    def untold(self) -> Iterator[tuple[str, str]]:
        """Yield each Python file that computes DAG ids, with the digest of all that it needs."""
        for found in self._found:
            if found.meaning == "python" and computes_a_dag_id(found.text or ""):
                yield found.source.git_path, self.needs.digest_of_python(found)
