"""Which DAGs a change touches, by the rule of ``hold``, and which of them only got another id."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from fermata_plugin.differ.dags import Dags
from fermata_spec.dagset import DagSetStatus, Verified, change
from fermata_spec.plan import Plan


class Touched(NamedTuple):
    """The affected DAGs by what becomes of them; ``renamed``: the old id by the new."""

    changed: Sequence[str]
    added: Sequence[str]
    removed: Sequence[str]
    renamed: dict[str, str]

    @property
    def pairs(self) -> Iterator[tuple[str, str]]:
        """Yield (old id, new id) of each DAG that both sides have."""
        yield from ((dag_id, dag_id) for dag_id in self.changed)
        yield from ((old, new) for new, old in self.renamed.items())


def touched(old: Plan | None, new: Plan, before: Dags, after: Dags) -> Touched:
    """Return what ``hold`` would call affected if ``old`` were what was verified last."""
    digests = old.digests() if old is not None else {}
    verified = Verified(revision="", at="", evidence="", digests=digests)
    found = change(new, DagSetStatus(verified=verified))
    added, removed = sorted(found.changed - digests.keys()), sorted(found.removed)
    renamed: dict[str, str] = {}
    for key in (Dags.content, Dags.file):  # the same content; else the one DAG of the same file
        for old_id, new_id in _alike(removed, added, before, after, key):
            removed.remove(old_id)
            added.remove(new_id)
            renamed[new_id] = old_id
    return Touched(sorted(found.changed & digests.keys()), added, removed, renamed)


def _alike(
    removed: Sequence[str],
    added: Sequence[str],
    before: Dags,
    after: Dags,
    key: Callable[[Dags, str], str],
) -> list[tuple[str, str]]:
    """Return the pairs of which each side has one and no more under the same key."""
    was, now = _grouped(removed, before, key), _grouped(added, after, key)
    return [
        (old_ids[0], now[told][0])
        for told, old_ids in was.items()
        if told and len(old_ids) == len(now.get(told, ())) == 1
    ]


def _grouped(
    dag_ids: Sequence[str], dags: Dags, key: Callable[[Dags, str], str]
) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for dag_id in dag_ids:
        groups.setdefault(key(dags, dag_id), []).append(dag_id)
    return groups
