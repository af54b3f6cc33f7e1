"""Does this account see every DAG? Who sees some of them sees fewer import errors, without a sign.

Airflow leaves out the import errors of files whose DAGs an account may not read (measured on 2.11
and 3.3 with FAB and roles for single DAGs), and such DAGs themselves. What it says of a DAG that
does not exist tells the two apart: 404 to an account that may read all, 403 to any other.
"""

from fermata_hooks.verification._finding import Finding, Light
from fermata_spec.report import Check, Verdict

CHECK = "visibility"
PERMISSION = "needs can_read on DAGs, not only on single ones"


def judge(*, sees_all: bool) -> Finding:
    """Return the finding; waiting changes nothing about it."""
    verdict: Verdict = "pass" if sees_all else "inconclusive"
    message = "this account may read every DAG"
    if not sees_all:
        message = (
            "this account may read some DAGs only, and Airflow leaves out the others' import "
            f"errors and warnings without a sign ({PERMISSION})"
        )
    return Finding(Check(name=CHECK, verdict=verdict, message=message), Light.GREEN)
