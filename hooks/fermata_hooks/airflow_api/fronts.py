"""What stands before Airflow: an identity-aware proxy with headers of its own.

A folder holds one file for each header, as a mounted Secret does: ``Proxy-Authorization``,
``CF-Access-Client-Id``. Where the proxy takes ``Authorization`` for itself, Airflow's token goes
into the cookie ``_token``, which Airflow 3 reads where there is no bearer token.
"""

import re
from pathlib import Path

from fermata_hooks.airflow_api.credentials import Headers
from fermata_hooks.exchange import read_secret
from fermata_hooks.identity_settings import ShownIn
from fermata_hooks.secret import Secret
from fermata_spec.errors import SettingsError

MOST = 16  # headers of a proxy

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,99}")
_OURS = frozenset(
    {"accept", "connection", "content-length", "content-type", "cookie", "host", "trailer"}
    | {"transfer-encoding", "upgrade", "user-agent"}
)


class Front:
    """Puts what a proxy wants beside our own headers; files are read for every request."""

    def __init__(self, folder: Path | None = None, *, shown_in: ShownIn = "authorization") -> None:
        self._folder = folder
        self._shown_in = shown_in

    def dressed(self, ours: Headers) -> Headers:
        """Return all the headers of a request, from those that say who we are to Airflow."""
        theirs = self._of_the_folder()
        if self._shown_in == "cookie":
            return {**_as_cookie(ours), **theirs}
        if "authorization" in {name.lower() for name in theirs}:
            raise SettingsError(
                f"headers folder {self._folder}: Authorization is where Airflow's token is: "
                "FERMATA_AIRFLOW_TOKEN_IN=cookie shows that in a cookie"
            )
        return {**ours, **theirs}

    def _of_the_folder(self) -> dict[str, Secret]:
        if self._folder is None:
            return {}
        try:
            # ``..data`` and what it points to are the kubelet's
            names = sorted(file.name for file in self._folder.iterdir() if file.name[:1] != ".")
        except OSError as exc:
            raise SettingsError(f"headers folder {self._folder}: {exc.strerror}") from exc
        if not 0 < len(names) <= MOST:
            raise SettingsError(
                f"headers folder {self._folder}: {len(names)} files, not 1 to {MOST}"
            )
        for name in names:
            if not _NAME.fullmatch(name) or name.lower() in _OURS:
                raise SettingsError(
                    f"headers folder {self._folder}: {name!r}: no header of a proxy"
                )
        return {name: read_secret(self._folder / name, "header file") for name in names}


def _as_cookie(ours: Headers) -> Headers:
    shown = ours.get("Authorization")
    if shown is None:
        return ours
    text = shown.reveal() if isinstance(shown, Secret) else shown
    kind, _, token = text.partition(" ")
    if kind != "Bearer":
        raise SettingsError(
            "FERMATA_AIRFLOW_TOKEN_IN: cookie holds a token, and this Airflow takes a password"
        )
    rest = {name: value for name, value in ours.items() if name != "Authorization"}
    return {**rest, "Cookie": Secret(f"_token={token}")}
