"""The examples of docs/credentials.md render, and the hooks understand what comes of them."""

import re
import shutil
from pathlib import Path

import pytest

from fermata_hooks.settings import Settings
from fermata_plugin.planning import Identity
from fermata_plugin.render import compile_checkout

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "credentials.md").read_text()
EXAMPLES = re.findall(r"^```yaml\n(airflow:.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TO_ARGO_CD = re.findall(r"^```yaml\n(argocd:.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
CONFIG = """\
apiVersion: fermata.dev/v1alpha1
kind: Fermata
{example}
files: {{include: ["dags/**/*.yaml", "dags/**/*.py"]}}
"""


@pytest.mark.parametrize("example", TO_ARGO_CD)
def test_an_example_for_argo_cd_renders_to_jobs_that_may_ask_it(
    tmp_path: Path, example: str
) -> None:
    shutil.copytree(ROOT / "tests/golden/hooks", tmp_path, dirs_exist_ok=True)
    text = CONFIG.format(example="airflow: {url: 'http://airflow:8080'}\n" + example)
    (tmp_path / "fermata.yaml").write_text(text)

    compiled = compile_checkout(str(tmp_path), Identity("etl", "a" * 40, "airflow"))

    assert compiled.problems == []
    job = next(each for each in compiled.manifests if each["kind"] == "Job")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    settings = Settings.from_env({e["name"]: e.get("value", "") for e in container["env"]})
    assert settings.argocd_token_file or settings.argocd_dex


def test_there_is_an_example_of_each_way() -> None:
    assert len(EXAMPLES) >= 8
    assert len(TO_ARGO_CD) == 2


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_renders_to_jobs_that_know_who_they_are(tmp_path: Path, example: str) -> None:
    shutil.copytree(ROOT / "tests/golden/hooks", tmp_path, dirs_exist_ok=True)
    (tmp_path / "fermata.yaml").write_text(CONFIG.format(example=example))

    compiled = compile_checkout(str(tmp_path), Identity("etl", "a" * 40, "airflow"))

    assert compiled.problems == []
    job = next(each for each in compiled.manifests if each["kind"] == "Job")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    identity = Settings.from_env({e["name"]: e.get("value", "") for e in container["env"]}).identity
    assert (
        identity.token_file
        or identity.username_file
        or identity.oidc
        or (identity.mwaa or identity.google)
    )
