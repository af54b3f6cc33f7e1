"""The real components that tests may need, and what happens where one is missing.

A test says what it needs by its mark: ``airflow``, ``kubernetes``, ``docker``, ``kubectl`` or
``node``. Where that is missing the test is skipped, and one loud line a component ends the run.
Where ``FERMATA_TEST_REQUIRE=airflow,docker`` names it, its absence is a failure: a machine that was
prepared for a test must not pass by leaving it out.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import pytest
import yaml

REQUIRE_VARIABLE = "FERMATA_TEST_REQUIRE"
IMAGE_VARIABLE = "FERMATA_TEST_IMAGE"
PROBE_SECONDS = 10
KUSTOMIZE = 5  # its major version in kubectl 1.27 and newer

found = pytest.StashKey[Mapping[str, str]]()  # the environment that pytest was started in
required = pytest.StashKey[Collection[str]]()
reasons = pytest.StashKey[dict[str, str]]()  # component: why it cannot be used; empty: it can
skipped = pytest.StashKey[dict[str, int]]()  # component: how many tests were skipped for it


def begin(config: pytest.Config, environ: Mapping[str, str]) -> None:
    """Note what the run was started with; an unknown required name is a ``pytest.UsageError``."""
    config.stash[found] = dict(environ)
    config.stash[required] = _parse_required(environ.get(REQUIRE_VARIABLE, ""))
    config.stash[reasons] = {}
    config.stash[skipped] = {}


def require_marked(item: pytest.Item) -> None:
    """Skip or fail ``item`` unless every component that its marks name is there."""
    known = item.config.stash[reasons]
    for name, probe in PROBES.items():
        if item.get_closest_marker(name) is None:
            continue
        if name not in known:
            known[name] = probe(item.config.stash[found])
        if known[name]:
            missing(item.config, name, known[name])


def missing(config: pytest.Config, component: str, reason: str) -> NoReturn:
    """Skip the test that runs, or fail it where ``component`` is required.

    For the marks this is done before the test starts. A fixture that finds only when it starts
    the component that it cannot be had (no package index, say) calls it too. What was there and
    did not work is not missing: let that fail.
    """
    if component in config.stash[required]:
        pytest.fail(f"{REQUIRE_VARIABLE} names {component}, but: {reason}", pytrace=False)
    config.stash[reasons][component] = reason
    config.stash[skipped][component] = config.stash[skipped].get(component, 0) + 1
    pytest.skip(f"no {component}: {reason}")


def summary(config: pytest.Config) -> list[str]:
    """Return one line for each component that was missing."""
    return [
        f"NOT TESTED: {count} for want of {component} ({config.stash[reasons][component]});"
        f" {REQUIRE_VARIABLE}={component} makes that a failure"
        for component, count in config.stash[skipped].items()
    ]


def hosts(environ: Mapping[str, str]) -> list[str]:
    """Return the hosts of ``KUBECONFIG`` and ``DOCKER_HOST``: what marked tests may talk to."""
    addresses = [environ.get("DOCKER_HOST", "")]
    for path in environ.get("KUBECONFIG", "").split(os.pathsep):
        if path and Path(path).is_file():
            clusters = yaml.safe_load(Path(path).read_text(encoding="utf-8"))["clusters"]
            addresses += [cluster["cluster"]["server"] for cluster in clusters]
    return [host for address in addresses if (host := urlsplit(address).hostname)]


def _parse_required(text: str) -> frozenset[str]:
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    if unknown := sorted(names - PROBES.keys()):
        raise pytest.UsageError(
            f"{REQUIRE_VARIABLE}: unknown: {', '.join(unknown)}; known: {', '.join(PROBES)}"
        )
    return names


def _no_airflow(_environ: Mapping[str, str]) -> str:
    """Return nothing: whether it can be had is known to the fixture that installs it."""
    return ""


def _no_kubernetes(environ: Mapping[str, str]) -> str:
    """Return why the cluster of ``KUBECONFIG`` cannot be used; empty when it can."""
    # Imported here: the client takes longer to import than most runs of one test.
    from kubernetes.client import VersionApi  # noqa: PLC0415
    from kubernetes.client.exceptions import OpenApiException  # noqa: PLC0415
    from kubernetes.config import ConfigException, new_client_from_config  # noqa: PLC0415
    from urllib3.exceptions import HTTPError  # noqa: PLC0415

    path = environ.get("KUBECONFIG")
    if not path:
        return "KUBECONFIG is not set"
    try:
        VersionApi(new_client_from_config(path)).get_code(_request_timeout=PROBE_SECONDS)
    except (ConfigException, OpenApiException, HTTPError) as exc:
        return f"KUBECONFIG: {type(exc).__name__}: {str(exc).splitlines()[0]}"
    return ""


def _no_docker(_environ: Mapping[str, str]) -> str:
    """Return why no Docker engine can be used; empty when one can."""
    docker = shutil.which("docker")
    if docker is None:
        return "there is no docker on PATH"
    try:
        done = subprocess.run(
            [docker, "version"], capture_output=True, text=True, timeout=PROBE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"docker did not answer within {PROBE_SECONDS} s"
    lines = done.stderr.strip().splitlines() or [f"docker version: exit {done.returncode}"]
    return lines[-1] if done.returncode else ""


def _no_kubectl(_environ: Mapping[str, str]) -> str:
    """Return why no kubectl can build our kustomizations; empty when one can."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        return "there is no kubectl on PATH"
    # It reports its own version and that of its kustomize, and asks no cluster.
    command = [kubectl, "version", "--client", "--output=json"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PROBE_SECONDS, check=False
        )
        version = json.loads(done.stdout).get("kustomizeVersion") or "none"
        major = int(version.removeprefix("v").partition(".")[0])
    except (subprocess.TimeoutExpired, ValueError, AttributeError) as exc:
        return f"kubectl version: {exc}"
    return "" if major >= KUSTOMIZE else f"kubectl has kustomize {version}, not {KUSTOMIZE}"


def _no_node(environ: Mapping[str, str]) -> str:
    """Return why pods of our image cannot be run; empty when they can."""
    if not environ.get(IMAGE_VARIABLE):
        return f"{IMAGE_VARIABLE} names no image that the cluster's nodes have"
    return _no_kubernetes(environ)


PROBES: dict[str, Callable[[Mapping[str, str]], str]] = {
    "airflow": _no_airflow,
    "kubernetes": _no_kubernetes,
    "docker": _no_docker,
    "kubectl": _no_kubectl,
    "node": _no_node,
}
