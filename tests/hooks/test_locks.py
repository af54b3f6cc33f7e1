"""Locks deny until they end or are taken away; a damaged document denies, too."""

from pathlib import Path

import pytest

from fakes.manual_clock import ManualClock
from fermata_hooks.documents import FileDocuments
from fermata_hooks.locks import EVERY, Lock, Locks
from fermata_spec.errors import RefusedError, SettingsError


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def locks(tmp_path: Path, clock: ManualClock) -> Locks:
    return Locks(FileDocuments(tmp_path), clock=clock)


def lock(application: str = EVERY, *, expires: float | None = None, reason: str = "audit") -> Lock:
    return Lock(
        application=application, reason=reason, owner="ann", since=1_800_000_000.0, expires=expires
    )


def test_there_are_none_at_first(locks: Locks) -> None:
    assert locks.in_force() == ()
    assert locks.remove(EVERY) is None


def test_a_lock_denies_until_it_ends(locks: Locks, clock: ManualClock) -> None:
    locks.put(lock("demo", expires=clock.now() + 60))

    before = locks.of("demo")
    clock.sleep(60)

    assert [each.reason for each in before] == ["audit"]
    assert locks.of("demo") == ()


def test_a_lock_of_one_application_is_none_of_another(locks: Locks) -> None:
    locks.put(lock("demo"))

    assert locks.of("other") == ()


def test_a_lock_of_all_is_one_of_each(locks: Locks) -> None:
    locks.put(lock())
    locks.put(lock("demo", reason="fire"))

    assert [each.reason for each in locks.of("demo")] == ["audit", "fire"]
    assert [each.reason for each in locks.of("other")] == ["audit"]


def test_a_second_lock_takes_the_place_of_the_first_only_if_asked_to(locks: Locks) -> None:
    locks.put(lock())

    with pytest.raises(RefusedError, match=r"locked by ann .* --replace puts another"):
        locks.put(lock(reason="other"))
    locks.put(lock(reason="other"), replace=True)

    assert [each.reason for each in locks.in_force()] == ["other"]


def test_one_that_has_ended_is_in_nobodys_way(locks: Locks, clock: ManualClock) -> None:
    locks.put(lock(expires=clock.now() + 1))
    clock.sleep(2)

    locks.put(lock(reason="other"))

    assert [each.reason for each in locks.in_force()] == ["other"]


def test_unlocking_returns_what_was_locked(locks: Locks) -> None:
    locks.put(lock("demo"))

    taken = locks.remove("demo")

    assert taken is not None
    assert taken.reason == "audit"
    assert locks.in_force() == ()


def test_a_reason_cannot_write_on_somebodys_terminal(locks: Locks) -> None:
    locks.put(lock(reason="a\x1b[2J" + "x" * 900))

    assert "\x1b" not in locks.in_force()[0].told()
    assert len(locks.in_force()[0].reason) == 500


def test_a_damaged_document_is_never_taken_for_no_lock(tmp_path: Path, locks: Locks) -> None:
    FileDocuments(tmp_path).put("locks", b"nonsense")

    with pytest.raises(SettingsError, match="locks: damaged, so nothing is deployed"):
        locks.of("demo")
