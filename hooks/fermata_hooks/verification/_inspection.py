"""All questions of one verify together: what is remembered between looks, and what to ask for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fermata_hooks.airflow_api import Dag, ImportErrorRow
from fermata_hooks.clock import rfc3339
from fermata_hooks.handoff import Handoff, Shape, error_key, fingerprints, parse_seconds
from fermata_hooks.verification import (
    health,
    import_errors,
    inventory,
    parse_time,
    structure,
    visibility,
    warnings,
)
from fermata_hooks.verification._files import FileIndex
from fermata_hooks.verification._finding import Finding
from fermata_hooks.verification._look import Airflow, Look, take_look
from fermata_hooks.verification._modes import applied, mode_of
from fermata_hooks.verification._parsing import ParseRequests
from fermata_hooks.verification.duplicates import FileWatch
from fermata_hooks.verification.evidence import Evidence, Waits
from fermata_spec.dagset import Change
from fermata_spec.plan import Plan
from fermata_spec.report import DagOutcome


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What this revision is judged against; None is what nobody has recorded.

    ``touched``: the DAGs that the change affects. ``inventory``: the DAGs that were there before.
    """

    touched: Change
    import_errors: Mapping[str, str] | None = None
    inventory: frozenset[str] | None = None
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    shown: frozenset[str] = frozenset()
    parse_seconds: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


def baseline(
    plan: Plan, handoff: Handoff | None, touched: Change, *, last: Handoff | None = None
) -> Baseline:
    """Return the baseline that hold took, else the one of the ``last`` pass.

    Without either, only ``touched`` is known. ``note`` says which it is, where it is not hold's.
    """
    if handoff is None:
        wanted = frozenset(d.dag_id for d in plan.dags if d.source_digest)
        # Whether a text was there before the change is not known: then it is no proof of imports.
        return _without_hold(Baseline(touched=touched, shown=wanted), last)
    planned = plan.digests().keys()
    affected = frozenset(handoff.affected)
    return Baseline(
        touched=Change(changed=affected & planned, removed=affected - planned),
        import_errors=handoff.import_errors,
        inventory=frozenset(handoff.inventory),
        shapes=handoff.shapes,
        shown=frozenset(handoff.shown),
        parse_seconds=handoff.parse_seconds,
    )


def _without_hold(base: Baseline, last: Handoff | None) -> Baseline:
    if last is None:
        return replace(base, note="neither a hold nor a pass before it has taken a baseline")
    said = f"the last pass, of {last.revision[:12]} at {rfc3339(last.started)}"
    return replace(
        base,
        import_errors=last.import_errors,
        inventory=frozenset(last.inventory),
        parse_seconds=last.parse_seconds,
        note=f"no hold has taken a baseline: judged by {said}",
    )


