"""Whether what git wants is what was proven. Pure.

A retry that never passed, a self-heal, a selective sync or a rollback runs no hook of ours, and a
failed sync leaves what it applied: then Airflow may hold something that nobody has verified.
"""

from dataclasses import dataclass, replace

from fermata_hooks.dagset_views import DagSetView
from fermata_spec.dagset import DagSetStatus

_MOST = 5  # DAGs named in a message


@dataclass(frozen=True, kw_only=True)
class Unverified:
    """``dag_ids``: what differs from the last pass, or was touched since without one.

    ``verified``: the revision of that pass, empty if there never was one.
    """

    application: str
    dag_ids: tuple[str, ...]
    verified: str

    @property
    def message(self) -> str:
        """What to tell people, without the application."""
        shown = ", ".join(self.dag_ids[:_MOST])
        more = f" and {len(self.dag_ids) - _MOST} more" if len(self.dag_ids) > _MOST else ""
        since = f"since {self.verified[:12]} passed" if self.verified else "and nothing ever was"
        return f"unverified: {len(self.dag_ids)} DAG(s) not verified {since}: {shown}{more}"


def unverified(view: DagSetView) -> Unverified | None:
    """Return what of a DagSet is not verified; None: all is, or a sync is under way."""
    status = view.status
    if status.phase == "Syncing":
        return None
    digests = dict(status.verified.digests) if status.verified else {}
    differing = set(status.unproven)
    if view.wanted is not None:
        differing |= {d for d, digest in view.wanted.items() if digests.get(d) != digest}
        differing |= digests.keys() - view.wanted.keys()
    if not differing:
        return None
    return Unverified(
        application=view.application,
        dag_ids=tuple(sorted(differing)),
        verified=status.verified.revision if status.verified else "",
    )


def marked(status: DagSetStatus, found: Unverified) -> DagSetStatus:
    """Return the status that says so: its DAGs are unproven, and a pass is none any more.

    A verdict that is no pass stays, with its message, which says more.
    """
    unproven = tuple(sorted({*status.unproven, *found.dag_ids}))
    if status.verdict in ("", "pass"):
        return replace(status, verdict="inconclusive", message=found.message, unproven=unproven)
    return replace(status, unproven=unproven)
