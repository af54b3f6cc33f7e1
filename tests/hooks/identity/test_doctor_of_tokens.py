"""What doctor says of tokens in files: when they end, and which are to be mended."""

from pathlib import Path

import pytest

from fakes.manual_clock import ManualClock
from fakes.oidc_provider import SUBJECT, OidcProvider
from fermata_hooks.diagnosis import Examination, examine_tokens
from fermata_spec.report import Check


def looked_at(folder: Path, clock: ManualClock, content: str | None) -> Check:
    file = folder / "token"
    if content is not None:
        file.touch(mode=0o600)
        file.write_text(content)
    found = Examination()
    examine_tokens(found, [("token for Argo CD", file, "make another")], clock)
    (check,) = found.checks
    assert content is None or content not in check.message
    return check


def test_a_token_with_an_end_is_good_and_its_end_is_told(
    tmp_path: Path, clock: ManualClock, provider: OidcProvider
) -> None:
    check = looked_at(tmp_path, clock, provider.service_account_token())

    assert check.verdict == "pass"
    assert f"the token of {SUBJECT} ends at 2027-01-15T09:00:00Z" in check.message


@pytest.mark.parametrize("ends", [None, "soon", 0, float("inf"), 10**400, True])
def test_a_token_without_an_end_is_to_be_mended(
    tmp_path: Path, clock: ManualClock, provider: OidcProvider, ends: object
) -> None:
    token = provider.service_account_token()
    head, _, signature = token.split(".")
    body = provider.claims_text({"sub": "proj:dags:fermata", "exp": ends})

    check = looked_at(tmp_path, clock, f"{head}.{body}.{signature}")

    assert check.verdict == "fail"
    assert "the token of proj:dags:fermata has no end" in check.message
    assert check.lines == ["make another"]


def test_a_token_that_has_ended_is_to_be_mended(
    tmp_path: Path, clock: ManualClock, provider: OidcProvider
) -> None:
    token = provider.service_account_token()
    clock.sleep(3601)

    check = looked_at(tmp_path, clock, token)

    assert check.verdict == "fail"
    assert "has ended at 2027-01-15T09:00:00Z" in check.message


def test_a_token_that_is_no_jwt_says_nothing_of_its_end(tmp_path: Path, clock: ManualClock) -> None:
    assert "when it ends is not in it" in looked_at(tmp_path, clock, "opaque").message


def test_a_file_that_is_not_there_is_to_be_mended(tmp_path: Path, clock: ManualClock) -> None:
    check = looked_at(tmp_path, clock, None)

    assert check.verdict == "fail"
    assert "No such file" in check.message
