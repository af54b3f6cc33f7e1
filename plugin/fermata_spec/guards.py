"""The model of guards: named rules that may deny a deploy, of ``fermata.yaml`` and of a policy.

One model and one reader for both. The plan carries the guards of git as they stand in
``fermata.yaml`` (checked when it was rendered); a policy is a file that is mounted from outside
git. Both are asked, and one denial is enough: what git says can only be stricter.
"""

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple, get_args

from fermata_spec.cron import problems_of_schedule
from fermata_spec.errors import SettingsError
from fermata_spec.kinds import FLAG, SHARE, TEXT, ListOf, Number, Text
from fermata_spec.located import NOWHERE, Document, Node
from fermata_spec.problems import one_line
from fermata_spec.sections import Section, SectionKind, key
from fermata_spec.selector_kinds import EXCLUDED
from fermata_spec.selectors import Selector

BREAK_GLASS = "fermata.dev/break-glass"
"""The annotation of an Application that overrides what denies one revision."""

Rule = Literal["branch", "freeze", "protected-dags", "initiator", "change-size", "promoted"]
RULES: tuple[Rule, ...] = get_args(Rule)
MOST = 100  # guards in one file

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_CRON_FIELDS = 5


def _name(text: str) -> None:
    if not _NAME.fullmatch(text) or text in {"lock", "drain-deadline"}:
        raise ValueError(f"{text[:60]!r} is not a name like no-weekends (a-z, 0-9, -)")


def _cron(text: str) -> None:
    problems = list(problems_of_schedule(text))
    if not problems and len(text.split()) != _CRON_FIELDS:
        problems = [f"{text[:60]!r} is no cron expression of five fields"]
    if not problems and re.search(r"(^|[ ,])[hr]\b", text, re.IGNORECASE):
        problems = [f"{text[:60]!r}: H and R are not the same twice"]
    if problems:
        raise ValueError(problems[0])


def _time_zone(text: str) -> None:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - only for who has a freeze

    try:
        ZoneInfo(text)
    except (ValueError, OSError, LookupError):  # a folder, a path, or unknown
        raise ValueError(f"{text[:60]!r} is no time zone like Europe/Berlin") from None


CRON = Text("a cron expression like 0 18 * * 5", _cron)
TIME_ZONE = Text("a time zone like Europe/Berlin", _time_zone)


class BranchRule(Section):
    """Only from these branches or tags."""

    allow: tuple[str, ...] = key(
        ListOf(TEXT, at_least=1),
        "Shell patterns over the Application's target revision (`main`, `release/*`, `v*`).",
    )
    at_render: bool = key(
        FLAG,
        "Refuse at render, too, where nothing is applied at all; no break-glass is read there.",
        default=True,
    )


class FreezeRule(Section):
    """Not in these windows, by the clock on the wall of the time zone."""

    starts: tuple[str, ...] = key(
        ListOf(CRON, at_least=1), "When a freeze begins: cron expressions (`0 18 * * 5`)."
    )
    ends: tuple[str, ...] = key(
        ListOf(CRON, at_least=1), "When it ends: the first of these after its begin."
    )
    time_zone: str = key(TIME_ZONE, "In which both are meant, summer time included.", default="UTC")


class ProtectedDagsRule(Section):
    """Not while one of these DAGs runs."""

    dags: Selector = key(EXCLUDED, "DAGs of Airflow, of whichever application: a selector.")


class InitiatorRule(Section):
    """Only when one of these started the sync."""

    allow: tuple[str, ...] = key(
        ListOf(TEXT, at_least=1),
        "Shell patterns over the name of who started the sync; `automated` is Argo CD itself.",
    )


class ChangeSizeRule(Section):
    """Not more than this at once; a first deployment has no size."""

    dags: int | None = key(
        Number(0, 1_000_000), "How many DAGs a change may touch or remove.", default=None
    )
    share: float | None = key(
        SHARE, "Which share of the DAGs that were verified last.", default=None
    )
    removed: int | None = key(Number(0, 1_000_000), "How many of them it may remove.", default=None)


class PromotedRule(Section):
    """Only what was verified in another environment: the same content, by its digests."""

    application: str = key(TEXT, "The application there, by its instance name in Argo CD.")
    namespace: str | None = key(
        TEXT,
        "Where its `DagSet` is, in this cluster; left out, beside this one's.",
        default=None,
    )


