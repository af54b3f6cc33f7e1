"""The actors that hold DAGs and give them back, exactly as the ledger's protocol says.

``hold_dags`` pauses for an application; ``release_hold``, ``keep_hold`` and ``release_everything``
end what it asked for and settle; ``watch_pass`` does the same for holds that nobody will release.
Each may be killed at any point and started again: what is owed is in the ledger before a request
leaves, and whoever comes next settles it.
"""

from fermata_hooks.holding._actors import Environment, connect
from fermata_hooks.holding._airflow import Airflow, Look, PauseRows
from fermata_hooks.holding._hold import HeldDags, HoldOrder, hold_dags, is_in_force, require_ours
from fermata_hooks.holding._release import (
    Released,
    keep_hold,
    left_paused,
    let_some_go,
    preview_release,
    release_everything,
    release_hold,
    would_settle,
)
from fermata_hooks.holding._settle import Patience, Settled, settle
from fermata_hooks.holding._staggered import (
    Stagger,
    let_go_staggered,
    release_staggered,
    with_earlier,
)
from fermata_hooks.holding._status import HoldStatus, LineStatus, read_status, status_of
from fermata_hooks.holding._watch import EndedHold, EndedOperation, end_due_holds, watch_pass

__all__ = [
    "Airflow",
    "EndedHold",
    "EndedOperation",
    "Environment",
    "HeldDags",
    "HoldOrder",
    "HoldStatus",
    "LineStatus",
    "Look",
    "Patience",
    "PauseRows",
    "Released",
    "Settled",
    "Stagger",
    "connect",
    "end_due_holds",
    "hold_dags",
    "is_in_force",
    "keep_hold",
    "left_paused",
    "let_go_staggered",
    "let_some_go",
    "preview_release",
    "read_status",
    "release_everything",
    "release_hold",
    "release_staggered",
    "require_ours",
    "settle",
    "status_of",
    "watch_pass",
    "with_earlier",
    "would_settle",
]
