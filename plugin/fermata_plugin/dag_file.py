"""The form ``dag-file``: one small Python DAG file for each dag-factory YAML, its text inside.

So a bad file is an import error of that file alone, a change is noticed by the file's time, and
Airflow's own view of the source shows the configuration. The file needs dag-factory and nothing of
ours. Each DAG's documentation gets the line ``fermata:<digest>``, which the serialized DAG carries:
proof of what Airflow's scheduler has.
"""

from collections.abc import Mapping

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

# Plain values only; libyaml's reader, as when Fermata judged the text.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

SOURCE = {source}

CONFIG = {config}

DEFAULTS = {defaults}

DIGESTS = {digests}


def build_dags():
    built = {{}}
    load_yaml_dags(
        globals_dict=built,
        config_dict=yaml.load(CONFIG, LOADER),
        # Always given: dag-factory would else merge a defaults.yml of the whole DAGs folder.
        defaults_config_dict=yaml.load(DEFAULTS, LOADER),
    )
    for dag_id, dag in built.items():
        dag.doc_md = "%s\\n\\n{mark}%s\\n" % (dag.doc_md or "", DIGESTS[dag_id])
    return {{"dag %s" % dag_id: dag for dag_id, dag in built.items()}}


globals().update(build_dags())
'''


def dag_file(
    source: str, text: str, *, defaults: Mapping[str, Value], digests: Mapping[str, str]
) -> str:
    """Return the DAG file for ``text``, the YAML of ``source``; ``digests`` by DAG id."""
    rows = "".join(f"    {dag_id!r}: {digest!r},\n" for dag_id, digest in sorted(digests.items()))
    return _TEMPLATE.format(
        source=ascii(source),
        config=python_text(text),
        defaults=python_text(dump([dict(defaults)]).removeprefix("---\n")),
        digests=f"{{\n{rows}}}",
        mark=MARK,
    )


def python_text(text: str) -> str:
    """Return ``text`` as a Python literal: readable where it can stand between raw quotes."""
    awkward = '"""' in text or "\r" in text or text.endswith(('"', "\\"))
    if not awkward and all(c in "\n\t" or c.isprintable() for c in text):
        return f'r"""{text}"""'
    lines = text.split("\n")
    ends = [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])
    rows = "".join(f"    {line!a}\n" for line in ends)
    return f"(\n{rows})"
