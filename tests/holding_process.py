"""A hold step, a release or a pass of the watch as a process of its own, to be killed.

    python holding_process.py hold|release|watch URL CREDENTIALS LEDGER APPLICATION [DAG...]

CREDENTIALS is a folder with ``username`` and ``password``; LEDGER is ``file:FOLDER``, or
``kubernetes:NAMESPACE`` of the cluster of ``KUBECONFIG``.
"""

import os
import sys
from pathlib import Path

from fermata_hooks.airflow_api import AirflowApi, PasswordFiles
from fermata_hooks.clock import SystemClock
from fermata_hooks.documents import ConfigMapDocuments, Documents, FileDocuments
from fermata_hooks.holding import (
    EndedOperation,
    HoldOrder,
    Patience,
    connect,
    hold_dags,
    release_hold,
    watch_pass,
)
from fermata_hooks.kube import CONFIG_MAPS, Kube, Objects, cluster_of
from fermata_hooks.termination import Termination

LATE = 5.0  # seconds: on loopback nothing is later, and the test must not wait for five minutes
PATIENCE = Patience(deadline=120.0)


def documents_of(ledger: str, clock: SystemClock) -> Documents:
    """Return the store that ``ledger`` names."""
    kind, _, where = ledger.partition(":")
    if kind == "file":
        return FileDocuments(Path(where))
    kube = Kube(cluster_of(os.environ), clock=clock)
    return ConfigMapDocuments(Objects(kube, CONFIG_MAPS, where))


def main(what: str, url: str, credentials: str, ledger: str, application: str, *dags: str) -> None:
    """Do it, to the end."""
    termination = Termination()
    termination.install()
    clock = SystemClock(termination)
    files = PasswordFiles(Path(credentials) / "username", Path(credentials) / "password")
    environment = connect(
        AirflowApi(url, files, clock=clock),
        documents_of(ledger, clock),
        clock=clock,
        termination=termination,
        late=LATE,
    )
    match what:
        case "hold":
            order = HoldOrder(
                application=application,
                revision="r1",
                operation="",
                wanted=dags,
                lease=3600.0,
                deadline=300.0,
            )
            hold_dags(environment, order)
        case "release":
            release_hold(environment, application, revision="r1", patience=PATIENCE)
        case "watch":
            gone = EndedOperation(application=application, operation=None, reason="gone")
            watch_pass(environment, [gone], patience=PATIENCE)
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