class Inspection:
    """Looks at Airflow as often as it is told to, and knows what each look means."""

    def __init__(self, airflow: Airflow, plan: Plan, base: Baseline) -> None:
        self._airflow = airflow
        self._plan = plan
        self._base = base
        self._api = airflow.version().api
        self._expected = inventory.Expectation(
            planned={dag.dag_id: dag.source or dag.file for dag in plan.dags},
            removed=base.touched.removed,
            touched=base.touched.affected,
            before=base.inventory,
            max_lost=plan.verify.max_lost,
        )
        self._errors = import_errors.ErrorWatch(settle=plan.verify.settle)
        self._evidence: Evidence | None = None
        self._requests = ParseRequests(airflow)
        self._files = FileWatch()
        self._lost_since: float | None = None
        self._sees_all: bool | None = None
        self._look: Look | None = None
        self._found = inventory.Inventory(planned=len(plan.dags), present=0)
        self._failing: frozenset[str] = frozenset()

    @property
    def parse_requests(self) -> ParseRequests:
        """What Airflow was asked to parse so far."""
        return self._requests

    @property
    def scan_note(self) -> str:
        """Why missing DAGs wait for Airflow's own scan for new files; empty if they do not."""
        if not self._found.missing:
            return ""
        if self._api == "v1":
            return "Airflow 2 finds new files at its own scan only (dag_dir_list_interval)"
        if not self._requests.number and not self._requests.refused:
            return (
                "Airflow has no DAG yet whose file it could be asked to parse, so new files wait "
                "for its own scan (refresh_interval)"
            )
        return ""

    @property
    def baseline_note(self) -> str:
        """What was judged by, where that is not the baseline of a hold; else empty."""
        return self._base.note

    @property
    def text_note(self) -> str:
        """Why Airflow may never show a text that it has parsed; empty if it would.

        2.x compares the file's time of change with that of the text in its database (read from
        2.11's source, and seen on 2.11.2).
        """
        waiting = self._evidence is not None and self._evidence.waits_for_text()
        if self._api != "v1" or not waiting:
            return ""
        return (
            "Airflow 2 stores a file's text again only if the file is newer than the text it has: "
            "one that came with an old time (an image built with fixed times, rsync -t) is parsed "
            "and never shown; give files the time of the build"
        )

    @property
    def failed(self) -> tuple[str, ...]:
        """The planned DAGs that are missing or cannot be imported, at the last look; sorted."""
        return tuple(sorted({*self._found.missing, *self._found.broken, *self._failing}))

    def look(self) -> list[Finding]:
        """Look once, ask for parses that would help, and return the findings, worst first."""
        modes = self._plan.verify.checks
        look = take_look(self._airflow, warnings=mode_of(modes, warnings.CHECK) != "off")
        self._look = look
        if self._sees_all is None:
            self._sees_all = self._airflow.reads_every_dag()
        self._found = inventory.take(list(look.rows.values()), self._expected)
        evidence = self._proof(look)
        shown = evidence.look(look.rows)
        errors, wanted = self._judge_errors(look)
        self._request(look, evidence, wanted)
        findings = [
            *inventory.judge(
                self._found,
                self._expected,
                lost_lasts=self._lost_lasts(look.at),
                sees_all=self._sees_all,
            ),
            visibility.judge(sees_all=self._sees_all),
            self._files.look(self._planned(look)),
            errors,
            health.judge(look.health, now=look.at, api=self._api),
            self._judge_warnings(look, evidence),
            *self._judge_parse_times(look, evidence),
            shown,
        ]
        return applied(modes, findings)

    def compare(self) -> list[Finding]:
        """Return what has become of the DAGs since hold; to be asked once, at the end."""
        modes = self._plan.verify.checks
        if self._look is None or not self._base.shapes or mode_of(modes, structure.CHECK) == "off":
            return []
        rows = self._look.rows
        return applied(modes, [structure.compare(self._airflow, self._base.shapes, rows)])

    def seen(self) -> Handoff | None:
        """Return how Airflow was at the last look, for whoever has no hold's baseline next time.

        None where that is not known whole: import errors that may not be seen are no errors.
        """
        look = self._look
        if look is None or look.errors is None:
            return None
        return Handoff(
            application=self._plan.application,
            revision=self._plan.revision,
            started=look.at,
            import_errors=fingerprints(look.errors),
            inventory=tuple(sorted(d.dag_id for d in look.rows.values() if not d.is_stale)),
            parse_seconds=parse_seconds(self._planned(look)),
        )

    def outcomes(self) -> list[DagOutcome]:
        """Return how each touched DAG stood at the last look."""
        unproven = set(self._evidence.unproven()) if self._evidence else set()
        kinds = self._evidence.kinds() if self._evidence else {}
        outcomes = []
        for dag_id in sorted(self._base.touched.affected):
            if dag_id in self._base.touched.removed:
                done = "still there" if dag_id in self._found.lingering else "removed"
                outcomes.append(DagOutcome(dag_id=dag_id, done=done))
            elif dag_id in self._found.missing:
                outcomes.append(DagOutcome(dag_id=dag_id, done="missing"))
            elif dag_id in self._found.broken or dag_id in self._failing:
                outcomes.append(DagOutcome(dag_id=dag_id, done="cannot be imported"))
            elif dag_id in unproven or dag_id not in kinds:
                outcomes.append(DagOutcome(dag_id=dag_id, done="not shown"))
            else:
                outcomes.append(DagOutcome(dag_id=dag_id, done="parsed", why=kinds[dag_id]))
        return outcomes

    def _proof(self, look: Look) -> Evidence:
        if self._evidence is None:
            policy = self._plan.verify
            touched = self._base.touched.changed
            self._evidence = Evidence(
                self._airflow,
                [dag for dag in self._plan.dags if dag.dag_id in touched],
                waits=Waits(serialize=policy.serialize_lag, mount_until=look.at + policy.mount_lag),
                shown_before=self._base.shown,
                revision=self._plan.revision,
            )
        return self._evidence

    def _judge_errors(self, look: Look) -> tuple[Finding, Sequence[ImportErrorRow]]:
        """Return the finding, and the errors whose files should be parsed once more."""
        if look.errors is None:
            self._failing = frozenset()
            return import_errors.not_permitted(look.refused), ()
        ids = [dag.dag_id for dag in self._plan.dags if dag.dag_id in look.rows]
        planned = [look.rows[dag_id] for dag_id in ids] if look.errors else []
        files = FileIndex((dag.bundle_name or "", dag.file, dag.dag_id) for dag in planned)
        sources = {dag.dag_id: f"{dag.dag_id}, {dag.source or dag.file}" for dag in self._plan.dags}
        rows = import_errors.sort_rows(look.errors, self._base.import_errors, ours=files)
        lasting = self._errors.lasting(rows.new)
        whose = {
            error_key(row): files.find(row.bundle_name or "", row.filename) for row in rows.new
        }
        self._failing = frozenset(dag_id for ids in whose.values() for dag_id in ids)
        due = [row for row in rows.new if self._errors.due(row, look.at)]
        told = {key: [sources[dag_id] for dag_id in ids] for key, ids in whose.items()}
        return import_errors.judge(rows, lasting, files=told), due

    def _judge_warnings(self, look: Look, evidence: Evidence) -> Finding:
        if look.warnings is None:
            return warnings.not_permitted(look.unwarned)
        return warnings.judge(
            look.warnings,
            touched=self._base.touched.affected,
            planned=self._plan.digests().keys(),
            proven=not evidence.unproven() and not self._found.missing,
        )

    def _planned(self, look: Look) -> list[Dag]:
        return [row for dag in self._plan.dags if (row := look.rows.get(dag.dag_id))]

    def _judge_parse_times(self, look: Look, evidence: Evidence) -> list[Finding]:
        finding = parse_time.judge(
            self._planned(look),
            touched=self._base.touched.affected,
            before=self._base.parse_seconds,
            budget=self._plan.verify.parse_budget,
            proven=not evidence.unproven() and not self._found.missing,
        )
        if finding is None:
            return parse_time.untold(mode_of(self._plan.verify.checks, parse_time.CHECK))
        return [finding]

    def _request(self, look: Look, evidence: Evidence, failing: Sequence[ImportErrorRow]) -> None:
        planned = self._plan.digests()
        if self._found.missing or self._found.lingering or evidence.unproven():
            self._requests.bundles(look.rows, planned, look.at)
        dags = [
            row
            for dag_id in evidence.unproven()
            if (row := look.rows.get(dag_id))
            and dag_id not in self._failing
            and evidence.wants_parse(dag_id, look.at)
        ]
        if failing:
            index = FileIndex((d.bundle_name or "", d.file, d) for d in look.rows.values())
            dags += _in_files(index, failing)
        self._requests.files(dags, look.at)

    def _lost_lasts(self, now: float) -> bool:
        if not inventory.too_many_lost(self._found, self._expected):
            self._lost_since = None
            return False
        if self._lost_since is None:
            self._lost_since = now
        return now - self._lost_since >= max(self._plan.verify.settle, 1.0)


def _in_files(index: FileIndex[Dag], rows: Sequence[ImportErrorRow]) -> list[Dag]:
    found = [index.find(row.bundle_name or "", row.filename)[:1] for row in rows]
    return [dag for dags in found for dag in dags]
