"""The ledger in its store: read, and changed by compare-and-swap only."""

from fermata_hooks.clock import Clock
from fermata_hooks.documents import Documents
from fermata_hooks.ledger._records import Record

NAME = "ledger"


class Ledger:
    """The one ledger of an Airflow, the document ``name`` of ``documents``."""

    def __init__(self, documents: Documents, *, clock: Clock, name: str = NAME) -> None:
        self._documents = documents
        self._clock = clock
        self._name = name

    def read(self) -> Record:
        """Return the ledger as it is; an empty one if there is none yet.

        Raises:
            SettingsError: it is damaged, or of a format that this release does not know.
            UnavailableError: the store does not answer.

        """
        raise NotImplementedError
