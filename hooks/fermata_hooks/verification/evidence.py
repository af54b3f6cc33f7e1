"""Why we believe that Airflow has parsed this revision, DAG by DAG.

Only the DAGs that the change touches are asked about: for the others the last passed verify
stands. Three kinds of evidence, by what the plan says of each DAG:

``doc_md``
    The digest stands in the serialized DAG, which is what the scheduler uses: one look is enough.
``bundle``
    A bundle that knows its version (git, on Airflow 3) says which commit each DAG was parsed at,
    and which commit its newest serialized version is of. The latter is proof. It lags by up to
    ``min_serialized_dag_update_interval``, and older releases of 3.x leave it where it was if
    nothing of the serialized DAG has changed: then a further parse at that commit is proof, as it
    is for ``source``. A bundle that does not say (2.x, a plain folder) leaves ``source``.
``source``
    Airflow shows the text of the DAG file. It shows it as soon as it *stores* a parse, so it can
    be ahead of the serialized DAG in two ways (read from Airflow 2.11's and 3.3's source): the
    text is read after the parse, and a serialized DAG that was written less than
    ``min_serialized_dag_update_interval`` ago is not written again. So a further parse is waited
    for, at least that interval after the first one that showed the text. If the file showed the
    very text before the change, then what changed is something that it imports: then the further
    parse must also come so late that every volume has the change.

A time of parse alone proves nothing: Airflow parses unchanged files every 30 seconds.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from fermata_hooks.airflow_api import Dag, DagDetails
from fermata_hooks.handoff import source_digest
from fermata_hooks.verification._finding import Finding, Light, count, names
from fermata_spec.errors import RejectedError
from fermata_spec.plan import Evidence as EvidenceKind
from fermata_spec.plan import PlannedDag
from fermata_spec.report import Check

CHECK = "evidence"
ASKED_AGAIN = 8  # DAGs a look that are asked again although Airflow has not parsed them again
_FORBIDDEN = 403
_PERMISSIONS: Mapping[EvidenceKind, str] = {
    "doc_md": "needs can_read on DAGs",
    "bundle": "needs can_read on DAGs",
    "source": "needs can_read on DAG Code",
}
_ADVICE = "(a DAG file made of it, or a git bundle of Airflow 3, would: docs/verify.md)"
_MATCHED: Mapping[EvidenceKind, str] = {
    "bundle": "its bundle is at this commit",
    "source": "text is there",
}


class Witness(Protocol):
    """What looking for evidence asks of Airflow."""

    def dag_details(self, dag_id: str) -> DagDetails | None:
        """Return the DAG with its serialized form."""

    def dag_source(self, dag: Dag) -> str | None:
        """Return the text of the DAG's file."""


@dataclass(frozen=True, kw_only=True)
class Waits:
    """How long Airflow may lag, in seconds.

    ``serialize``: its ``min_serialized_dag_update_interval``. ``mount_until``: the time, by its
    own clock, from which every volume must show the change.
    """

    serialize: float
    mount_until: float


@dataclass
class _Proof:
    """What is known of one DAG; ``asked_at`` is the parse that was asked about last.

    ``kind`` is the evidence that can be had of it, ``commit`` what its bundle is at.
    """

    planned: PlannedDag
    stale_text: bool
    kind: EvidenceKind
    commit: str = ""
    asked_at: float | None = None
    matches: bool = False
    anchor: float | None = None
    proven: bool = False
    forbidden: str = ""

    @property
    def hopeless(self) -> bool:
        """Whether no further look can prove anything."""
        return self.kind == "none" or bool(self.forbidden)


