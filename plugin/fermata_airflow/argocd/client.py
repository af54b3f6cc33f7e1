"""One exchange with Argo CD: bounded in time and size, without redirects, never sent twice."""

from typing import Any, Self

import httpx

from fermata_airflow.argocd._answers import ANSWER_LIMIT, failure, read_answer
from fermata_airflow.argocd.calls import Call
from fermata_airflow.argocd.endpoint import Endpoint
from fermata_airflow.exceptions import ArgoCDUnreadableAnswerError

JSON_TYPE = "application/json"


class Client:
    """Sends calls; for one thread. Closes its connections at the end of its ``with`` block."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._http = httpx.Client(
            verify=endpoint.trust(), timeout=endpoint.timeout, follow_redirects=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close idle connections."""
        self._http.close()

    def send(self, call: Call) -> Any:  # noqa: ANN401 - JSON
        """Return the answer.

        A refused token is renewed once, where it can be: what was refused was not done.

        Raises:
            ArgoCDError: one of ``fermata_airflow.exceptions``.

        """
        return read_answer(call, *self.send_raw(call))

    def send_raw(self, call: Call) -> tuple[int, bytes]:
        """Return status and body, whatever they are."""
        answer = self._once(call)
        if answer[0] == httpx.codes.UNAUTHORIZED and self.endpoint.token.renew():
            answer = self._once(call)
        return answer

    def _once(self, call: Call) -> tuple[int, bytes]:
        token = self.endpoint.token.read()
        try:
            with self._http.stream(**request(self.endpoint, call, token)) as answer:
                return answer.status_code, _bounded(call, answer)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as exc:
            raise failure(call, exc) from exc


def request(endpoint: Endpoint, call: Call, token: str, accept: str = JSON_TYPE) -> dict[str, Any]:
    """Return what httpx is told of a call."""
    headers = {"Authorization": f"Bearer {token}", "Accept": accept}
    told: dict[str, Any] = {
        "method": call.method,
        "url": endpoint.url + call.path,
        "params": call.query,
        "headers": headers,
    }
    if call.method != "GET":
        headers["Content-Type"] = JSON_TYPE
        told["json"] = call.body or {}
    if call.timeout is not None:
        told["timeout"] = call.timeout
    return told


def _bounded(call: Call, answer: httpx.Response) -> bytes:
    content = bytearray()
    for chunk in answer.iter_bytes():
        content += chunk
        check_size(call, len(content))
    return bytes(content)


def check_size(call: Call, size: int, limit: int = ANSWER_LIMIT) -> None:
    """Raise for an answer that is larger than ``limit``."""
    if size > limit:
        raise ArgoCDUnreadableAnswerError(f"{call.about}: more than {limit} bytes")
