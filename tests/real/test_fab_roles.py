"""The role of the hooks on a real Airflow with Flask-AppBuilder: enough, and nothing too much."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import components
from fermata_hooks.airflow_api import AirflowApi
from fermata_hooks.dagset_status import FileDagSets, verified_now
from fermata_hooks.documents import FileDocuments
from fermata_hooks.handoff import take_baseline
from fermata_hooks.identity_settings import AirflowIdentity
from fermata_hooks.jobs.finish import run_finish
from fermata_hooks.jobs.hold import run_hold
from fermata_hooks.jobs.workplace import Workplace
from fermata_hooks.settings import FolderLedger, Settings
from fermata_hooks.termination import Termination
from fermata_hooks.verification import verify
from fermata_spec.dagset import DagSetStatus
from fermata_spec.errors import FermataError, UnavailableError
from fermata_spec.plan import Plan, SmokeDag
from fermata_spec.report import Report
from real.fab import FabAirflow, fab_airflow, permissions_of
from real.sites import HASTY, POLICY, File, Site, check

pytestmark = [pytest.mark.airflow, pytest.mark.long]

ROLES = Path(__file__).parents[2] / "manifests" / "airflow"
ROLE, OPTIONAL = ROLES / "fermata-role.json", ROLES / "fermata-optional-role.json"
NEEDED = sorted(permissions_of(ROLE))
ON_EVERY_ROLE = {("can_read", "Website")}  # by Airflow 3, whatever is imported
TOLD_ONLY = {("can_read", "DAG Warnings")}  # as `verify.checks.warnings` is `warn`
SELDOM = {("can_read", "Audit Logs"), ("can_read", "Task Logs"), ("can_edit", "DAG Runs")}
"""Needed by what does not happen in every sync."""
FOLDER = "fab"
BROKEN = "from nowhere import Operator"
BOTH = ("can_read", "can_edit")
SEEN = File(dag_id="fab_seen", folder=FOLDER)
HIDDEN = File(dag_id="fab_hidden", folder=FOLDER)
SHARED = File(dag_id="fab_a", folder=FOLDER, beside="fab_b")
PATIENCE = 120.0  # seconds for a file to be parsed on a loaded machine


@pytest.fixture(scope="module")
def fab(pytestconfig: pytest.Config, airflow_version: str) -> Iterator[FabAirflow]:
    environ = pytestconfig.stash[components.found]
    try:
        with fab_airflow(airflow_version, environ) as fab:
            fab.import_roles(ROLE)
            fab.add_role("FermataOptional", permissions_of(OPTIONAL))
            fab.add_user("hook", "Fermata")
            fab.add_user("boss", "Admin")
            yield fab
    except UnavailableError as exc:
        components.missing(pytestconfig, "airflow", " ".join(str(exc).splitlines()[:3]))


class Stage:
    """A site whose files one user's hooks sync."""

    def __init__(self, fab: FabAirflow) -> None:
        self.fab = fab
        self.site = Site(fab.running, fab.api("boss"), folder=FOLDER)
        self.site.commit(
            File(dag_id="fab_etl", folder=FOLDER),
            File(dag_id="fab_python", folder=FOLDER, python=True),
            File(dag_id="fab_smoke", folder=FOLDER),
        )
        self.number = 0

    def sync(self, user: str, folder: Path) -> list[Report]:
        """Hold, apply and finish as ``user``; an error's words are the report's message."""
        site, self.number = self.site, self.number + 1
        before = site.plan()
        documents = FileDocuments(folder / "ledger")
        status = DagSetStatus(revision=before.revision, verified=verified_now(before, site.clock))
        FileDagSets(documents).write(before.application, status)
        site.commit(
            File(dag_id="fab_etl", folder=FOLDER, number=self.number),
            File(dag_id="fab_python", folder=FOLDER, python=True, number=self.number),
        )
        plan = site.plan(POLICY, SmokeDag(dag_id="fab_smoke", deadline=60.0))
        hold = self._run(plan, user, folder, "hold")
        site.apply()
        finish = self._run(plan, user, folder, "finish")
        return [hold, finish]

    def eventually(self, look: Callable[[], object]) -> None:
        give_up_at = self.site.clock.monotonic() + PATIENCE
        while not look():
            assert self.site.clock.monotonic() < give_up_at
            self.site.clock.sleep(0.5)

    def user_without(self, less: tuple[str, str]) -> str:
        """Return a new user whose role is ours but for one permission."""
        name = f"without {' '.join(less)}"
        self.fab.add_role(name, permissions_of(ROLE) - {less})
        self.fab.add_user(name, name)
        return name

    def _run(self, plan: Plan, user: str, folder: Path, hook: str) -> Report:
        username, password = self.fab.running.credential_files(user)
        place = Workplace(
            settings=Settings(
                ledger=FolderLedger(folder / "ledger"),
                identity=AirflowIdentity(username_file=username, password_file=password),
            ),
            clock=self.site.clock,
            termination=Termination(),
            airflow_url=self.fab.running.url,
            late=300.0,
        )
        report = Report(hook=hook, application=plan.application, revision="", started="")
        try:
            (run_hold if hook == "hold" else run_finish)(plan, place, report)
        except FermataError as exc:
            report.message = f"{report.message} {type(exc).__name__}: {exc}"
        return report


@pytest.fixture(scope="module")
def stage(fab: FabAirflow) -> Stage:
    stage = Stage(fab)
    first = stage.site.sync()
    assert first.verdict == "pass", first
    return stage