class Evidence:
    """Collects the evidence for the touched DAGs over the looks of one verify."""

    def __init__(
        self,
        witness: Witness,
        planned: Collection[PlannedDag],
        *,
        waits: Waits,
        shown_before: Collection[str] = (),
        revision: str = "",
    ) -> None:
        self._witness = witness
        self._revision = revision
        self._waits = waits
        self._proofs = {
            dag.dag_id: _Proof(
                planned=dag,
                kind=dag.evidence,
                # A file that imports nothing of the checkout is proven by its own text.
                stale_text=dag.dag_id in shown_before and dag.digest != dag.source_digest,
            )
            for dag in planned
        }
        self._sources: dict[tuple[str | None, str, float | None], str] = {}

    def look(self, rows: Mapping[str, Dag]) -> Finding:
        """Ask about what is not proven yet, and return how far we are.

        ``rows`` are all DAGs, listed just now: the parse times of a list that is newer than a
        text are those of the parse that stored the text, or of a later one.
        """
        for dag_id, proof in self._proofs.items():
            if row := rows.get(dag_id):
                self._choose_kind(proof, row)
                self._wait_for_further_parse(proof, row)
        for proof, row in self._worth_asking(rows):
            self._ask(proof, row)
        return self._finding()

    def unproven(self) -> list[str]:
        """Return the DAGs that may yet be proven, sorted."""
        return sorted(
            dag_id for dag_id, p in self._proofs.items() if not p.proven and not p.hopeless
        )

    def waits_for_text(self) -> bool:
        """Return whether the text of a file that Airflow knows is what is not shown yet."""
        return any(
            p.kind == "source" and p.asked_at is not None and not p.matches and not p.forbidden
            for p in self._proofs.values()
        )

    def kinds(self) -> dict[str, EvidenceKind]:
        """Return by which evidence each proven DAG is proven."""
        return {dag_id: p.kind for dag_id, p in self._proofs.items() if p.proven}

    def wants_parse(self, dag_id: str, now: float) -> bool:
        """Return whether parsing the DAG's file now could prove it (a throttled one could not)."""
        proof = self._proofs[dag_id]
        if proof.proven or proof.hopeless:
            return False
        return proof.anchor is None or now >= self._due(proof, proof.anchor)

    def _worth_asking(self, rows: Mapping[str, Dag]) -> list[tuple[_Proof, Dag]]:
        """Return the DAGs parsed since they were asked about, and a few of the others in turn."""
        news, again = [], []
        for dag_id, proof in self._proofs.items():
            row = rows.get(dag_id)
            if row is None or row.is_stale or proof.hopeless:
                continue
            if row.last_parsed_time is None or row.last_parsed_time != proof.asked_at:
                news.append((proof, row))
            elif not proof.matches:
                again.append((proof, row))
        for proof, row in again[:ASKED_AGAIN]:
            # To the end of the queue: the next look asks the next ones.
            self._proofs[row.dag_id] = self._proofs.pop(row.dag_id)
            news.append((proof, row))
        return news

    def _ask(self, proof: _Proof, row: Dag) -> None:
        proof.asked_at = row.last_parsed_time
        try:
            matches = self._matches(proof, row)
        except RejectedError as exc:
            if exc.status != _FORBIDDEN:
                raise
            proof.forbidden = _PERMISSIONS.get(proof.kind, "")
            return
        if not matches:
            # Another text or digest than before: whatever was proven is proven no more.
            proof.matches, proof.anchor, proof.proven = False, None, False
            return
        proof.matches = True
        if proof.kind == "doc_md":
            proof.proven = True
        elif proof.kind == "bundle" and not proof.proven:
            details = self._witness.dag_details(row.dag_id)
            proof.proven = details is not None and details.latest_bundle_version == self._revision

    def _choose_kind(self, proof: _Proof, row: Dag) -> None:
        """Let a bundle's word count where it says this commit, else the next best evidence."""
        if proof.planned.evidence != "bundle":
            return
        kind: EvidenceKind = "bundle"
        if row.bundle_version != self._revision and proof.planned.source_digest:
            kind = "source"
        elif row.bundle_version is None:
            kind = "none"
        if kind != proof.kind:
            proof.matches, proof.anchor, proof.proven, proof.asked_at = False, None, False, None
        proof.kind, proof.commit = kind, row.bundle_version or ""

    def _matches(self, proof: _Proof, row: Dag) -> bool:
        planned = proof.planned
        if proof.kind == "doc_md":
            details = self._witness.dag_details(planned.dag_id)
            return details is not None and marker(planned.digest) in (details.doc_md or "")
        if proof.kind == "bundle":
            return row.bundle_version == self._revision
        return bool(planned.source_digest) and self._source(row) == planned.source_digest

    def _source(self, row: Dag) -> str:
        """Return the digest of the file's text; DAGs of one file and parse share the request."""
        key = (row.bundle_name, row.file or row.dag_id, row.last_parsed_time)
        if row.last_parsed_time is not None and key in self._sources:
            return self._sources[key]
        text = self._witness.dag_source(row)
        digest = source_digest(text) if text is not None else ""
        self._sources[key] = digest
        return digest

    def _wait_for_further_parse(self, proof: _Proof, row: Dag) -> None:
        if not proof.matches or proof.proven or row.last_parsed_time is None:
            return
        if proof.kind not in ("bundle", "source"):
            return
        if proof.anchor is None:
            proof.anchor = row.last_parsed_time
            return
        parsed = row.last_parsed_time
        proof.proven = parsed > proof.anchor and parsed >= self._due(proof, proof.anchor)

    def _due(self, proof: _Proof, anchor: float) -> float:
        if proof.stale_text and proof.kind == "source":
            anchor = max(anchor, self._waits.mount_until)
        return anchor + self._waits.serialize

    def _finding(self) -> Finding:
        proofs = self._proofs.values()
        shown = {
            kind: sum(p.proven for p in proofs if p.kind == kind)
            for kind in ("doc_md", "bundle", "source")
        }
        numbers: dict[str, float | int | str] = {"touched": len(proofs), **shown}
        done = f"{sum(shown.values())} of {count(len(proofs), 'changed DAG')} shown by Airflow"
        how = ", ".join(f"{kind} {number}" for kind, number in shown.items() if number)
        message = f"{done} ({how})" if how else done
        if not proofs:
            message = "no changed DAG to prove"
        doubts = self._doubts()
        if not doubts:
            return Finding(
                Check(name=CHECK, verdict="pass", message=message, numbers=numbers), Light.GREEN
            )
        light = Light.WAITING if self.unproven() else Light.GREEN
        return Finding(
            Check(
                name=CHECK,
                verdict="inconclusive",
                message="; ".join([message, *doubts]),
                numbers=numbers,
            ),
            light,
        )

    def _doubts(self) -> list[str]:
        unmarked = [d for d, p in self._proofs.items() if p.planned.evidence == "none"]
        silent = [d for d, p in self._proofs.items() if p.kind == "none" and d not in unmarked]
        doubts = []
        if unmarked:
            doubts.append(
                f"read by a loader of its own, so nothing shows the revision: "
                f"{names(sorted(unmarked))} {_ADVICE}"
            )
        if silent:
            told = "their bundle does not say which commit it is at"
            doubts.append(f"{told}: {names(silent)} {_ADVICE}")
        for permission in sorted({p.forbidden for p in self._proofs.values() if p.forbidden}):
            ids = sorted(d for d, p in self._proofs.items() if p.forbidden == permission)
            doubts.append(f"not permitted ({permission}): {names(ids)}")
        if self.unproven():
            doubts.append(f"not shown: {names(self._reasons(self.unproven()))}")
        return doubts

    def _reasons(self, dag_ids: Sequence[str]) -> list[str]:
        reasons = []
        for dag_id in dag_ids:
            proof = self._proofs[dag_id]
            why = ""
            if proof.matches:
                why = f" ({_MATCHED.get(proof.kind, '')}, parse may be older)"
            elif proof.commit and proof.commit != self._revision:
                why = f" (its bundle is at {proof.commit[:12]})"
            reasons.append(f"{dag_id}{why}")
        return reasons


def marker(digest: str) -> str:
    """Return what a DAG's documentation holds so that its serialized form shows the digest."""
    return f"fermata:{digest}"
