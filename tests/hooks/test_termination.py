"""SIGTERM: seen at once where that does no harm, afterwards where it would."""

import subprocess
import sys
import threading
import time

import pytest

from fermata_hooks.termination import Termination
from fermata_spec.errors import TerminatedError

# A signal comes at any point of a sleep that begins, thousands of times.
STORM = """
import random
import signal
from fermata_hooks.termination import Termination
from fermata_spec.errors import TerminatedError

for _ in range(3000):
    termination = Termination()
    signal.signal(signal.SIGALRM, termination._on_signal)
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, 2e-4))
        while True:
            termination.wait(0.00002)
    except TerminatedError:
        pass
"""


def test_a_signal_that_comes_as_a_sleep_begins_ends_it() -> None:
    done = subprocess.run([sys.executable, "-c", STORM], timeout=60, check=False)

    assert done.returncode == 0


def test_a_sleep_ends_as_soon_as_sigterm_has_come() -> None:
    termination = Termination()
    termination.request()

    with pytest.raises(TerminatedError):
        termination.wait(60)


def test_a_shielded_block_is_finished_and_its_sleeps_are_cut_short() -> None:
    termination, done = Termination(), []

    def shielded() -> None:
        with termination.shield():
            termination.request()
            termination.wait(60)
            done.append("book-keeping")

    with pytest.raises(TerminatedError):
        shielded()
    assert done == ["book-keeping"]


def test_only_the_outermost_shield_lets_it_through() -> None:
    termination, done = Termination(), []

    def shielded() -> None:
        with termination.shield():
            with termination.shield():
                termination.request()
            done.append("after the inner one")

    with pytest.raises(TerminatedError):
        shielded()
    assert done == ["after the inner one"]


def test_a_sleeping_thread_sees_it_within_a_moment() -> None:
    termination = Termination()
    seen: list[float] = []

    def sleeps() -> None:
        try:
            termination.wait(60)
        except TerminatedError:
            seen.append(time.monotonic())

    thread = threading.Thread(target=sleeps)
    thread.start()
    termination.request()
    thread.join(10)

    assert len(seen) == 1


def test_what_was_acknowledged_does_not_end_what_follows() -> None:
    termination = Termination()
    termination.request()

    termination.acknowledge()
    termination.check()

    assert not termination.requested
