"""One rollback, from the rules that forbid it to the push.

Never for what did not fail by its content, never for a commit that is itself a rollback, not past
a set age, never twice for one revision, and not while another one is under way. The lease and
what is about to be pushed are written down before the push.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from secrets import token_hex
from typing import NamedTuple

from fermata_hooks.clock import Clock, rfc3339
from fermata_hooks.rollback import _commit
from fermata_hooks.rollback._commit import TRAILER, Commits, MovedError
from fermata_hooks.rollback._git import Git
from fermata_hooks.rollback._record import Records
from fermata_spec.errors import RefusedError, RejectedError, SettingsError
from fermata_spec.plan import RollbackPolicy
from fermata_spec.problems import one_line
from fermata_spec.units import format_duration

ATTEMPTS = 3  # when others push to the branch in between
REASON = 300  # characters of why, in a commit's message


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be rolled back, and why.

    ``verdict`` and ``why`` are what ``finish`` wrote of ``failed``; ``verified``: the last revision
    that passed, empty where none has.
    """

    application: str
    failed: str
    verified: str
    verdict: str
    why: str
    policy: RollbackPolicy


class Deed(NamedTuple):
    """What was done: the commit, and the branch that it is on."""

    commit: str
    branch: str
    taken_back: tuple[str, ...]

    def told(self, wish: Wish) -> str:
        """Return it in words."""
        count = len(self.taken_back)
        return (
            f"{wish.failed[:12]} is rolled back to {wish.verified[:12]} by {self.commit[:12]} on "
            f"{self.branch}: {count} commit(s) taken back"
        )


def foresee(wish: Wish, records: Records, open_git: Callable[[], Git], *, clock: Clock) -> Deed:
    """Return what ``roll_back`` would do; push nothing, and write nothing down.

    Raises what ``roll_back`` raises.
    """
    _check(wish)
    done = records.read().done
    if wish.failed in done:
        raise RefusedError(f"{wish.failed[:12]}: rolled back already: {done[wish.failed]}")
    with open_git() as git:
        return _prepared(git, wish, clock)


def roll_back(wish: Wish, records: Records, open_git: Callable[[], Git], *, clock: Clock) -> Deed:
    """Roll back, or raise why not; git is as it was unless a ``Deed`` is returned.

    Raises:
        RefusedError: a rule forbids it, or the files conflict.
        RejectedError: the server refuses the push or us, or its key is another one.
        UnavailableError: no answer in time. If it was the push that had none, the revision is not
            rolled back again by itself: a person looks at the branch.
        SettingsError: no git here, a file of the credential that is no good.

    """
    _check(wish)
    holder = token_hex(8)
    records.begin(wish.failed, holder)
    try:
        with open_git() as git:
            deed = _pushed(git, wish, records, holder, clock)
    except (RefusedError, RejectedError, SettingsError):
        records.end(wish.failed, None)  # surely nothing is on the branch
        raise
    records.end(wish.failed, f"pushed {_told(deed, clock)}")
    return deed


def _pushed(git: Git, wish: Wish, records: Records, holder: str, clock: Clock) -> Deed:
    """Make the commit and push it; anew where others push in between."""
    for _ in range(ATTEMPTS):
        deed = _prepared(git, wish, clock)
        records.note(wish.failed, f"about to push {_told(deed, clock)}", holder)
        with suppress(MovedError):
            _commit.push(git, deed.commit, deed.branch)
            return deed
    raise RefusedError(f"{wish.policy.branch}: others push to it all the time")


def _told(deed: Deed, clock: Clock) -> str:
    return f"{deed.commit[:12]} on {deed.branch}, {rfc3339(clock.now())}"


def _check(wish: Wish) -> None:
    """Raise unless this revision failed by what is in it, and there is something to go back to."""
    told = f"{wish.failed[:12]}: not rolled back"
    if wish.verdict != "fail":
        what = wish.verdict or "none"
        raise RefusedError(f"{told}: its verdict is {what}, and only a fail is of the revision")
    if not wish.verified:
        raise RefusedError(f"{told}: nothing was verified before it")
    if wish.verified == wish.failed:
        raise RefusedError(f"{told}: this very revision was verified before")


def _prepared(git: Git, wish: Wish, clock: Clock) -> Deed:
    """Fetch, ask the rules that git knows, and make the commit; nothing is pushed."""
    policy = wish.policy
    tip = _commit.fetch(git, policy.branch)
    commits = Commits(wish.verified, wish.failed, tip)
    told = f"{wish.failed[:12]}: not rolled back"
    _commit.check_history(git, commits)
    if _commit.rolled_back_by(git, wish.failed):
        raise RefusedError(f"{told}: it is itself a rollback")
    if _commit.is_rolled_back(git, commits):
        raise RefusedError(f"{told}: {policy.branch} has a rollback of it already")
    age = clock.now() - _commit.committed_at(git, wish.failed)
    if age > policy.max_age:
        most = format_duration(policy.max_age)
        raise RefusedError(f"{told}: committed {age:.0f}s ago, more than max_age {most}")
    taken_back = tuple(_commit.subjects(git, commits))
    commit = _commit.make_revert(git, commits, policy.path, _message(wish, taken_back))
    branch = policy.branch
    if policy.push_to == "branch":
        branch = f"fermata/rollback-{wish.failed[:12]}"
        if _commit.is_there(git, branch):
            raise RefusedError(f"{told}: there is a branch {branch} already")
    return Deed(commit, branch, taken_back)


def _message(wish: Wish, taken_back: tuple[str, ...]) -> str:
    """Return the commit's message; what others wrote is put where it can be no trailer."""
    what = "everything" if wish.policy.path == "." else wish.policy.path
    commits = "\n".join(f"  {one_line(line, limit=100)}" for line in taken_back)
    why = one_line(" ".join(wish.why.split()), limit=REASON) or "no reason was given"
    return f"""\
Put {what} back to {wish.verified[:12]}: {wish.failed[:12]} failed

Fermata could not let {one_line(wish.application)} go on with these commits:

{commits}

Its DAGs stay held until this commit is verified.

{TRAILER}: {wish.failed}
{TRAILER}-To: {wish.verified}
{TRAILER}-Reason: {why}
{TRAILER}-Report: DagSet status and hook Job fermata-finish of {one_line(wish.application)}
"""
