"""What an Airflow has to offer to a DAG: providers, pools, connections, variables."""

from operator import attrgetter, itemgetter
from typing import Literal

from fermata_hooks.airflow_api._conversation import Conversation
from fermata_hooks.airflow_api._fields import Fields
from fermata_hooks.airflow_api._questions import NOT_FOUND, Questions
from fermata_hooks.airflow_api.models import DagWarning
from fermata_hooks.exchange import Request, segment
from fermata_spec.errors import RejectedError

Thing = Literal["pools", "connections", "variables"]

_PEEK = 1  # bytes of an answer that are read where only its status is of interest


class Offers:
    """Questions about what there is; ``AirflowApi.offers``.

    Each needs a permission of its own (``can_read`` on Providers, Pools, Connections, Variables);
    without it the answer is a ``RejectedError`` of status 403.
    """

    def __init__(self, talk: Conversation, questions: Questions) -> None:
        self._talk = talk
        self._questions = questions

    def providers(self) -> dict[str, str]:
        """Return the version of each provider package that Airflow has installed."""
        rows = self._questions.rows("/providers", "providers", [], _provider, itemgetter(0))
        return dict(rows)

    def warnings(self) -> list[DagWarning]:
        """Return what Airflow warns of, of the DAGs that this account may read."""
        key = attrgetter("dag_id", "kind")
        return self._questions.rows("/dagWarnings", "dag_warnings", [], _warning, key)

    def has(self, thing: Thing, name: str) -> bool:
        """Return whether Airflow's database has such a thing.

        Its value (a variable's stands in the clear) is left unread: one byte of the answer is.
        """
        path = f"/{thing}/{segment(name)}"
        try:
            self._talk.ask(Request(method="GET", path=path, repeatable=True, limit=_PEEK, cut=True))
        except RejectedError as exc:
            if exc.status == NOT_FOUND:
                return False
            raise
        return True


def _provider(fields: Fields) -> tuple[str, str]:
    return fields.text("package_name"), fields.text("version")


def _warning(fields: Fields) -> DagWarning:
    return DagWarning(
        dag_id=fields.text("dag_id"),
        kind=fields.text("warning_type"),
        message=fields.optional_text("message") or "",
    )
