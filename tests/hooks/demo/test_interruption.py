"""The first signal unwinds, later ones do not disturb what is being undone."""

import signal

import pytest

from fermata_hooks.demo.interruption import Interruption
from fermata_spec.errors import TerminatedError


def test_ctrl_c_raises_once_and_then_lets_the_rest_be_undone() -> None:
    interruption = Interruption()
    undone = False

    with interruption.handled():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        undone = True

    assert undone


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_terminated_is_an_error_with_an_exit_code_of_its_own(number: signal.Signals) -> None:
    interruption = Interruption()

    with (
        interruption.handled(),
        pytest.raises(TerminatedError, match=f"terminated by {number.name}") as caught,
    ):
        signal.raise_signal(number)

    assert caught.value.exit_code == 143


def test_an_interruption_that_got_lost_is_raised_at_the_next_check() -> None:
    interruption = Interruption()

    with interruption.handled():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            interruption.check()


def test_no_check_raises_when_no_signal_came() -> None:
    interruption = Interruption()

    with interruption.handled():
        interruption.check()


def test_handlers_are_given_back() -> None:
    before = signal.getsignal(signal.SIGTERM)

    with Interruption().handled():
        assert signal.getsignal(signal.SIGTERM) != before

    assert signal.getsignal(signal.SIGTERM) == before
