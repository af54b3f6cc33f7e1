"""Rolling back: real repositories, a real git server; the rules, the commit, the push."""

import getpass
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from fakes.git_server import PASSWORD, SSHD, GitOverHttp, GitOverSsh, Team, git, write_secret
from fakes.manual_clock import ManualClock
from fermata_hooks.documents import FileDocuments
from fermata_hooks.rollback import Deed, Git, Records, Wish, foresee, read_access, roll_back
from fermata_spec.errors import (
    FermataError,
    RefusedError,
    RejectedError,
    SettingsError,
    UnavailableError,
)
from fermata_spec.plan import RollbackPolicy

pytestmark = [pytest.mark.slow]

GOOD = {"dags/etl.py": "good\n", "dags/gone.py": "still here\n", "other/app.py": "1\n"}
BAD: dict[str, str | None] = {"dags/etl.py": "bad\n", "dags/new.py": "x\n", "dags/gone.py": None}


@dataclass
class Scene:
    """A repository with a verified and a failed revision, and what rolls back in it."""

    team: Team
    secret: Path
    folder: Path
    verified: str
    failed: str
    clock: ManualClock

    def wish(self, **policy: object) -> Wish:
        return Wish(
            application="shop",
            failed=self.failed,
            verified=self.verified,
            verdict="fail",
            why="dags/etl.py: SyntaxError\nFermata-Rollback: spoofed",
            policy=RollbackPolicy(enabled=True, **policy),  # type: ignore[arg-type]
        )

    @property
    def records(self) -> Records:
        return Records(FileDocuments(self.folder), "shop", clock=self.clock)

    def git(self) -> Git:
        return Git(read_access(self.secret), path=os.environ["PATH"])

    def roll_back(self, wish: Wish | None = None) -> Deed:
        return roll_back(wish or self.wish(), self.records, self.git, clock=self.clock)


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path / "forge")


@pytest.fixture
def server(team: Team) -> Iterator[GitOverHttp]:
    with GitOverHttp(team.bare) as server:
        yield server


@pytest.fixture
def scene(team: Team, server: GitOverHttp, tmp_path: Path) -> Scene:
    verified = team.commit(dict(GOOD), "Good")
    team.commit({"dags/etl.py": "worse\n", "other/app.py": "2\n"}, "First\n\nFermata-Rollback: no")
    failed = team.commit(BAD, "Second")
    secret = server.secret(tmp_path / "secret")
    return Scene(team, secret, tmp_path / "ledger", verified, failed, ManualClock(time.time()))


def test_one_commit_puts_back_everything_since_what_was_verified(scene: Scene) -> None:
    deed = scene.roll_back()

    assert scene.team.tip() == deed.commit
    assert scene.team.files(deed.commit) == scene.team.files(scene.verified)
    assert git(scene.team.bare, "rev-parse", f"{deed.commit}^") == scene.failed
    assert [line.split(" ", 1)[1] for line in deed.taken_back] == ["Second", "First"]


def test_the_commit_says_why_in_trailers_that_nobody_else_can_write(scene: Scene) -> None:
    deed = scene.roll_back()

    trailers = "--format=%(trailers:only,unfold)"
    told = git(scene.team.bare, "show", "-s", trailers, deed.commit).splitlines()
    assert told[0] == f"Fermata-Rollback: {scene.failed}"
    assert told[1] == f"Fermata-Rollback-To: {scene.verified}"
    assert "SyntaxError" in told[2]
    assert told[3].startswith("Fermata-Rollback-Report: ")
    assert len(told) == 4


def test_only_the_folder_of_the_application_is_put_back(scene: Scene) -> None:
    deed = scene.roll_back(scene.wish(path="dags"))

    files = scene.team.files(deed.commit)
    assert files["other/app.py"] == "2"
    assert files["dags/etl.py"] == "good"


def test_merge_commits_are_taken_back_whole(scene: Scene) -> None:
    scene.failed = scene.team.merge({"dags/merged.py": "m\n"})

    deed = scene.roll_back()

    assert scene.team.files(deed.commit) == scene.team.files(scene.verified)


def test_what_others_have_pushed_since_stays(scene: Scene) -> None:
    tip = scene.team.commit({"dags/later.py": "later\n"}, "Later")

    deed = scene.roll_back()

    assert git(scene.team.bare, "rev-parse", f"{deed.commit}^") == tip
    later = {"dags/later.py": "later"}
    assert scene.team.files(deed.commit) == scene.team.files(scene.verified) | later


