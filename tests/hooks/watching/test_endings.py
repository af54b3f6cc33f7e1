"""Every way a sync can end, and whether its hold has outlived it (measured on Argo CD 3.6)."""

from dataclasses import replace

import pytest

from fakes.fake_argocd import FakeArgoCd
from fakes.manual_clock import ManualClock
from fermata_hooks.argocd import Application, read_application
from fermata_hooks.holding import HoldStatus
from fermata_hooks.watching.endings import GONE, SYNC_FAIL_PATIENCE, Seen, ending
from sync_stories import (
    ENDED,
    NOT_ENDED,
    Story,
    sync_fail_still_works_on_an_older_argo_cd,
    terminated_in_presync,
)


def told(story: Story, *, named: bool) -> tuple[HoldStatus, Application | None, float]:
    """Tell what became of a sync whose hold step opened a hold, and return all that is known."""
    clock = ManualClock()
    argocd = FakeArgoCd(now=clock.now)
    argocd.add("demo")
    clock.sleep(100)
    started = argocd.begin("demo")
    argocd.hook("demo", "fermata-hold-demo", "PreSync")
    clock.sleep(2)
    hold = HoldStatus(
        application="demo",
        revision="b" * 40,
        operation=started if named else "",
        opened=clock.now(),
        expires=clock.now() + 3600,
        kept="",
        todo=(),
        held=("etl",),
    )
    clock.sleep(10)
    story(argocd)
    raw = argocd.applications.get("demo")
    return hold, None if raw is None else read_application(raw, name="demo"), clock.now() + 1


NAMED = pytest.mark.parametrize("named", [True, False], ids=["operation known", "unknown"])


@NAMED
@pytest.mark.parametrize(("story", "reason"), ENDED.values(), ids=ENDED.keys())
def test_a_hold_ends_with_its_sync(story: Story, reason: str, *, named: bool) -> None:
    hold, application, now = told(story, named=named)

    ended = ending(hold, Seen(application, before=True), now=now)

    assert ended is not None
    assert ended.application == "demo"
    assert ended.operation == hold.operation
    assert reason in ended.reason


@NAMED
@pytest.mark.parametrize("story", NOT_ENDED.values(), ids=NOT_ENDED.keys())
def test_a_hold_waits_for_its_sync(story: Story, *, named: bool) -> None:
    hold, application, now = told(story, named=named)

    assert ending(hold, Seen(application, before=True), now=now) is None


@pytest.mark.parametrize(("story", "_reason"), ENDED.values(), ids=ENDED.keys())
def test_a_kept_hold_outlives_its_sync(story: Story, _reason: str) -> None:
    hold, application, now = told(story, named=True)

    kept = replace(hold, kept="verify failed")
    assert ending(kept, Seen(application, before=True), now=now) is None


def test_a_sync_fail_job_that_never_ends_does_not_keep_a_hold_for_ever() -> None:
    hold, application, now = told(sync_fail_still_works_on_an_older_argo_cd, named=True)

    later = now + SYNC_FAIL_PATIENCE
    assert ending(hold, Seen(application, before=True), now=later) is not None


def test_a_hold_that_was_opened_by_hand_is_left_to_its_lease() -> None:
    hold, application, now = told(terminated_in_presync, named=False)

    by_hand = replace(hold, opened=now + 600)
    assert ending(by_hand, Seen(application, before=True), now=now + 700) is None


@pytest.mark.parametrize("kept", ["", "verify failed"])
@NAMED
def test_a_deleted_application_holds_nothing(kept: str, *, named: bool) -> None:
    hold, application, now = told(lambda argocd: argocd.remove("demo"), named=named)

    ended = ending(replace(hold, kept=kept), Seen(application, before=True), now=now)

    assert ended is not None
    assert ended.operation is None
    assert ended.reason == GONE


@NAMED
def test_an_application_that_no_watch_ever_found_is_not_gone(*, named: bool) -> None:
    hold, application, now = told(lambda argocd: argocd.remove("demo"), named=named)

    assert ending(hold, Seen(application, before=False), now=now) is None
