"""One DAG id in two files: Airflow reports no error, and the file that was parsed last wins.

So the file of such a DAG changes to and fro. A file that changes once is no such sign: it was
moved. The renderer refuses two files of one checkout; here it is the file of somebody else.
"""

from collections.abc import Iterable

from fermata_hooks.airflow_api import Dag
from fermata_hooks.verification._finding import Finding, Light, names
from fermata_spec.report import Check

CHECK = "duplicates"


class FileWatch:
    """Remembers from which files the planned DAGs came over the looks of one verify."""

    def __init__(self) -> None:
        self._files: dict[str, list[str]] = {}
        self._twice: set[str] = set()

    def look(self, rows: Iterable[Dag]) -> Finding:
        """Return the finding after one more look at the planned DAGs."""
        for row in rows:
            if row.is_stale or not row.file:
                continue
            files = self._files.setdefault(row.dag_id, [])
            if files and files[-1] != row.file and row.file in files:
                self._twice.add(row.dag_id)
            if not files or files[-1] != row.file:
                files.append(row.file)
                del files[:-4]  # of a DAG that goes to and fro four are enough to say so
        twice = sorted(self._twice)
        numbers: dict[str, float | int | str] = {"duplicates": len(twice)}
        if not twice:
            message = "no DAG comes from two files in turn"
            check = Check(name=CHECK, verdict="pass", message=message, numbers=numbers)
            return Finding(check, Light.GREEN)
        said = [f"{each} ({' and '.join(sorted({*self._files[each]}))})" for each in twice]
        message = f"the same DAG id in two files, of which the last one parsed wins: {names(said)}"
        check = Check(name=CHECK, verdict="fail", message=message, numbers=numbers)
        return Finding(check, Light.RED)
