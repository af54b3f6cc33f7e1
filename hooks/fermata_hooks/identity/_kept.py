"""A token kept in memory, and when to ask for the next one, by our monotonic clock."""

import base64
import binascii
import json
import math
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from fermata_hooks.clock import Clock
from fermata_hooks.exchange import is_token
from fermata_hooks.secret import Secret
from fermata_spec.errors import RejectedError

EARLY = 60.0  # seconds before its end at which a token is renewed, or a tenth of its life


class Given(NamedTuple):
    """A token, and for how many seconds it is good from now."""

    token: Secret
    life: float


class KeptToken:
    """One token for all threads: asked for when there is none, and again before it ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._ends = 0.0

    def read(self, ask: Callable[[], Given], clock: Clock) -> Secret:
        """Return the token, after asking for one where it is missing or about to end."""
        with self._lock:
            if self._token is None or self._ends <= clock.monotonic():
                now = clock.monotonic()
                self._token, life = ask()
                self._ends = now + life - min(EARLY, life / 10)
            return self._token

    def forget(self, refused: Secret) -> None:
        """Forget the token if it is the one that was refused: another thread may have asked."""
        with self._lock:
            if self._token == refused:
                self._token = None


def given(answer: Any, subject: str, *, unknown_life: float = math.inf) -> Given:  # noqa: ANN401 - JSON
    """Return the token in the answer of a token endpoint (RFC 6749, 5.1; Airflow's likewise).

    Its life is the ``expires_in`` of the answer or what the token itself says, the shorter one;
    ``unknown_life`` where both say nothing.
    """
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not is_token(token):
        raise RejectedError(f"{subject}: no access_token in the answer")
    said = answer.get("expires_in")
    lives = [life_of(token)]
    if isinstance(said, int | float) and not isinstance(said, bool) and math.isfinite(said):
        lives.append(max(float(said), 0.0))
    life = min(lives)
    return Given(Secret(token), life if math.isfinite(life) else unknown_life)


def claims_of(token: str) -> dict[str, Any] | None:
    """Return what a JWT says of itself, unproven; None for a token that is no JWT."""
    try:
        part = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError, binascii.Error, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def life_of(token: str) -> float:
    """Return for how many seconds a JWT is good; infinity where it does not say.

    Its own times are compared with each other only, so that no clocks need to agree.
    """
    claims = claims_of(token) or {}
    try:
        life = float(claims["exp"]) - float(claims["iat"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return math.inf
    return max(life, 0.0) if not math.isnan(life) else math.inf
