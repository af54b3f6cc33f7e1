"""How many DAGs there are of each sort, by the checks of one verify."""

from collections.abc import Iterable

from fermata_hooks.verification import inventory
from fermata_spec.dagset import Figures
from fermata_spec.report import Check


def figures_of(checks: Iterable[Check]) -> Figures | None:
    """Return how many DAGs there were of each sort; None: Airflow was not looked at."""
    numbers = {check.name: check.numbers for check in checks}
    seen = numbers.get(inventory.CHECK)
    if not seen:
        return None
    lost = numbers.get(inventory.LOST_CHECK, {})
    return Figures(
        wanted=int(seen.get("planned", 0)),
        present=int(seen.get("present", 0)),
        missing=int(seen.get("missing", 0)),
        broken=int(seen.get("broken", 0)),
        lost=int(lost.get("lost", 0)),
    )
