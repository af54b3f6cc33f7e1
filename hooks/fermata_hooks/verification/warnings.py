"""What Airflow itself warns of, of DAGs that it could import: a pool that is not there, and such.

A warning is written at a parse and gone after the next one that does not find it. Kinds:
``non-existent pool`` (seen on 2.11; the DAG processor of 3.3 knows no pools), ``asset conflict``,
``runtime varying value`` (3.2 and newer: a value that differs at each parse).
"""

from collections.abc import Collection, Sequence

from fermata_hooks.airflow_api import DagWarning
from fermata_hooks.redaction import redact
from fermata_hooks.verification._finding import Finding, Light, count, names
from fermata_spec.report import Check

CHECK = "warnings"
_CHARACTERS = 200  # of one warning


def judge(
    warnings: Sequence[DagWarning],
    *,
    touched: Collection[str],
    planned: Collection[str],
    proven: bool,
) -> Finding:
    """Return the finding of one look: warnings of touched DAGs count, others are named.

    ``proven``: nothing is waited for that could still take a warning away.
    """
    ours = [each for each in warnings if each.dag_id in touched]
    others = sorted({each.dag_id for each in warnings if each.dag_id in planned} - set(touched))
    numbers: dict[str, float | int | str] = {"touched": len(ours), "others": len(others)}
    rest = f"; also of {names(others)}, which the change does not touch" if others else ""
    if not ours:
        message = f"none of the DAGs that the change touches{rest}"
        check = Check(name=CHECK, verdict="pass", message=message, numbers=numbers)
        return Finding(check, Light.GREEN)
    said = [f"{each.dag_id}: {each.kind}: {_line(each.message)}" for each in ours]
    message = f"{count(len(ours), 'warning')} of Airflow: {names(said, most=3)}{rest}"
    check = Check(name=CHECK, verdict="fail", message=message, numbers=numbers)
    return Finding(check, Light.RED if proven else Light.WAITING)


def not_permitted(reason: str) -> Finding:
    """Return the finding when Airflow does not let this account see its warnings."""
    message = f"not permitted: {reason}"
    return Finding(Check(name=CHECK, verdict="inconclusive", message=message), Light.GREEN)


def _line(text: str) -> str:
    return redact(" ".join(text.split()))[:_CHARACTERS]
