"""What is secret is not shown, whatever shows it."""

import copy
import dataclasses
import json
import logging
import pickle

import pytest

from fermata_hooks.secret import Secret

HUSH = Secret("hush")


@dataclasses.dataclass
class Holder:
    secret: Secret


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(lambda: str(HUSH), id="str"),
        pytest.param(lambda: repr(HUSH), id="repr"),
        pytest.param(lambda: f"{HUSH} {HUSH!r} {HUSH:>10}", id="format"),
        pytest.param(lambda: "%s %r" % (HUSH, HUSH), id="percent"),  # noqa: UP031 - as logging does
        pytest.param(lambda: str([HUSH, {"a": HUSH}]), id="containers"),
        pytest.param(lambda: str(Holder(HUSH)), id="dataclass"),
        pytest.param(lambda: str(dataclasses.asdict(Holder(HUSH))), id="asdict"),
        pytest.param(lambda: json.dumps({"a": HUSH}, default=str), id="JSON by default=str"),
        pytest.param(lambda: str(ValueError(HUSH)), id="exception"),
        pytest.param(lambda: str(copy.deepcopy([HUSH])), id="copy"),
    ],
)
def test_a_secret_is_not_shown(shown: object) -> None:
    text = shown()  # type: ignore[operator]

    assert "hush" not in text
    assert "***" in text


def test_a_secret_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("x").warning("%s %r", HUSH, HUSH)

    assert caplog.messages == ["*** ***"]


def test_a_secret_is_not_written_down() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(HUSH)
    with pytest.raises(TypeError):
        json.dumps(HUSH)


def test_a_secret_has_no_attributes_to_be_found() -> None:
    assert not hasattr(HUSH, "__dict__")


def test_secrets_are_compared_by_what_they_hold() -> None:
    assert Secret("hush") == HUSH
    assert Secret("other") != HUSH
    assert HUSH != "hush"
    assert len({HUSH, Secret("hush")}) == 1
