"""A stateful Airflow for tests, on loopback, over real HTTP, in both dialects.

    with FakeAirflow("3.3.2", now=clock.now) as airflow:       # or "2.11.2", see RELEASES
        airflow.add_dag("etl", tags=["daily"], file="etl.py", doc_md="fermata:0123456789abcdef")
        airflow.add_dag("smoke", run_states=("queued", "running", "failed"), log=["boom"])
        airflow.add_task("etl", "run1", "load", "running")
        airflow.add_import_error("broken.py", "Traceback…")
        airflow.person_pauses("etl")                           # a row of ann's, and the effect

        credentials = PasswordFiles(*airflow.credential_files(tmp_path))
        api = AirflowApi(airflow.url, credentials, clock=clock)
        …
        assert airflow.dags["etl"].is_paused                   # assert on state, not on calls
        assert airflow.tasks[0].state == "running"             # and change it: .state = "success"

``airflow.url`` serves other processes too. The users are ``fermata``, ``ann`` and ``victor``, who
may only look (``accounts.passwords``, ``accounts.viewers``); ``accounts.open = True`` lets
everybody in, as a SimpleAuthManager with all admins does; ``accounts.denied.add("eventLogs")``
forbids a part of the API (403).

Runs: a triggered run goes on by one of its DAG's ``run_states`` each time it is asked for, unless
the DAG is paused; its tasks follow. Parsing: ``request_parse`` calls ``airflow.on_parse(file)``,
which by default renews ``last_parsed_time``; a test that lets a new revision arrive replaces it.
Health: ``airflow.health["dag_processor"].status = "unhealthy"``.

What goes wrong is ordered in advance:

    airflow.answers(503, path="/dags", times=2, headers={"Retry-After": "7"})
    airflow.answers(502, body=b"<title>Bad gateway</title>", headers={"Content-Type": "text/html"})
    airflow.loses(path="/dags/etl", effect="now")      # no answer, but it took effect
    airflow.loses(path="/dags/etl", effect="later")    # … takes effect at airflow.land()
    airflow.loses(path="/dags/etl", effect="never")
    airflow.faults.order(Fault(path="/dags", wait=event, answer="real"))   # answered when set

Every request is one line of ``airflow.requests`` (``airflow.sent("PATCH", "/dags/etl")``).
The event log behaves as each release's does: rows with or before the effect, rows of refused
requests, wrong values on 3.0, ``dag_id`` null for bulk requests. It is held against the real
Airflow by the cases in ``airflow_cases.py``.
"""

from fakes.fake_airflow.accounts import Accounts
from fakes.fake_airflow.faults import Fault, Faults
from fakes.fake_airflow.records import (
    FakeComponent,
    FakeDag,
    FakeImportError,
    FakeRow,
    FakeRun,
    FakeTask,
)
from fakes.fake_airflow.releases import RELEASES, Release
from fakes.fake_airflow.state import FakeAirflow

__all__ = [
    "RELEASES",
    "Accounts",
    "FakeAirflow",
    "FakeComponent",
    "FakeDag",
    "FakeImportError",
    "FakeRow",
    "FakeRun",
    "FakeTask",
    "Fault",
    "Faults",
    "Release",
]
