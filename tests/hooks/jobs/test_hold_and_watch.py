"""What hold leaves for the watch: the name of its sync, and why it said no."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.fake_argocd import FakeArgoCd
from fakes.manual_clock import ManualClock
from fermata_hooks.agenda import NAME
from fermata_hooks.argocd import ByApi
from fermata_hooks.jobs.hold import run_hold
from fermata_hooks.jobs.workplace import Workplace
from fermata_spec.errors import RefusedError, UnavailableError
from fermata_spec.plan import HoldPolicy
from workplaces import OLD, CountedDocuments, Surroundings, changed, make_plan, new_report

pytestmark = pytest.mark.parametrize("airflow", ["3.3.2"], indirect=True)

VERIFIED = make_plan("etl", hold=HoldPolicy(drain_deadline=60.0), revision=OLD)
PLAN = changed(VERIFIED, "etl")


@pytest.fixture
def argocd(clock: ManualClock) -> Iterator[FakeArgoCd]:
    with FakeArgoCd(now=clock.now) as argocd:
        argocd.add("demo")
        yield argocd


@pytest.fixture
def place(around: Surroundings, argocd: FakeArgoCd, tmp_path: Path) -> Iterator[Workplace]:
    around.airflow.add_dag("etl")
    around.verified(VERIFIED)
    place = around.place()
    api = ByApi(argocd.url, argocd.token_file(tmp_path), clock=around.clock)
    place.__dict__["argocd"] = api
    yield place
    api.close()


def test_a_hold_names_the_sync_that_it_is_of(place: Workplace, argocd: FakeArgoCd) -> None:
    started = argocd.begin("demo")

    run_hold(PLAN, place, new_report(PLAN))

    assert place.ledger.read().holds["demo"].operation == started


def test_a_hold_without_a_sync_names_none(place: Workplace, argocd: FakeArgoCd) -> None:
    argocd.begin("demo")
    argocd.end("demo", "Succeeded")

    run_hold(PLAN, place, new_report(PLAN))

    assert place.ledger.read().holds["demo"].operation == ""


def test_an_argo_cd_that_refuses_keeps_nobody_from_holding(
    place: Workplace, argocd: FakeArgoCd, caplog: pytest.LogCaptureFixture
) -> None:
    argocd.begin("demo")
    argocd.rights.clear()

    with caplog.at_level(logging.WARNING, "fermata"):
        run_hold(PLAN, place, new_report(PLAN))

    assert place.ledger.read().holds["demo"].operation == ""
    assert any("its sync is not known" in line for line in caplog.messages)


class NoAgenda(CountedDocuments):
    """Documents of which the agenda cannot be written."""

    def replace(self, name: str, content: bytes, *, expected: str) -> str:
        """Refuse the agenda."""
        if name == NAME:
            raise UnavailableError(f"{name}: no answer")
        return super().replace(name, content, expected=expected)


def test_a_denial_that_cannot_be_written_down_stays_one(
    around: Surroundings, place: Workplace
) -> None:
    around.airflow.add_task("etl", "r1", "load", "running")
    place.__dict__["documents"] = NoAgenda(around.folder)

    with pytest.raises(RefusedError, match="not on the agenda: agenda: no answer"):
        run_hold(PLAN, place, new_report(PLAN))
