"""A namespace of a real cluster beside an Airflow that its pods reach, and a repository of DAGs."""

import contextlib
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import yaml

from clusters import APPLICATION_KIND, install_kind
from fakes.argocd_player import ArgoCdPlayer, Manifest, Operations, Synced
from fermata_hooks.dagset_objects import KubernetesDagSets
from fermata_hooks.exchange import Request
from fermata_hooks.kube import APPLICATIONS, Kube, Objects
from fermata_spec.dagset import DagSetStatus
from fermata_spec.plan import Plan, parse_plan
from manifests.accounts import install
from manifests.kustomizing import MANIFESTS, build_with, one

FERMATA = str(Path(sys.executable).with_name("fermata"))
ACCOUNTS = {"ServiceAccount", "Role", "RoleBinding"}
DAG = """
{dag_id}:
  default_args: {{owner: data, start_date: 2024-01-01}}
  schedule: null
  is_paused_upon_creation: false
  tasks:
    extract:
      operator: airflow.providers.standard.operators.bash.BashOperator
      bash_command: "{command}"
"""
SETTINGS = """
apiVersion: fermata.dev/v1alpha1
kind: Fermata
airflow: {{url: "{url}", credentials: {{secret: fermata-airflow}}}}
files: {{include: ["dags/*.yaml"]}}
hold: {{drain: {{deadline: {drain}}}, late: 5s, lease: 5m}}
verify: {{deadline: 40s, settle: 1s, serialize_lag: 1s, mount_lag: 0s}}
hooks: {{image: "{image}"}}
"""


class Airflow(Protocol):
    """What a town wants of an Airflow, a fake or a real one."""

    @property
    def address(self) -> str:
        """Where pods reach it."""

    def login(self) -> tuple[str, str]:
        """Return the hooks' user and password."""

    def arrive(self, manifests: Sequence[Manifest]) -> None:
        """Take in what Argo CD has applied."""

    def paused(self) -> set[str]:
        """Return the DAGs that are paused."""


class Town:
    """A namespace with an Airflow that its pods reach, and a repository of two DAGs."""

    def __init__(  # noqa: PLR0913 - what a town has, by name
        self,
        kube: Kube,
        namespace: str,
        airflow: Airflow,
        *,
        folder: Path,
        image: str,
        operations: Operations | None = None,
    ) -> None:
        self.kube, self.namespace, self.airflow = kube, namespace, airflow
        self.folder, self.image, self.drain = folder, image, "20s"
        self.player = ArgoCdPlayer(kube, namespace, operations)
        (folder / "dags").mkdir()
        read = [yaml.safe_load(p.read_text("utf-8")) for p in (MANIFESTS / "base").glob("*.yaml")]
        install(kube, namespace, [o for o in read if o["kind"] in ACCOUNTS], namespace)
        self.make_secret()

    def make_secret(self) -> None:
        """Make the Secret with which hooks and watch sign in."""
        username, password = self.airflow.login()
        secret = {
            "metadata": {"name": "fermata-airflow"},
            "stringData": {"username": username, "password": password},
        }
        path = f"/api/v1/namespaces/{self.namespace}/secrets"
        self.kube.ask(Request(method="POST", path=path, body=secret))

    def render(self, revision: str, **commands: str) -> list[Manifest]:
        """Return the manifests of a revision in which each DAG runs its command."""
        for dag_id, command in ({"etl": "echo 1", "load": "echo 1"} | commands).items():
            text = DAG.format(dag_id=dag_id, command=command)
            (self.folder / "dags" / f"{dag_id}.yaml").write_text(text)
        settings = SETTINGS.format(url=self.airflow.address, image=self.image, drain=self.drain)
        (self.folder / "fermata.yaml").write_text(settings)
        identity = ["--application=demo", f"--namespace={self.namespace}"]
        done = subprocess.run(
            [FERMATA, "render", *identity, f"--revision={revision}"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return list(yaml.safe_load_all(done.stdout))

    def sync(
        self,
        manifests: list[Manifest],
        *,
        apply: Callable[[], object] = lambda: None,
        retries: int = 0,
    ) -> Synced:
        """Sync; Airflow takes in what is applied, unless ``apply`` raises."""

        def arrive() -> None:
            apply()
            self.airflow.arrive(manifests)

        return self.player.sync(manifests, apply=arrive, retries=retries)

    def paused(self) -> set[str]:
        """Return the DAGs that are paused."""
        return self.airflow.paused()

    @property
    def status(self) -> DagSetStatus:
        """The status of the application's DagSet."""
        return KubernetesDagSets(self.kube, self.namespace).read("demo")

    def eventually(self, is_so: Callable[[], bool], what: str) -> None:
        """Wait until ``is_so``, patiently."""
        ends = time.monotonic() + 120
        while not is_so():
            if time.monotonic() > ends:
                raise TimeoutError(f"it never came to be so: {what}")
            self.kube.clock.sleep(0.5)


def plan_in(manifests: Sequence[Manifest]) -> Plan:
    """Return the plan among rendered manifests."""
    (held,) = (m for m in manifests if m["metadata"]["name"] == "fermata-plan-demo")
    return parse_plan(held["data"]["plan.json"], origin="the rendered plan")


def own_address(server: str) -> str:
    """Return the address of this machine on the way to ``server``: where pods can reach it."""
    host = urlsplit(server).hostname or ""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, 9))
        return str(probe.getsockname()[0])


