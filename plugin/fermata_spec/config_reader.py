"""From the text of ``fermata.yaml`` to its model, or to every problem in it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from fermata_spec import config_airflow, config_rollback
from fermata_spec.config import FILE_NAME, Config
from fermata_spec.deadlines import STAGGERING
from fermata_spec.located import Document, Node
from fermata_spec.problems import Problem, Severity
from fermata_spec.sections import SectionKind
from fermata_spec.units import format_duration
from fermata_spec.yaml_reader import read_yaml


class ConfigFile(NamedTuple):
    """The model of a ``fermata.yaml``, and its root for problems that only others can see."""

    config: Config
    root: Node

    def raw_guards(self) -> tuple[Mapping[str, Any], ...]:
        """Return the guards as they are written, for the plan."""
        node = self.root.get("guards")
        return tuple(node.value) if node is not None else ()

    def report(
        self,
        keys: tuple[str | int, ...],
        rule: str,
        message: str,
        *,
        severity: Severity | None = None,
    ) -> None:
        """Add a problem at the key that ``keys`` lead to, or as near to it as the file goes."""
        node = self.root
        for key in keys:
            node = node.get(key) or node
        node.report(rule, message, severity=severity or "error")


def read_config(text: str, problems: list[Problem], *, file: str = FILE_NAME) -> ConfigFile | None:
    """Return the model of ``text``; ``None`` after adding every problem to ``problems``."""
    document = read_yaml(text, file, problems)
    if not document.complete:
        return None
    return read_configuration(document)


def read_configuration(document: Document) -> ConfigFile | None:
    """Return the model of a document; ``None`` after adding every problem to its own."""
    config: Config | None = SectionKind(Config).read(document.node)
    if config is None:
        return None
    read = ConfigFile(config, document.node)
    _check_lease(read)
    _check_argocd(read)
    _check_credentials(read)
    _check_rollback(read)
    return read


def _check_rollback(read: ConfigFile) -> None:
    """Report what a rollback needs and has not."""
    config = read.config
    found = config_rollback.faults(
        config.rollback, on_failure=config.hold.on_failure, post=config.hooks.post
    )
    for name, rule, message in found:
        read.report(("rollback", name), rule, message)


def _check_credentials(read: ConfigFile) -> None:
    """Report what does not go with the way in which the hooks sign in."""
    credentials = read.config.airflow.credentials
    if credentials is not None:
        for name, rule, message in config_airflow.faults(credentials):
            read.report(("airflow", "credentials", name), rule, message)


def _check_argocd(read: ConfigFile) -> None:
    """Report an address of Argo CD without credentials, or these without an address."""
    argocd = read.config.argocd
    if (argocd.url is None) != (argocd.credentials is None):
        given, missing = ("credentials", "url") if argocd.url is None else ("url", "credentials")
        read.report(
            ("argocd", given), "missing-key", f"argocd.{given} needs argocd.{missing} beside it"
        )
    credentials = argocd.credentials
    if credentials is not None and credentials.secret is None and credentials.audience is None:
        told = "argocd.credentials needs secret or audience"
        read.report(("argocd", "credentials"), "missing-key", told)


def _check_lease(read: ConfigFile) -> None:
    """Report a hold that would end before a sync that uses every deadline in full."""
    config, drain = read.config, read.config.hold.drain
    smoke = config.smoke.deadline if config.smoke.runs_any else 0.0
    longest_drain = drain.extend_to if drain.on_deadline == "extend" else drain.deadline
    if longest_drain < drain.deadline:
        read.report(
            ("hold", "drain", "extend_to"),
            "deadlines",
            f"hold.drain.extend_to {format_duration(drain.extend_to)} is shorter than "
            f"hold.drain.deadline {format_duration(drain.deadline)}, which it extends",
        )
    staggering = STAGGERING if config.release.stagger else 0.0
    longest = longest_drain + config.verify.deadline + smoke + config.hold.late + staggering
    if config.hold.lease < longest:
        read.report(
            ("hold", "lease"),
            "deadlines",
            f"hold.lease {format_duration(config.hold.lease)} is shorter than a sync may take: "
            f"drain {format_duration(longest_drain)}, verify "
            f"{format_duration(config.verify.deadline)}, smoke {format_duration(smoke)}, "
            f"late {format_duration(config.hold.late)}"
            + (f", stagger {format_duration(staggering)}" if staggering else ""),
        )