def test_a_file_that_was_changed_again_is_a_conflict_and_nothing_is_pushed(scene: Scene) -> None:
    tip = scene.team.commit({"dags/etl.py": "mended\n"}, "Mend")

    with pytest.raises(RefusedError, match=r"1 file.* changed again since .*: dags/etl\.py"):
        scene.roll_back()

    assert scene.team.tip() == tip
    assert scene.team.branches() == {"main"}
    assert scene.records.read().by == ""


def test_a_folder_where_a_file_was_is_a_conflict(scene: Scene) -> None:
    tip = scene.team.commit({"dags/gone.py/x.py": "x\n"}, "A folder now")

    with pytest.raises(RefusedError, match=r"1 file.* changed again since .*: dags/gone\.py"):
        scene.roll_back()

    assert scene.team.tip() == tip


def test_a_revision_is_rolled_back_once(scene: Scene) -> None:
    deed = scene.roll_back()

    with pytest.raises(RefusedError, match=f"rolled back already: pushed {deed.commit[:12]}"):
        scene.roll_back()

    assert scene.team.tip() == deed.commit


def test_a_revision_is_rolled_back_once_also_when_the_record_is_lost(scene: Scene) -> None:
    deed = scene.roll_back()
    scene.folder = scene.folder.with_name("another")

    with pytest.raises(RefusedError, match="main has a rollback of it already"):
        scene.roll_back()

    assert scene.team.tip() == deed.commit


def test_a_rollback_is_never_rolled_back(scene: Scene) -> None:
    scene.failed = scene.roll_back().commit

    with pytest.raises(RefusedError, match="it is itself a rollback"):
        scene.roll_back()

    assert scene.team.tip() == scene.failed


@pytest.mark.parametrize("verdict", ["inconclusive", "pass", ""])
def test_what_did_not_fail_by_itself_is_not_rolled_back(scene: Scene, verdict: str) -> None:
    with pytest.raises(RefusedError, match="its verdict is"):
        scene.roll_back(replace(scene.wish(), verdict=verdict))

    assert scene.team.tip() == scene.failed


@pytest.mark.parametrize(("verified", "told"), [("", "nothing was verified"), ("F", "this very")])
def test_without_something_to_go_back_to_nothing_is_done(
    scene: Scene, verified: str, told: str
) -> None:
    wish = replace(scene.wish(), verified=scene.failed if verified else "")

    with pytest.raises(RefusedError, match=told):
        scene.roll_back(wish)


def test_an_old_commit_is_not_rolled_back(scene: Scene) -> None:
    scene.clock.sleep(3 * 3600)

    with pytest.raises(RefusedError, match="more than max_age 1h"):
        scene.roll_back()


def test_a_branch_that_was_rewritten_is_left_alone(scene: Scene) -> None:
    git(scene.team.clone, "reset", "-q", "--hard", scene.verified)
    git(scene.team.clone, "push", "-q", "--force", "origin", "main")

    with pytest.raises(RefusedError, match="is not on the branch any more"):
        scene.roll_back()

    assert scene.team.tip() == scene.verified


def test_as_a_proposal_it_is_a_branch_of_its_own_and_only_once(scene: Scene) -> None:
    deed = scene.roll_back(scene.wish(push_to="branch"))

    name = f"fermata/rollback-{scene.failed[:12]}"
    assert scene.team.tip() == scene.failed
    assert scene.team.tip(name) == deed.commit
    scene.folder = scene.folder.with_name("another")
    with pytest.raises(RefusedError, match=f"there is a branch {name} already"):
        scene.roll_back(scene.wish(push_to="branch"))


def test_a_dry_run_says_so_and_pushes_nothing(scene: Scene) -> None:
    deed = foresee(scene.wish(), scene.records, scene.git, clock=scene.clock)

    assert len(deed.taken_back) == 2
    assert scene.team.tip() == scene.failed
    assert scene.records.read().done == {}


def test_a_lease_keeps_two_from_being_at_it_at_once(scene: Scene) -> None:
    scene.records.begin(scene.failed, "another")

    with pytest.raises(RefusedError, match="another rollback is under way, until"):
        scene.roll_back()

    assert scene.team.tip() == scene.failed
    scene.clock.sleep(601)
    assert scene.roll_back().commit == scene.team.tip()


def test_a_protected_branch_is_told_with_the_servers_words_and_nothing_is_half_done(
    scene: Scene,
) -> None:
    scene.team.refuse_pushes()

    with pytest.raises(RejectedError, match="main is protected: open a request") as caught:
        scene.roll_back()

    assert "pre-receive hook declined" in str(caught.value)
    assert PASSWORD not in str(caught.value)
    assert scene.team.tip() == scene.failed
    assert scene.records.read().done == {}