class Guard(Section):
    """A named rule that may deny; exactly one of the rules is given."""

    name: str | None = key(
        Text("a name like no-weekends", _name, rf"^{_NAME.pattern}$"),
        "What a denial calls it; left out, it is called as its rule.",
        default=None,
    )
    message: str | None = key(
        TEXT, "What the person whose deploy is denied should know.", default=None
    )
    dry_run: bool = key(FLAG, "Say what it would deny, and deny nothing.", default=False)
    branch: BranchRule | None = key(
        SectionKind(BranchRule), "Only from these branches or tags.", default=None
    )
    freeze: FreezeRule | None = key(SectionKind(FreezeRule), "Not in these windows.", default=None)
    protected_dags: ProtectedDagsRule | None = key(
        SectionKind(ProtectedDagsRule),
        "Not while one of these DAGs runs; asked when something is to be held.",
        default=None,
        name="protected-dags",
    )
    initiator: InitiatorRule | None = key(
        SectionKind(InitiatorRule), "Only when one of these started the sync.", default=None
    )
    change_size: ChangeSizeRule | None = key(
        SectionKind(ChangeSizeRule), "Not more than this at once.", default=None, name="change-size"
    )
    promoted: PromotedRule | None = key(
        SectionKind(PromotedRule), "Only what another environment has verified.", default=None
    )

    @property
    def rule(self) -> Rule:
        """Which rule it is."""
        return next(rule for rule in RULES if getattr(self, _attribute(rule)) is not None)

    @property
    def called(self) -> str:
        """Its name in messages."""
        return self.name or self.rule


class GuardKind(NamedTuple):
    """A guard as an element of a list: a section with exactly one rule."""

    kind: SectionKind = SectionKind(Guard)

    @property
    def text(self) -> str:
        """What a message says was expected."""
        return f"a guard: a mapping with one of {', '.join(RULES)}"

    def read(self, node: Node) -> Guard | None:
        """Return the guard, or ``None`` after reporting why it is none."""
        guard: Guard | None = self.kind.read(node)
        if guard is None:
            return None
        given = [rule for rule in RULES if getattr(guard, _attribute(rule)) is not None]
        if len(given) != 1:
            said = " and ".join(given) or "none"
            node.report("value", f"a guard has exactly one of {', '.join(RULES)}: here is {said}")
            return None
        if guard.change_size is not None and not _limits(guard.change_size):
            node.report("value", "change-size limits nothing: give dags, share or removed")
            return None
        return guard

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of a guard."""
        return {**self.kind.schema(), "oneOf": [{"required": [rule]} for rule in RULES]}


class GuardsKind(NamedTuple):
    """A list of guards, each with a name of its own."""

    kind: ListOf = ListOf(GuardKind())

    @property
    def text(self) -> str:
        """What a message says was expected."""
        return self.kind.text

    def read(self, node: Node) -> tuple[Guard, ...] | None:
        """Return the guards; all that are wrong are reported."""
        if isinstance(node.value, list) and len(node.value) > MOST:
            node.report("limit", f"{len(node.value)} guards, {MOST} are read")
            return None
        guards: tuple[Guard, ...] | None = self.kind.read(node)
        seen: set[str] = set()
        for guard, at in zip(guards or (), node.values(), strict=False):
            if guard.called in seen:
                at.report("value", f"{guard.called}: a second guard of this name")
            seen.add(guard.called)
        return guards if guards is None or len(seen) == len(guards) else None

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the list."""
        return {**self.kind.schema(), "maxItems": MOST}


GUARDS = GuardsKind()


def branch_denial(rule: BranchRule, target: str) -> str:
    """Return why a deploy of ``target`` is denied; empty: it is allowed."""
    wanted = ", ".join(rule.allow)
    if not target:
        return f"the branch is not known (render with --branch), and only {wanted} may be deployed"
    plain = target.removeprefix("refs/heads/").removeprefix("refs/tags/")
    if any(fnmatchcase(plain, pattern) for pattern in rule.allow):
        return ""
    return f"the application follows {one_line(target, limit=100)}, not {wanted}"


def guards_of(raw: Sequence[Mapping[str, Any]], *, origin: str) -> tuple[Guard, ...]:
    """Return the guards that a plan carries; raise ``SettingsError`` if they are none."""
    document = Document(origin, [])
    _place(document, raw := list(raw))
    guards = GUARDS.read(Node(document, raw, NOWHERE))
    if guards is None:
        said = document.problems[0].message if document.problems else "no guards"
        raise SettingsError(f"{origin}: damaged guards: {said}")
    return guards


def _place(document: Document, value: object) -> None:
    """Say of everything in ``value`` that it stands nowhere: a plan has no lines."""
    if isinstance(value, dict):
        document.places[id(value)] = dict.fromkeys(value, NOWHERE)
        for each in value.values():
            _place(document, each)
    elif isinstance(value, list):
        document.places[id(value)] = dict.fromkeys(range(len(value)), NOWHERE)
        for each in value:
            _place(document, each)


def _attribute(rule: str) -> str:
    return rule.replace("-", "_")


def _limits(rule: ChangeSizeRule) -> bool:
    return any(limit is not None for limit in (rule.dags, rule.share, rule.removed))
