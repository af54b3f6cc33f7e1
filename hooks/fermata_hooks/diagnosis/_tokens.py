"""Tokens in files: whether they can be read, and when they end."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from fermata_hooks.clock import Clock, rfc3339
from fermata_hooks.diagnosis._examination import Examination
from fermata_hooks.exchange import read_secret
from fermata_hooks.identity import claims_of

LATEST = 4_102_444_800.0  # 2100; what is later is no date that anybody meant


def examine_tokens(
    found: Examination, files: Sequence[tuple[str, Path, str]], clock: Clock
) -> None:
    """Look at each file: its name for people, its path, and what makes a new token.

    A token without an end is to be mended: who has copied it once has it for good.
    """
    for name, path, mend in files:
        with found.looking(name, mend):
            claims = claims_of(read_secret(path, "token file").reveal())
            if claims is None:
                found.good(name, f"{path}: no JWT: when it ends is not in it")
            else:
                _judge(found, f"{path}: {_subject(claims)}", claims, clock, (name, mend))


def _judge(
    found: Examination,
    told: str,
    claims: Mapping[str, object],
    clock: Clock,
    about: tuple[str, str],
) -> None:
    name, mend = about
    ends = _end_of(claims)
    if ends is None:
        found.bad(name, f"{told} has no end", mend)
    elif ends <= clock.now():
        found.bad(name, f"{told} has ended at {rfc3339(ends)}", mend)
    else:
        found.good(name, f"{told} ends at {rfc3339(ends)}")


def _end_of(claims: Mapping[str, object]) -> float | None:
    """Return when a token ends; None where it does not say so with a date."""
    ends = claims.get("exp")
    if isinstance(ends, int | float) and not isinstance(ends, bool) and 0 < ends < LATEST:
        return float(ends)
    return None


def _subject(claims: Mapping[str, object]) -> str:
    subject = claims.get("sub")
    return f"the token of {subject[:100]}" if isinstance(subject, str) and subject else "the token"
