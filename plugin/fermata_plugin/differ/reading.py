"""From the file of an affected DAG to its settings, read once more."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from fermata_plugin.differ.python_settings import read_python_settings
from fermata_plugin.differ.settings import Settings
from fermata_plugin.formats import dag_factory
from fermata_plugin.formats.found import Found
from fermata_spec.located import Value
from fermata_spec.yaml_reader import read_yaml


class Parts(NamedTuple):
    """A dag-factory DAG: its own keys, its file's ``default``, the ``defaults.yml`` above it."""

    own: Mapping[str, Value]
    file_default: Mapping[str, Value]
    above: Mapping[str, Value]

    @property
    def whole(self) -> dict[str, Value]:
        """The DAG's configuration after all defaults."""
        return dag_factory.effective(self.own, self.file_default, self.above)


def read_parts(found: Found, dag_id: str) -> Parts | None:
    """Return the parts of a DAG of dag-factory's YAML; ``None`` of any other file."""
    if found.meaning != "dag-factory":
        return None
    document = read_yaml(found.text or "", found.source.path, [])
    own = document.value.get(dag_id)
    return Parts(own or {}, document.value.get("default") or {}, found.defaults or {})


def read_settings(found: Found, dag_id: str) -> Settings:
    """Return the settings of a DAG that the file ``found`` defines."""
    parts = read_parts(found, dag_id)
    if parts is None:
        return read_python_settings(found.text or "", dag_id)
    whole = parts.whole
    args = whole.get("default_args")
    tasks = dict(_tasks(whole.get("tasks")))
    return Settings(dag_id, whole, args if isinstance(args, dict) else {}, tasks)


def _tasks(value: Value) -> Iterator[tuple[str, Mapping[str, Value]]]:
    """Yield the tasks of either form, by name."""
    named = (
        value.items()
        if isinstance(value, dict)
        else [(each.get("task_id"), each) for each in value or () if isinstance(each, dict)]
    )
    for name, task in named:
        if isinstance(task, dict):
            yield str(name), task
