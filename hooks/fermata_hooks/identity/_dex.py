"""A token of Argo CD, given by its Dex for the token of a Kubernetes service account (RFC 8693).

Argo CD takes no service account's token by itself. Dex does, where a connector of type ``oidc``
names the cluster as issuer; in Argo CD's policies we are then ``system:serviceaccount:NS:NAME``.
"""

from base64 import b64encode
from pathlib import Path

from fermata_hooks.clock import Clock
from fermata_hooks.exchange import Request, Transport, read_secret
from fermata_hooks.identity._kept import Given, KeptToken, given
from fermata_hooks.secret import Secret
from fermata_spec.errors import RejectedError

UNKNOWN_LIFE = 300.0  # seconds that a token is taken to live that does not say

_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
_ACCESS = "urn:ietf:params:oauth:token-type:access_token"
_IDENTITY = "urn:ietf:params:oauth:token-type:id_token"
_CLIENT = b64encode(b"argo-cd-cli:").decode()  # a public client: it has no secret


class DexToken:
    """What Dex gives for the token in a file; one for all threads, renewed before it ends."""

    def __init__(
        self, transport: Transport, subject_file: Path, *, connector: str, clock: Clock
    ) -> None:
        self._transport = transport
        self._subject_file = subject_file
        self._connector = connector
        self._clock = clock
        self._kept = KeptToken()
        self.described = f"Argo CD subject token file {subject_file}, Dex connector {connector}"

    def read(self) -> Secret:
        """Return the token, after an exchange where it is missing or about to end."""
        return self._kept.read(self._exchange, self._clock)

    def renew(self, refused: Secret) -> bool:
        """Forget a refused token."""
        self._kept.forget(refused)
        return True

    def _exchange(self) -> Given:
        form: dict[str, str | Secret] = {
            "grant_type": _GRANT,
            "connector_id": self._connector,
            "scope": "openid email profile federated:id",
            "requested_token_type": _ACCESS,
            "subject_token": read_secret(self._subject_file, "Argo CD subject token file"),
            "subject_token_type": _IDENTITY,
        }
        request = Request(
            method="POST",
            path="/api/dex/token",
            headers={"Authorization": f"Basic {_CLIENT}"},
            form=form,
        )
        try:
            answer = self._transport.send(request)
        except RejectedError as exc:
            raise RejectedError(f"{exc} ({self.described})", status=exc.status) from exc
        return given(answer.json(), answer.subject, unknown_life=UNKNOWN_LIFE)
