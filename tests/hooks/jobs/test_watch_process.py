"""The watch as Kubernetes sees it: its exit codes, SIGTERM, what it answers, what it weighs."""

import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fermata_hooks.dagset_status import document_name
from fermata_hooks.documents import FileDocuments
from fermata_hooks.holding import HoldOrder, hold_dags
from workplaces import NEW, PATIENCE, Surroundings, json_report

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("airflow", ["3.3.2"], indirect=True),
]

MIB = 1024  # kB, as /proc has them


@pytest.fixture(autouse=True)
def dags(around: Surroundings) -> None:
    around.clock.sleep(time.time() - around.clock.now())  # the process has the machine's clock
    around.airflow.add_dag("etl")
    around.airflow.add_dag("off", paused=True)


def hold(around: Surroundings, *dag_ids: str, lease: float) -> None:
    order = HoldOrder(
        application="demo",
        revision=NEW,
        operation="",
        wanted=dag_ids,
        lease=lease,
        deadline=600.0,
    )
    hold_dags(around.place().holding, order)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get(port: int, path: str) -> tuple[int, str]:
    """Return status and text; status 0 while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


def wait_for(port: int, path: str, status: int = 200) -> str:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        found, text = get(port, path)
        if found == status:
            return text
        time.sleep(0.05)  # another process: its clock is the machine's
    raise TimeoutError(f"{path}: not {status} within {PATIENCE} s")


@contextmanager
def watching(around: Surroundings, *args: str) -> Iterator[tuple[Any, int]]:
    port = free_port()
    process = around.start("watch", "--listen", f"127.0.0.1:{port}", *args)
    with process:
        try:
            yield process, port
        finally:
            if process.poll() is None:
                process.kill()


def test_one_pass_releases_what_nobody_will_release(around: Surroundings) -> None:
    hold(around, "etl", "off", lease=-60.0)

    done = around.run("watch", "--once", "--format", "json")

    report = json_report(done)
    assert done.returncode == 0, done.stderr
    assert report["verdict"] == "pass"
    assert report["dags"] == [{"dag_id": "etl", "done": "running again", "why": ""}]
    assert report["message"] == "1 hold(s) ended, 1 DAG(s) settled"
    assert around.paused() == {"off"}


def test_a_dry_run_says_what_a_pass_would_do_and_does_nothing(around: Surroundings) -> None:
    hold(around, "etl", "off", lease=-60.0)
    around.airflow.requests.clear()
    before = around.place().ledger.read()

    done = around.run("watch", "--dry-run", "--format", "json")

    report = json_report(done)
    assert done.returncode == 0, done.stderr
    assert report["message"] == "dry run: 1 hold(s) would end, 1 DAG(s) would be settled"
    assert [check["message"] for check in report["checks"]] == ["demo: its lease is over"]
    assert [dag["dag_id"] for dag in report["dags"]] == ["etl"]
    assert around.airflow.requests == []
    assert around.place().ledger.read() == before


def test_one_pass_with_nothing_to_do_is_fine(around: Surroundings) -> None:
    done = around.run("watch", "--once")

    assert done.returncode == 0
    assert "0 hold(s) ended" in done.stdout


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        pytest.param("FERMATA_AIRFLOW_URL", "", 2, id="no address of Airflow"),
        pytest.param("FERMATA_AIRFLOW_URL", "http://127.0.0.1:1", 75, id="no Airflow"),
        pytest.param("FERMATA_ARGOCD_URL", "http://127.0.0.1:1", 2, id="half of Argo CD"),
        pytest.param("FERMATA_LEDGER", "kubernetes:nowhere/ledger", 2, id="no cluster"),
    ],
)
def test_one_pass_that_cannot_be_done_says_why_in_its_code(
    around: Surroundings, variable: str, value: str, code: int
) -> None:
    done = around.run("watch", "--once", plan=None, **{variable: value})

    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_ledger_is_misconfigured(around: Surroundings) -> None:
    FileDocuments(around.folder).put("ledger", b"by hand")

    done = around.run("watch", "--once")

    assert done.returncode == 2
    assert "ledger: damaged" in done.stderr


def test_a_dag_that_is_gone_is_inconclusive(around: Surroundings) -> None:
    hold(around, "etl", lease=-60.0)
    del around.airflow.dags["etl"]

    done = around.run("watch", "--once")

    assert done.returncode == 5
    assert "1 DAG(s) gone or refused: etl" in done.stderr


@pytest.mark.parametrize(
    "args",
    [
        ("--period", "soon"),
        ("--period", "0.1s"),
        ("--period", "2h"),
        ("--listen", "8080"),
        ("--listen", ":http"),
        ("--listen", ":70000"),
    ],
)
def test_a_wrong_option_is_misconfigured(around: Surroundings, args: tuple[str, str]) -> None:
    done = around.run("watch", *args)

    assert done.returncode == 2
    assert done.stderr.startswith(args[0])
    assert len(done.stderr.splitlines()) == 1


def test_it_releases_answers_and_leaves_on_sigterm_within_seconds(around: Surroundings) -> None:
    hold(around, "etl", lease=-60.0)

    with watching(around, "--period", "1s") as (process, port):
        wait_for(port, "/readyz")
        alive = get(port, "/livez")
        metrics = wait_for(port, "/metrics")
        elsewhere = get(port, "/secrets")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)

    assert around.paused() == {"off"}
    assert alive == (200, "ok\n")
    assert elsewhere[0] == 404
    assert "fermata_holds_ended_total 1.0" in metrics
    assert 'fermata_watch_passes_total{outcome="done"}' in metrics
    assert process.returncode == 143
    assert out == ""
    assert "its lease ended at" in err
    assert "Traceback" not in err


def test_it_lives_through_an_outage_of_airflow(around: Surroundings) -> None:
    hold(around, "etl", lease=-60.0)
    around.airflow.answers(503, path="/dags/etl", times=3)
    around.airflow.answers(503, path="/monitor/health", times=4)

    with watching(around, "--period", "1s") as (process, port):
        wait_for(port, "/readyz")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)

    assert process.returncode == 143
    assert around.paused() == {"off"}
    assert "Traceback" not in err


def test_it_weighs_less_than_120_mib_with_ten_thousand_dags(around: Surroundings) -> None:
    for number in range(10_000):
        around.airflow.add_dag(f"team_{number % 7}.load_{number:05}")

    with watching(around, "--period", "1s") as (process, port):
        wait_for(port, "/readyz")
        status = Path(f"/proc/{process.pid}/status")
        if not status.is_file():
            pytest.skip("no /proc here")
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)

    print(f"watch: {int(peak.split()[1]) / MIB:.0f} MiB at 10,000 DAGs")
    assert int(peak.split()[1]) < 120 * MIB


def test_a_port_that_is_taken_is_misconfigured(around: Surroundings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        done = around.run("watch", "--listen", f"127.0.0.1:{port}")

    assert done.returncode == 2
    assert f"--listen: 127.0.0.1:{port}: Address already in use" in done.stderr


def test_without_a_host_it_answers_on_every_address(around: Surroundings) -> None:
    port = free_port()

    with around.start("watch", "--listen", f":{port}") as process:
        try:
            answer = wait_for(port, "/livez")
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE)

    assert answer == "ok\n"


def test_no_password_is_in_what_it_says(around: Surroundings) -> None:
    secret = around.airflow.accounts.passwords["fermata"]
    around.airflow.answers(401, times=0)

    done = around.run("watch", "--once", FERMATA_LOG="json")

    assert done.returncode == 4
    assert secret not in done.stdout + done.stderr
    assert document_name("demo") not in done.stderr
