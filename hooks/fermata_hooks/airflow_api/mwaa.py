"""Who we are to Amazon's Airflow (MWAA): the pod's IAM role, for a session of the web server.

``airflow:CreateWebLoginToken`` gives a token of a minute, the web server's login a session for it:
a JWT on 3.x, a cookie on 2.x (Amazon MWAA user guide, "Create a web server session token"). Not
``InvokeRestApi``: its paths end at 64 characters, which DAG ids do not. ``botocore`` is the
extra ``aws``, imported when it is used; where it finds the role is its own affair.
"""

import threading
from typing import Any
from urllib.parse import urlsplit

from fermata_hooks.airflow_api.credentials import Headers, Login
from fermata_hooks.exchange import Request, bearer, one_line
from fermata_hooks.identity import Given, KeptToken, life_of
from fermata_hooks.identity_settings import MwaaSettings
from fermata_hooks.secret import Secret
from fermata_spec.errors import FermataError, RejectedError, SettingsError, UnavailableError

SESSION_LIFE = 900.0  # seconds that a session is used: a cookie of 2.x does not say its life

_LOGINS = (("/pluginsv2/aws_mwaa/login", "_token"), ("/aws_mwaa/login", "session"))  # 3.x, 2.x
_NOT_HERE = frozenset({404, 405})


class MwaaRole:
    """An IAM role that may ``airflow:CreateWebLoginToken``; renewed before the session ends."""

    account = None

    def __init__(self, settings: MwaaSettings) -> None:
        self._settings = settings
        self._kept = KeptToken()
        self._lock = threading.Lock()
        self._client: Any = None  # botocore has no types
        self._cookie = ""

    @property
    def described(self) -> str:
        """Return the environment."""
        return f"IAM role for the MWAA environment {self._settings.environment}"

    def headers(self, login: Login) -> Headers:
        """Return the session: a bearer token on 3.x, a cookie on 2.x."""
        session = self._kept.read(lambda: self._sign_in(login), login.clock)
        if self._cookie == "_token":
            return bearer(session)
        return {"Cookie": Secret(f"{self._cookie}={session.reveal()}")}

    def renew(self, login: Login, refused: Headers) -> bool:  # noqa: ARG002 - one environment
        """Forget a refused session."""
        shown = next(iter(refused.values()), "")
        text = shown.reveal() if isinstance(shown, Secret) else shown
        self._kept.forget(Secret(text.removeprefix("Bearer ").removeprefix(f"{self._cookie}=")))
        return True

    def _sign_in(self, login: Login) -> Given:
        host, token = self._web_login_token()
        # The address stands in git, the host comes from AWS: the token goes nowhere else.
        if urlsplit(login.url).netloc != host:
            raise SettingsError(
                f"{self.described}: its web server is {host}, and Airflow's address is {login.url}"
            )
        for path, cookie in _LOGINS:
            request = Request(method="POST", path=path, form={"token": token}, redirect=True)
            try:
                session = login.send(request).cookies.get(cookie)
            except RejectedError as exc:
                if exc.status in _NOT_HERE:
                    continue
                raise RejectedError(f"{exc} ({self.described})", status=exc.status) from exc
            if session is not None:
                self._cookie = cookie
                return Given(session, min(life_of(session.reveal()), SESSION_LIFE))
        raise RejectedError(f"{login.url}: no login of MWAA gave a session ({self.described})")

    def _web_login_token(self) -> tuple[str, Secret]:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - an extra

        try:
            answer = self.client().create_web_login_token(Name=self._settings.environment)
        except ClientError as exc:
            raise self._failure(exc.response) from None
        except BotoCoreError as exc:
            raise UnavailableError(f"{self.described}: {one_line(str(exc))}") from exc
        return str(answer["WebServerHostname"]), Secret(str(answer["WebToken"]))

    def _failure(self, response: Any) -> FermataError:  # noqa: ANN401 - botocore's JSON
        status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        error = response.get("Error", {})
        why = one_line(f"{error.get('Code', '')}: {error.get('Message', '')}")
        message = f"{self.described}: CreateWebLoginToken: {why}"
        if status >= 500 or status == 429:  # noqa: PLR2004 - not now
            return UnavailableError(message)
        return RejectedError(message, status=status)

    def client(self) -> Any:  # noqa: ANN401 - botocore has no types
        """Return botocore's client of MWAA, made once."""
        try:
            from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - an extra
            from botocore.session import get_session  # noqa: PLC0415 - an extra
        except ImportError as exc:
            raise SettingsError(
                "FERMATA_AIRFLOW_MWAA_ENVIRONMENT: botocore is not installed: airflow-fermata[aws]"
            ) from exc
        with self._lock:
            if self._client is None:
                region = self._settings.region or None
                try:
                    self._client = get_session().create_client("mwaa", region_name=region)
                except BotoCoreError as exc:
                    raise SettingsError(f"{self.described}: {one_line(str(exc))}") from exc
            return self._client
