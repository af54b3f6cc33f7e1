"""A token of Google, for Cloud Composer: application default credentials, by Google's own client.

In a pod with Workload Identity they are the service account's own; ``google-auth`` is the extra
``google``, imported when it is used.
"""

import threading
from typing import Any

from fermata_hooks.exchange import is_token, one_line
from fermata_hooks.secret import Secret
from fermata_spec.errors import RejectedError, SettingsError, UnavailableError

SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class GoogleToken:
    """What Google gives to who we are there; its client renews it before it ends."""

    described = "Google's application default credentials"

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._credentials: Any = None  # google-auth has no types
        self._refused: Secret | None = None

    def read(self) -> Secret:
        """Return a token that is good now."""
        with self._lock:
            return self._read()

    def renew(self, refused: Secret) -> bool:
        """Let the next ``read`` ask for another one."""
        with self._lock:
            self._refused = refused
        return True

    def _read(self) -> Secret:
        try:
            import google.auth  # noqa: PLC0415 - an extra
            from google.auth.exceptions import (  # noqa: PLC0415 - an extra
                DefaultCredentialsError,
                GoogleAuthError,
                TransportError,
            )
            from google.auth.transport.requests import Request  # noqa: PLC0415 - an extra
        except ImportError as exc:
            raise SettingsError(
                "FERMATA_AIRFLOW_GOOGLE: google-auth is not installed: airflow-fermata[google]"
            ) from exc
        try:
            if self._credentials is None:
                self._credentials, _ = google.auth.default(scopes=[SCOPE])
            token = self._credentials.token
            if not self._credentials.valid or Secret(str(token)) == self._refused:
                self._credentials.refresh(Request())
        except TransportError as exc:
            raise UnavailableError(f"{self.described}: {one_line(str(exc))}") from exc
        except DefaultCredentialsError as exc:
            raise SettingsError(f"{self.described}: {one_line(str(exc))}") from exc
        except GoogleAuthError as exc:
            raise RejectedError(f"{self.described}: {one_line(str(exc))}") from exc
        token = str(self._credentials.token)
        if not is_token(token):
            raise RejectedError(f"{self.described}: gave no token")
        return Secret(token)
