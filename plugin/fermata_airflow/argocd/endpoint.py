"""Where an Argo CD is and who calls it: what an Airflow connection of type ``argocd`` says."""

import ssl
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from fermata_airflow.argocd.credentials import ExchangedToken, FileToken, FixedToken, Token
from fermata_airflow.exceptions import ArgoCDSettingsError

DEFAULT_TIMEOUT = 30.0  # seconds for one request
EXTRAS = (
    "token_file",
    "ca_file",
    "verify",
    "root_path",
    "project",
    "app_namespace",
    "ui_url",
    "timeout",
    "dex_connector",
    "dex_token_file",
)
_FALSE = {"false", "no", "0", "off"}
_TRUE = {"true", "yes", "1", "on"}


class Connection(Protocol):
    """What is read of an Airflow connection."""

    conn_id: str
    host: str | None
    schema: str | None
    port: int | None
    password: str | None

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """The extra fields."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One Argo CD, and who calls it.

    ``url`` is without a slash at its end and with the root path. ``ui_url`` is where people see it.
    ``project`` and ``app_namespace`` are those of an application that does not say its own.
    """

    url: str
    token: Token = field(repr=False)
    ca_file: Path | None = None
    verify: bool = True
    project: str = ""
    app_namespace: str = ""
    ui_url: str = ""
    timeout: float = DEFAULT_TIMEOUT

    def trust(self) -> ssl.SSLContext | bool:
        """Return what to verify the server's certificate with. Reads files: it may block.

        Raises:
            ArgoCDSettingsError: the file is not there or holds no certificates.

        """
        if not self.verify or not self.url.startswith("https:"):
            return False
        if self.ca_file is None:
            return True
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as exc:
            raise ArgoCDSettingsError(f"ca_file {self.ca_file}: {exc}") from exc


def read_connection(connection: Connection) -> Endpoint:
    """Return the endpoint that a connection describes.

    Raises:
        ArgoCDSettingsError: names every field that is wrong, in one line, and shows no value that
            may be a secret.

    """
    return _Reader(connection).endpoint()


class _Reader:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._extra = connection.extra_dejson
        self._problems: list[str] = []

    def endpoint(self) -> Endpoint:
        self._refuse_unknown()
        url = self._url()
        verify = self._flag("verify", default=True)
        ca_file = self._path("ca_file")
        if ca_file is not None and not verify:
            self._problems.append("ca_file and verify=false: one of the two")
        token = self._token(url, ca_file=ca_file, verify=verify)
        endpoint = Endpoint(
            url=url,
            token=token,
            ca_file=ca_file,
            verify=verify,
            project=self._text("project"),
            app_namespace=self._text("app_namespace"),
            ui_url=(self._text("ui_url") or url).rstrip("/"),
            timeout=self._seconds("timeout"),
        )
        if self._problems:
            told = "; ".join(self._problems)
            raise ArgoCDSettingsError(f"connection {self._connection.conn_id}: {told}")
        return endpoint

    def _refuse_unknown(self) -> None:
        for name in self._extra:
            if name not in EXTRAS:
                near = get_close_matches(name, EXTRAS, n=1)
                hint = f"; did you mean {near[0]}?" if near else ""
                self._problems.append(f"extra {name}: unknown{hint}")

    def _url(self) -> str:
        host = (self._connection.host or "").strip()
        if not host:
            self._problems.append("host: missing")
            return ""
        parts = urlsplit(host if "://" in host else f"//{host}")
        scheme = parts.scheme or (self._connection.schema or "").strip() or "https"
        if scheme not in ("https", "http"):
            self._problems.append(f"schema {scheme}: https or http")
        if parts.username or parts.password:
            self._problems.append("host: holds a user or password; the token is a field of its own")
        try:
            port = self._connection.port or parts.port
        except ValueError:
            port = None
            self._problems.append("host: its port is no number")
        name = parts.hostname or ""
        name = f"[{name}]" if ":" in name else name
        root = (self._text("root_path") or parts.path).strip("/")
        return f"{scheme}://{name}" + (f":{port}" if port else "") + (f"/{root}" if root else "")

    def _token(self, url: str, *, ca_file: Path | None, verify: bool) -> Token:
        fixed = (self._connection.password or "").strip()
        file = self._path("token_file")
        subject, connector = self._path("dex_token_file"), self._text("dex_connector")
        if (subject is None) != (connector == ""):
            self._problems.append("dex_connector and dex_token_file: both or neither")
        given = [bool(fixed), file is not None, subject is not None]
        if sum(given) != 1:
            told = "password (a token), token_file, or dex_token_file with dex_connector"
            self._problems.append(f"{told}: exactly one, there are {sum(given)}")
        if subject is not None:
            return ExchangedToken(
                url, subject_file=subject, connector=connector, ca_file=ca_file, verify=verify
            )
        return FileToken(file) if file is not None else FixedToken(fixed)

    def _text(self, name: str) -> str:
        value = self._extra.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            self._problems.append(f"extra {name}: a text, not {type(value).__name__}")
            return ""
        return value.strip()

    def _path(self, name: str) -> Path | None:
        text = self._text(name)
        if text and not Path(text).is_absolute():
            self._problems.append(f"extra {name}: an absolute path")
        return Path(text) if text else None

    def _flag(self, name: str, *, default: bool) -> bool:
        value = self._extra.get(name)
        text = str(value).strip().lower()
        if value is None or not text:
            return default
        if text not in _TRUE | _FALSE:
            self._problems.append(f"extra {name}: true or false")
        return text not in _FALSE

    def _seconds(self, name: str) -> float:
        value = self._extra.get(name)
        if value is None or value == "":
            return DEFAULT_TIMEOUT
        try:
            seconds = float(value)
        except (TypeError, ValueError):
            seconds = 0.0
        if not 0 < seconds <= 600:  # noqa: PLR2004 - ten minutes, for a hard refresh
            self._problems.append(f"extra {name}: seconds, more than 0 and at most 600")
        return seconds