def test_the_role_is_imported_as_it_is_written(fab: FabAirflow) -> None:
    given = fab.permissions("Fermata") - ON_EVERY_ROLE

    assert given == permissions_of(ROLE)


def test_every_permission_of_the_roles_is_one_that_airflow_knows(fab: FabAirflow) -> None:
    assert permissions_of(ROLE) | permissions_of(OPTIONAL) <= fab.permissions("Admin")


def test_hold_verify_smoke_and_release_pass_with_exactly_this_role(
    stage: Stage, tmp_path: Path
) -> None:
    hold, finish = stage.sync("hook", tmp_path)

    assert hold.verdict == "pass", hold
    assert finish.verdict == "pass", finish
    said = f"{hold} {finish}"
    assert "not permitted" not in said
    assert "403" not in said


@pytest.mark.parametrize("less", [each for each in NEEDED if each not in SELDOM], ids=" ".join)
def test_without_one_of_its_permissions_that_one_is_named(
    less: tuple[str, str], stage: Stage, tmp_path: Path
) -> None:
    name = stage.user_without(less)

    hold, finish = stage.sync(name, tmp_path)

    assert " on ".join(less) in f"{hold} {finish}"
    if less not in TOLD_ONLY:
        assert "inconclusive" in {hold.verdict, finish.verdict}


def test_without_the_event_log_all_is_released_and_the_report_says_it_was_not_read(
    stage: Stage, tmp_path: Path
) -> None:
    name = stage.user_without(("can_read", "Audit Logs"))

    hold, finish = stage.sync(name, tmp_path)

    assert (hold.verdict, finish.verdict) == ("pass", "pass"), finish
    released = next(check for check in finish.checks if check.name == "release")
    assert released.numbers["event log"] == "unreadable"


def test_without_the_logs_a_failing_run_is_told_without_them(stage: Stage) -> None:
    name = stage.user_without(("can_read", "Task Logs"))
    stage.site.commit(
        File(dag_id="fab_fails", folder=FOLDER, body='raise ValueError("3 rows expected")')
    )
    assert stage.site.sync().verdict == "pass"

    with stage.fab.api(name) as api:
        done = stage.site.smoke("fab_fails", api=api)

    assert done.verdict == "fail", done
    assert "task work failed: (the log cannot be read: " in done.message
    assert "needs can_read on Task Logs" in done.message


def test_without_the_right_to_end_runs_an_unfinished_one_goes_on(stage: Stage) -> None:
    name = stage.user_without(("can_edit", "DAG Runs"))
    stage.site.commit(File(dag_id="fab_slow", folder=FOLDER, body="import time; time.sleep(30)"))
    assert stage.site.sync().verdict == "pass"

    with stage.fab.api(name) as api:
        done = stage.site.smoke("fab_slow", api=api, deadline=3.0)

    assert done.verdict != "pass", done  # queued or running, by how fast the machine is
    assert done.message.startswith("fab_slow: ")
    [run] = stage.site.api.history.runs("fab_slow")
    assert not run.finished


@pytest.fixture(scope="module")
def half(stage: Stage) -> Iterator[AirflowApi]:
    stage.site.commit(SEEN, HIDDEN, SHARED)
    assert stage.site.sync().verdict == "pass"
    others = {each for each in permissions_of(ROLE) if each[1] != "DAGs"}
    single = {(action, f"DAG:{dag_id}") for action in BOTH for dag_id in ("fab_seen", "fab_a")}
    stage.fab.add_role("Half", others | single)
    stage.fab.add_user("half", "Half")
    with stage.fab.api("half") as api:
        yield api


class TestAnAccountOfSingleDags:
    """It may read one DAG, and one of the two DAGs of another file."""

    def test_it_cannot_prove_anything_about_errors_and_says_which_right_it_needs(
        self, stage: Stage, half: AirflowApi
    ) -> None:
        site = stage.site
        assert {dag.dag_id for dag in half.dags()} == {"fab_seen", "fab_a"}
        site.commit(replace(SHARED, first=BROKEN))
        site.apply()
        stage.eventually(half.import_errors)
        plan = site.plan(POLICY, only=["fab_seen"])
        before = take_baseline(half, plan, ["fab_seen"], site.clock)
        site.commit(replace(HIDDEN, first=BROKEN))
        site.apply()
        stage.eventually(lambda: len(site.api.import_errors()) > 1)

        done = verify(
            half,
            plan,
            handoff=before,
            status=DagSetStatus(),
            clock=site.clock,
            still_held=lambda: None,
        )

        [shared] = half.import_errors()
        assert shared.redacted
        assert done.verdict == "inconclusive", done
        assert "needs can_read on DAGs, not only on single ones" in done.message
        assert "1 import error may not be read: " in check(done, "import errors").message
        assert check(done, "evidence").verdict == "pass"

    def test_a_dag_that_is_hidden_is_not_called_missing(
        self, stage: Stage, half: AirflowApi
    ) -> None:
        site = stage.site
        site.commit(SEEN, HIDDEN, SHARED)
        assert site.sync().verdict == "pass"
        plan = site.plan(HASTY, only=["fab_seen", "fab_hidden"])
        before = take_baseline(half, plan, ["fab_seen"], site.clock)

        done = verify(
            half,
            plan,
            handoff=before,
            status=DagSetStatus(),
            clock=site.clock,
            still_held=lambda: None,
        )

        assert done.verdict == "inconclusive", done
        assert "1 missing or hidden from this account: fab_hidden" in done.message
