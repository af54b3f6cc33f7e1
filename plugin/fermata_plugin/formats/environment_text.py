"""``$NAME`` in dag-factory's YAML: replaced when dag-factory reads the file, kept in a DAG file.

dag-factory passes the text of a file through ``os.path.expandvars``, so that what git says is not
what Airflow does; the command of a shell is replaced as well.
"""

import re
from collections.abc import Iterator

from fermata_spec.located import Document, Node

_REFERENCE = re.compile(r"\$(?:[A-Za-z_]\w*|\{[A-Za-z_]\w*\})", re.ASCII)
_SHELL = "bash_command"  # where a reference means the shell's own variable, kept is right


def report_references(text: str, document: Document, *, kept: bool) -> None:
    """Warn of the first reference in each DAG; ``kept`` says which of the two happens to it."""
    if "$" not in text or not isinstance(document.value, dict):
        return
    for node in document.node.values():
        found = next(_references(node, kept=kept), None)
        if found is None:
            continue
        place, name = found
        told = (
            f"{name} stays as it is (dag-factory reading a file would put the environment's value)"
            if kept
            else f"{name}: dag-factory puts in the environment's value when it reads the file"
        )
        place.report("environment-text", told, severity="warning")


def _references(node: Node, *, kept: bool) -> Iterator[tuple[Node, str]]:
    if isinstance(node.value, str):
        match = _REFERENCE.search(node.value)
        if match is not None:
            yield node, match[0]
    elif isinstance(node.value, dict | list):
        for key, child in node.items():
            if not (kept and key == _SHELL):
                yield from _references(child, kept=kept)