@contextmanager
def forwarded(url: str, host: str) -> Iterator[str]:
    """Let a server of this machine's loopback be reached at ``host``, too; yield the address."""
    target = urlsplit(url)

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((target.hostname or "", target.port or 80)) as there:
                back = threading.Thread(target=_pump, args=(there, self.request), daemon=True)
                back.start()
                _pump(self.request, there)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server((host, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://{host}:{server.server_address[1]}"
        finally:
            server.shutdown()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes until nothing more does, and say so."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def applications(kube: Kube, argocd: str, folder: Path) -> Objects:
    """Return Argo CD's Applications in a namespace."""
    kind = folder / "application-crd.yaml"
    kind.write_text(APPLICATION_KIND)
    install_kind(kube, kind)
    return Objects(kube, APPLICATIONS, argocd)


def start_watches(town: Town, argocd: str, folder: Path) -> None:
    """Start two watches by our manifests, and wait until their probes say that they are ready."""
    overlay = folder / "overlay"
    overlay.mkdir()
    built = build_with(overlay, [MANIFESTS / "components" / "argocd-in-cluster"])
    role = one(built, "Role", "fermata-watch")
    rbac = "/apis/rbac.authorization.k8s.io/v1/namespaces"
    path = f"{rbac}/{town.namespace}/roles/fermata-watch"
    town.kube.ask(Request(method="PUT", path=path, body=role))
    beside = [yaml.safe_load(p.read_text("utf-8")) for p in (MANIFESTS / "argocd").glob("*.yaml")]
    install(town.kube, argocd, [o for o in beside if o["kind"] in ACCOUNTS], town.namespace)

    deployment = one(built, "Deployment", "fermata-watch")
    deployment["spec"]["replicas"] = 2
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["image"] = town.image
    ours = {"FERMATA_AIRFLOW_URL": town.airflow.address, "FERMATA_ARGOCD_NAMESPACE": argocd}
    for variable in container["env"]:
        variable["value"] = ours.get(variable["name"], variable["value"])
    path = f"/apis/apps/v1/namespaces/{town.namespace}/deployments"
    town.kube.ask(Request(method="POST", path=path, body=deployment))

    def ready() -> bool:
        found = town.kube.ask(Request(method="GET", path=f"{path}/fermata-watch"))
        return bool(found["status"].get("readyReplicas") == 2)

    town.eventually(ready, "two watches are ready")
