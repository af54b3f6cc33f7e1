"""What a dashboard shows of the watch, for Prometheus."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from fermata_hooks.ledger import Record
from fermata_hooks.watching._airflow_look import Airflows
from fermata_hooks.watching.unverified import Unverified

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Read = Callable[[], Mapping[str, int]]
Outcome = Literal["done", "unavailable", "refused"]


class Metrics:
    """The numbers, in a registry of their own: nothing of the process is global."""

    def __init__(self, *, calls: Read, asked_for: Read, age: Callable[[], float]) -> None:
        """Make them.

        ``calls``: requests so far, by kind. ``asked_for``: what Argo CD was asked to do so far.
        ``age``: seconds since the last pass.
        """
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        registry.register(_Counts("fermata_calls", "Requests by kind.", "kind", calls))
        asked = _Counts("fermata_argocd_asked", "What Argo CD was asked to do.", "what", asked_for)
        registry.register(asked)
        self._holds = Gauge("fermata_holds", "Holds in force.", registry=registry)
        self._held = Gauge("fermata_held_dags", "DAGs on a hold's list.", registry=registry)
        self._lines = Gauge("fermata_owed_dags", "DAGs owed their way back.", registry=registry)
        self._waiting = Gauge(
            "fermata_waiting_dags",
            "DAGs on which a request that had no answer may still land.",
            registry=registry,
        )
        self._lost_lines = Gauge(
            "fermata_lost_dags",
            "DAGs of a ledger that was deleted and could not be put back.",
            registry=registry,
        )
        self._unverified = Gauge(
            "fermata_unverified_applications",
            "Applications of which something is not verified.",
            registry=registry,
        )
        self._unverified_dags = Gauge(
            "fermata_unverified_dags", "DAGs not verified.", ["application"], registry=registry
        )
        self._errors = Gauge(
            "fermata_airflow_import_errors", "Files that Airflow cannot import.", registry=registry
        )
        self._healthy = Gauge(
            "fermata_airflow_component_healthy",
            "Whether Airflow calls a component healthy.",
            ["component"],
            registry=registry,
        )
        self._dags = Gauge("fermata_airflow_dags", "Airflow's DAGs.", ["state"], registry=registry)
        self._missing = Gauge(
            "fermata_missing_dags",
            "Verified DAGs that Airflow does not have any more.",
            ["application"],
            registry=registry,
        )
        self._changed = Gauge(
            "fermata_runtime_changes",
            "What of Airflow itself is not as it was at an application's last pass.",
            ["application"],
            registry=registry,
        )
        self.passes = Counter(
            "fermata_watch_passes", "Passes by outcome.", ["outcome"], registry=registry
        )
        self.ended = Counter(
            "fermata_holds_ended", "Holds that the watch ended.", registry=registry
        )
        Gauge(
            "fermata_watch_seconds_since_pass",
            "Seconds since a pass came to its end.",
            registry=registry,
        ).set_function(age)

    def exposition(self) -> bytes:
        """Return all of it as Prometheus reads it."""
        return generate_latest(self.registry)

    def show_ledger(self, record: Record, *, lost: int) -> None:
        """Show what the ledger holds."""
        self._holds.set(len(record.holds))
        self._held.set(len(record.listed()))
        self._lines.set(len(record.lines))
        waiting = [line for line in record.lines.values() if line.may_land_until is not None]
        self._waiting.set(len(waiting))
        self._lost_lines.set(lost)

    def show_unverified(self, found: Iterable[Unverified]) -> None:
        """Show what is not verified."""
        dags = {each.application: len(each.dag_ids) for each in found}
        self._unverified.set(len(dags))
        _show(self._unverified_dags, dags)

    def show_airflow(self, seen: Airflows, *, changed: Mapping[str, Sequence[str]]) -> None:
        """Show how Airflow was when it was last looked at.

        ``changed``: by application, what of Airflow itself is not as it was at its last pass.
        """
        _show(self._changed, {app: len(said) for app, said in changed.items()})
        if seen.import_errors >= 0:
            self._errors.set(seen.import_errors)
        _show(self._healthy, seen.healthy)
        _show(self._dags, seen.dags)
        _show(self._missing, {app: len(dag_ids) for app, dag_ids in seen.lost.items()})


class _Counts(Collector):
    """Counts by one label, read where they are kept."""

    def __init__(self, name: str, told: str, label: str, read: Read) -> None:
        self._name = name
        self._told = told
        self._label = label
        self._read = read

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(self._name, self._told, labels=[self._label])
        for value, count in sorted(self._read().items()):
            family.add_metric([value], count)
        yield family


def _show(gauge: Gauge, values: Mapping[str, float]) -> None:
    """Show exactly these labels."""
    gauge.clear()
    for label, value in values.items():
        gauge.labels(label).set(value)
