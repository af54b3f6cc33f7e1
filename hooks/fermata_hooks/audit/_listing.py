"""Who deployed what, when: the lines of a trail, put together again."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fermata_hooks.audit._chain import Record, parse
from fermata_hooks.audit._verifying import numbered

SINGLE = frozenset({"locked", "unlocked", "hold ended", "sync ended"})
"""Events that stand for themselves."""


@dataclass(kw_only=True)
class Deploy:
    """What one process did for one revision, or one thing that happened.

    ``verified`` is the revision that had passed before. ``people`` are those whose commits these
    are, where a repository was asked; ``initiator`` is who started the sync, ``actor`` the service
    account. ``overridden``: why a denial did not count. ``verdict`` is ``no end`` for a process
    that was killed.
    """

    at: str
    what: str
    application: str = ""
    revision: str = ""
    verified: str = ""
    verdict: str = ""
    initiator: str = ""
    actor: str = ""
    people: list[str] = field(default_factory=list)
    dags: list[str] = field(default_factory=list)
    overridden: str = ""
    message: str = ""


def deploys(path: Path) -> Iterator[Deploy]:
    """Yield what happened, in the order in which it ended; lines that are none are passed over."""
    running: dict[str, Deploy] = {}
    verified: dict[tuple[str, str], str] = {}
    for _, line in numbered(path):
        record = parse(line)
        if record is None:
            continue
        process, event = _text(record, "process"), _text(record, "event")
        if event == "begin":
            if process in running:
                yield running[process]
            running[process] = _begun(record)
        elif event in SINGLE:
            yield _single(record)
        elif process in running:
            deploy = running[process]
            _add(deploy, record)
            of = (deploy.application, deploy.revision)
            deploy.verified = verified[of] = deploy.verified or verified.get(of, "")
            if event == "end":
                yield running.pop(process)
    yield from running.values()


def _begun(record: Record) -> Deploy:
    return Deploy(
        at=_text(record, "at"),
        what=_text(record, "hook"),
        application=_text(record, "application"),
        revision=_text(record, "revision"),
        verdict="no end",
        initiator=_text(record, "initiator"),
        actor=_text(record, "service_account") or _text(record, "user"),
    )


def _single(record: Record) -> Deploy:
    return Deploy(
        at=_text(record, "at"),
        what=_text(record, "event"),
        application=_text(record, "application"),
        revision=_text(record, "revision"),
        initiator=_text(record, "owner"),
        actor=_text(record, "user"),
        dags=_texts(record, "dags"),
        message=_text(record, "reason"),
    )


def _add(deploy: Deploy, record: Record) -> None:
    """Add what a line says; each DAG once."""
    dag = _text(record, "dag")
    for dag_id in [*([dag] if dag else []), *_texts(record, "dags")]:
        if dag_id not in deploy.dags:
            deploy.dags.append(dag_id)
    match _text(record, "event"):
        case "change":
            deploy.verified = _text(record, "verified")
        case "overridden":
            deploy.overridden = _text(record, "reason")
        case "end":
            deploy.verdict = _text(record, "verdict")
            deploy.message = _text(record, "message")
        case _:
            pass


def _text(record: Record, key: str) -> str:
    value = record.get(key)
    return value if isinstance(value, str) else ""


def _texts(record: Record, key: str) -> list[str]:
    value = record.get(key)
    return [str(each) for each in value] if isinstance(value, list) else []
