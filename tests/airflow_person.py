"""A person who talks to a real Airflow without our client."""

import base64
import json
import urllib.request
from typing import Any

from fermata_hooks.demo.airflow_server import RunningAirflow


class Person:
    """A user of a running Airflow."""

    def __init__(self, airflow: RunningAirflow, user: str) -> None:
        self._airflow = airflow
        self._user = user
        self._is_new = airflow.version.startswith("3.")

    @property
    def password(self) -> str:
        """The password."""
        return self._airflow.credential_files(self._user)[1].read_text().strip()

    def asks(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a request below the API's root; return its answer."""
        root = "/api/v2" if self._is_new else "/api/v1"
        return self._send(method, f"{root}{path}", body, self._headers())

    def _headers(self) -> dict[str, str]:
        login = {"username": self._user, "password": self.password}
        if not self._is_new:
            pair = base64.b64encode(f"{self._user}:{login['password']}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        token = self._send("POST", "/auth/token", login, {})["access_token"]
        return {"Authorization": f"Bearer {token}"}

    def _send(
        self, method: str, path: str, body: dict[str, Any], headers: dict[str, str]
    ) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310 - our own server
            self._airflow.url + path,
            method=method,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **headers},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return dict(json.load(answer))
