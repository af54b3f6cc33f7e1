"""The demo's repository is one that the renderer takes, and its mistakes are what they seem."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from fermata_hooks.demo import example
from fermata_hooks.demo.airflow_release import Generation
from fermata_hooks.demo.manifests import Manifests

pytestmark = pytest.mark.slow  # each starts the command

URL = "http://127.0.0.1:8080"


def render(folder: Path, files: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return subprocess.run(
        [sys.executable, "-m", "fermata_cli", "render", str(folder)],
        env={"PATH": os.defpath, "ARGOCD_APP_NAME": "shop", "ARGOCD_APP_REVISION": "a" * 40},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def files() -> dict[str, str]:
    return dict(example.first_files(URL, "3"))


@pytest.mark.parametrize("generation", ["2", "3"])
def test_the_first_commit_renders_into_its_dags_without_a_word(
    tmp_path: Path, generation: Generation
) -> None:
    done = render(tmp_path, example.first_files(URL, generation))

    assert (done.returncode, done.stderr) == (0, "")
    assert tuple(Manifests.parse(done.stdout).digests()) == example.DAGS


def test_the_good_change_changes_one_dag(tmp_path: Path, files: dict[str, str]) -> None:
    before = Manifests.parse(render(tmp_path, files).stdout).digests()
    files[example.ORDERS] = example.with_a_new_load(files[example.ORDERS])

    after = Manifests.parse(render(tmp_path, files).stdout).digests()

    assert {dag for dag in before if before[dag] != after[dag]} == {example.CHANGED}


def test_the_missing_operator_is_not_seen_by_the_renderer(
    tmp_path: Path, files: dict[str, str]
) -> None:
    files[example.INVOICES] = example.with_a_missing_operator(files[example.INVOICES])

    done = render(tmp_path, files)

    assert (done.returncode, done.stderr) == (0, "")
    assert example.MISSING_OPERATOR in files[example.INVOICES]


def test_the_misspelt_dependency_stops_the_renderer_with_nothing_on_stdout(
    tmp_path: Path, files: dict[str, str]
) -> None:
    files[example.ORDERS] = example.with_a_misspelt_dependency(files[example.ORDERS])

    done = render(tmp_path, files)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"{example.ORDERS}:15:22: " in done.stderr


def test_hooks_are_told_from_resources(tmp_path: Path, files: dict[str, str]) -> None:
    manifests = Manifests.parse(render(tmp_path, files).stdout)

    assert [manifests.command(phase) for phase in ("PreSync", "PostSync", "SyncFail")] == [
        ["fermata", "hold"],
        ["fermata", "finish"],
        ["fermata", "release"],
    ]
    assert '"revision": "' + "a" * 40 in manifests.plan()
    assert {name for name in manifests.dag_files() if name.startswith(".")} == {".airflowignore"}
    assert manifests.kinds() == "2 ConfigMap, 1 DagSet, 3 Job"
