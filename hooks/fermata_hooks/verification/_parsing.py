"""Ask Airflow to parse, so that verify need not wait for its scans.

On 3.x a request for any file of a bundle also looks through the whole bundle for new files (else
every 300 s); on 2.x it does not, and new files wait for the scan. A file that Airflow knows is
noticed by its time of change within two seconds, so asking for it matters where that time is old
(images, rsync) or where a further parse is wanted.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Protocol

from fermata_hooks.airflow_api import Dag
from fermata_spec.errors import RejectedError

BUNDLE_EVERY = 10.0  # seconds between requests for one bundle
FILE_EVERY = 5.0  # seconds between requests for one file
MOST_FILES = 20  # requests for files at one look
_NOT_FOUND = 404

log = logging.getLogger("fermata.verify")


class Parser(Protocol):
    """What asking for a parse asks of Airflow."""

    def request_parse(self, file_token: str) -> None:
        """Ask Airflow to parse a file soon."""


class ParseRequests:
    """Sends the requests, none too often; a refusal is remembered and ends them."""

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._sent: dict[str, float] = {}
        self.number = 0
        self.refused = ""

    def files(self, dags: Iterable[Dag], now: float) -> None:
        """Ask for the files of ``dags``, as many as one look may."""
        sent = 0
        for token in dict.fromkeys(dag.file_token for dag in dags if dag.file_token):
            if sent >= MOST_FILES:
                return
            if now - self._sent.get(token, -FILE_EVERY) >= FILE_EVERY:
                sent += self._send(token, token, now)

    def bundles(self, rows: Mapping[str, Dag], planned: Iterable[str], now: float) -> None:
        """Ask for one file of each bundle that holds planned DAGs; of all, if none is there yet."""
        tokens: dict[str, str] = {}
        ours = [rows[dag_id] for dag_id in planned if dag_id in rows]
        for dag in ours or rows.values():
            if dag.file_token:
                tokens.setdefault(dag.bundle_name or "", dag.file_token)
        for bundle, token in tokens.items():
            key = f"bundle {bundle}"
            if now - self._sent.get(key, -BUNDLE_EVERY) >= BUNDLE_EVERY:
                self._send(key, token, now)

    def _send(self, key: str, token: str, now: float) -> int:
        if self.refused:
            return 0
        self._sent[key] = self._sent[token] = now
        try:
            self._parser.request_parse(token)
        except RejectedError as exc:
            if exc.status != _NOT_FOUND:  # 404: the file is gone, or Airflow is older than 2.8
                self.refused = str(exc)
                log.info("verify: Airflow parses no file at our request: %s", exc)
            return 0
        self.number += 1
        return 1
