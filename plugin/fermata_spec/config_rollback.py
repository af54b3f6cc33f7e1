"""``rollback`` in ``fermata.yaml``: whether a revision that failed is taken back in git."""

import re
from collections.abc import Iterator
from typing import Literal

from fermata_spec.kinds import DURATION, FLAG, NAME, Choice, Text
from fermata_spec.sections import Section, key

_BRANCH = re.compile(r"(?!-)[A-Za-z0-9._/+@-]{1,200}")


def _check_branch(text: str) -> None:
    if not _BRANCH.fullmatch(text) or ".." in text or "//" in text or text.endswith((".lock", "/")):
        raise ValueError(f"{text[:60]!r} is not the name of a branch")


def _check_path(text: str) -> None:
    parts = text.split("/")
    if text != "." and (text.startswith("-") or not {*parts}.isdisjoint({"", ".", "..", ".git"})):
        raise ValueError(f"{text[:60]!r} is not a folder of the repository")


class Rollback(Section):
    """Taking a failed revision back, by one revert commit, before a person has to."""

    enabled: bool = key(
        FLAG,
        "After a verify or smoke that failed, make one commit that puts everything since the last "
        "verified revision back; needs `hold.on_failure: keep` and `hooks.post: joined`.",
        default=False,
    )
    secret: str | None = key(
        NAME,
        "Name of a Secret in Airflow's namespace: `url`, and `username` and `password` (https), or "
        "`sshPrivateKey` and `knownHosts` (ssh).",
        default=None,
    )
    branch: str = key(
        Text("a branch like main", _check_branch),
        "The branch that Argo CD follows.",
        default="main",
    )
    path: str = key(
        Text("a folder of the repository", _check_path),
        "What is put back; the rest of the repository stays as it is. `.`: all of it.",
        default=".",
    )
    push_to: Literal["target", "branch"] = key(
        Choice(("target", "branch")),
        "`target`: the commit is pushed to `branch`; `branch`: to `fermata/rollback-<revision>`, "
        "for a person to merge.",
        default="target",
    )
    max_age: float = key(
        DURATION, "A commit older than this is not taken back: others build on it.", default="1h"
    )
    image: str | None = key(
        Text("an image like registry.example/fermata:1"),
        "Image of the Job that does it: it needs git, and ssh for ssh. Left out, `hooks.image`.",
        default=None,
    )


def faults(rollback: Rollback, *, on_failure: str, post: str) -> Iterator[tuple[str, str, str]]:
    """Yield what a rollback needs and has not: the key where it is told, the rule, the message."""
    if not rollback.enabled:
        return
    if on_failure != "keep":
        told = f"rollback needs hold.on_failure: keep, and it is {on_failure}"
        yield "enabled", "value", f"{told}: DAGs would go on with what failed"
    if post != "joined":
        yield "enabled", "value", f"rollback needs hooks.post: joined, and it is {post}"
    if rollback.secret is None:
        yield "enabled", "missing-key", "rollback needs rollback.secret"
