"""The form ``dag-file``: one small Python DAG file for each dag-factory YAML, its text inside.

So a bad file is an import error of that file alone, a change is noticed by the file's time, and
Airflow's own view of the source shows the configuration. The file needs dag-factory and nothing of
ours. Each DAG's documentation gets the line ``fermata:<digest>``, which the serialized DAG carries:
proof of what Airflow's scheduler has.
"""

from collections.abc import Mapping
from typing import NamedTuple

from fermata_plugin.dump import dump
from fermata_spec.located import Value

MARK = "fermata:"
_TEMPLATE = '''\
"""An Airflow DAG file made by Fermata: change the file that SOURCE names, not this one.

dag-factory builds the DAGs of CONFIG. Each DAG's documentation ends with the digest of its
configuration, by which Fermata knows what Airflow has parsed.
"""

import yaml
from dagfactory import load_yaml_dags
{imports}
# Plain values only; libyaml's reader, as when Fermata judged the text.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

SOURCE = {source}

CONFIG = {config}

DEFAULTS = {defaults}

DIGESTS = {digests}


{read}

def build_dags():
    built = {{}}
    load_yaml_dags(
        globals_dict=built,
        config_dict=read(CONFIG),
        # Always given: dag-factory would else merge a defaults.yml of the whole DAGs folder.
        defaults_config_dict=read(DEFAULTS),
    )
    for dag_id, dag in built.items():
        dag.doc_md = "%s\\n\\n{mark}%s\\n" % (dag.doc_md or "", DIGESTS[dag_id])
    return {{"dag %s" % dag_id: dag for dag_id, dag in built.items()}}


globals().update(build_dags())
'''

_READ = """\
def read(text):
    return yaml.load(text, LOADER)
"""
_EXPRESSIONS = ("__type__", "__and__", "__or__", "__join__")
_IMPORTS_FOR_EXPRESSIONS = """\
from dagfactory.utils import cast_with_type
from functools import reduce
from operator import and_, or_
"""
_READ_EXPRESSIONS = """\
def read(text):
    return combine(cast_with_type(yaml.load(text, LOADER)))


def combine(value):
    # dag-factory does this itself when it reads a file, and not when it is given a dictionary.
    if isinstance(value, list):
        return [combine(each) for each in value]
    if not isinstance(value, dict):
        return value
    for key, step, sign in (("__and__", and_, " & "), ("__or__", or_, " | ")):
        if key in value:
            parts = [combine(each) for each in value[key]]
            try:
                return reduce(step, parts)
            except TypeError:
                return "(%s)" % sign.join(map(str, parts))
    if "__join__" in value:
        return "".join(str(combine(each)) for each in value["__join__"])
    return {key: combine(each) for key, each in value.items()}
"""


class _Defaults(NamedTuple):
    """Defaults as they stand in a DAG file; ``values`` is kept so that its identity is."""

    values: Mapping[str, Value]
    literal: str
    has_expressions: bool


class DagFiles:
    """Writes DAG files; the defaults that many of them share are put into words once."""

    def __init__(self) -> None:
        self._defaults: dict[int, _Defaults] = {}

    def write(
        self, source: str, text: str, *, defaults: Mapping[str, Value], digests: Mapping[str, str]
    ) -> str:
        """Return the DAG file for ``text``, the YAML of ``source``; ``digests`` by DAG id."""
        shared = self._shared(defaults)
        has_expressions = shared.has_expressions or _has_expressions(text)
        rows = "".join(
            f"    {dag_id!r}: {digest!r},\n" for dag_id, digest in sorted(digests.items())
        )
        return _TEMPLATE.format(
            source=ascii(source),
            config=python_text(text),
            defaults=shared.literal,
            digests=f"{{\n{rows}}}",
            imports=_IMPORTS_FOR_EXPRESSIONS if has_expressions else "",
            read=_READ_EXPRESSIONS if has_expressions else _READ,
            mark=MARK,
        )

    def _shared(self, defaults: Mapping[str, Value]) -> _Defaults:
        known = self._defaults.get(id(defaults))
        if known is None:
            merged = dump([dict(defaults)]).removeprefix("---\n")
            known = _Defaults(defaults, python_text(merged), _has_expressions(merged))
            self._defaults[id(defaults)] = known
        return known


def _has_expressions(text: str) -> bool:
    return any(each in text for each in _EXPRESSIONS)


def python_text(text: str) -> str:
    """Return ``text`` as a Python literal: readable where it can stand between raw quotes."""
    awkward = '"""' in text or text.endswith(('"', "\\"))
    if not awkward and text.replace("\n", "").replace("\t", "").isprintable():
        return f'r"""{text}"""'
    lines = text.split("\n")
    ends = [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    rows = "".join(f"    {line!a}\n" for line in ends)
    return f"(\n{rows})"