def test_a_push_that_comes_in_between_is_built_upon(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed: list[str] = []
    real = Git.attempt

    # Between the commit and the push: nothing else shows that moment.
    def attempt(self: Git, *arguments: str, **more: bool | bytes) -> object:
        if arguments[0] == "push" and not pushed:
            pushed.append(scene.team.commit({"dags/later.py": "later\n"}, "In between"))
        return real(self, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Git, "attempt", attempt)

    deed = scene.roll_back()

    assert git(scene.team.bare, "rev-parse", f"{deed.commit}^") == pushed[0]


def test_a_wrong_password_is_refused_without_showing_it(
    scene: Scene, server: GitOverHttp, tmp_path: Path
) -> None:
    scene.secret = server.secret(tmp_path / "wrong", password="guessed-password")

    with pytest.raises(RejectedError, match="Authentication failed") as caught:
        scene.roll_back()

    assert "guessed" not in str(caught.value)
    assert scene.records.read().by == ""


def test_a_redirect_is_refused(scene: Scene, server: GitOverHttp) -> None:
    server.redirect_to = "http://127.0.0.1:1/evil.git"

    with pytest.raises(RejectedError, match="git fetch"):
        scene.roll_back()

    assert len(server.requests) == 1


def test_a_server_that_is_not_there_may_be_asked_again(scene: Scene, tmp_path: Path) -> None:
    contents = {"url": "http://127.0.0.1:1/x.git", "username": "u", "password": "p"}
    scene.secret = write_secret(tmp_path / "gone", contents)

    with pytest.raises(UnavailableError, match="git fetch"):
        scene.roll_back()


def test_a_git_that_does_not_end_is_ended(scene: Scene) -> None:
    access = read_access(scene.secret)

    with (
        pytest.raises(UnavailableError, match="not done within 0s"),
        Git(access, path=os.environ["PATH"], deadline=0.0),
    ):
        pass


def test_a_machine_without_git_is_told(scene: Scene) -> None:
    with (
        pytest.raises(SettingsError, match="git: not found"),
        Git(read_access(scene.secret), path="/nowhere"),
    ):
        pass


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        pytest.param({}, "url: No such file", id="nothing"),
        pytest.param({"url": "file:///etc"}, "no https:// or ssh://", id="a file"),
        pytest.param({"url": "ext::sh -c id"}, "no https:// or ssh://", id="a command"),
        pytest.param({"url": "http://git.example/x"}, "neither https:// nor", id="plain http"),
        pytest.param({"url": "https://u:hush@git.example/x"}, "files of their own", id="password"),
        pytest.param({"url": "-oProxyCommand=id"}, "no https:// or ssh://", id="an option"),
        pytest.param({"url": "https://git.example/x", "username": "u"}, "password", id="half"),
        pytest.param(
            {"url": "git@git.example:x/y.git", "sshPrivateKey": "k"}, "knownHosts", id="no hosts"
        ),
    ],
)
def test_a_secret_that_will_not_do_is_named(
    tmp_path: Path, contents: dict[str, str], told: str
) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        read_access(write_secret(tmp_path / "secret", contents))

    assert "hush" not in str(caught.value)


def test_nothing_is_left_on_this_machine(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    scene.roll_back()
    with pytest.raises(FermataError):
        scene.roll_back()

    assert list(temporary.iterdir()) == []


@pytest.fixture
def over_ssh(team: Team, tmp_path: Path) -> Iterator[GitOverSsh]:
    if SSHD is None or os.geteuid() != 0:
        pytest.skip("needs sshd (Debian: openssh-server), and root, as whom it logs in")
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    with GitOverSsh(team.bare, keys, getpass.getuser()) as server:
        yield server


def test_over_ssh_with_the_hosts_key_pinned(
    scene: Scene, over_ssh: GitOverSsh, tmp_path: Path
) -> None:
    scene.secret = over_ssh.secret(tmp_path / "ssh")

    assert scene.roll_back().commit == scene.team.tip()


def test_a_host_whose_key_is_another_one_is_refused(
    scene: Scene, over_ssh: GitOverSsh, tmp_path: Path
) -> None:
    scene.secret = over_ssh.secret(tmp_path / "ssh", host_key="client")

    with pytest.raises(RejectedError, match="host's key is not the one in knownHosts") as caught:
        scene.roll_back()

    assert "PRIVATE KEY" not in str(caught.value)
    assert scene.team.tip() == scene.failed
