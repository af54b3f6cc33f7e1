from pathlib import Path

import pytest

from fermata_hooks.kube import cluster_of
from fermata_hooks.secret import Secret
from fermata_spec.errors import SettingsError

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: here
clusters: [{{name: here, cluster: {{server: "http://127.0.0.1:1"{more}}}}}]
users: [{{name: me, user: {{token: abc}}}}]
contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
"""


def account(folder: Path) -> Path:
    (folder / "token").write_text("first\n")
    (folder / "ca.crt").write_text("")
    return folder


def test_a_pod_finds_its_own_cluster(tmp_path: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}

    cluster = cluster_of(environ, account=account(tmp_path))

    assert cluster.url == "https://10.0.0.1:6443"
    assert cluster.ca_file == tmp_path / "ca.crt"


def test_an_ipv6_cluster_has_brackets(tmp_path: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1"}

    assert cluster_of(environ, account=account(tmp_path)).url == "https://[fd00::1]:443"


def test_a_rotated_token_is_shown_at_the_next_request(tmp_path: Path) -> None:
    cluster = cluster_of({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, account=account(tmp_path))
    before = cluster.headers()

    (tmp_path / "token").write_text("second\n")

    assert before == {"Authorization": Secret("Bearer first")}
    assert cluster.headers() == {"Authorization": Secret("Bearer second")}


def test_a_kubeconfig_says_where_and_who(tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(KUBECONFIG.format(more=""))

    cluster = cluster_of({"KUBECONFIG": str(path)}, account=tmp_path)

    assert cluster.url == "http://127.0.0.1:1"
    assert cluster.headers() == {"Authorization": Secret("Bearer abc")}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param("", "cannot be used, and this is no pod", id="empty"),
        pytest.param(
            KUBECONFIG.format(more=", insecure-skip-tls-verify: true"),
            "refused: name the authority",
            id="unverified",
        ),
    ],
)
def test_a_kubeconfig_that_is_no_good_is_named(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(content)

    with pytest.raises(SettingsError, match=message) as caught:
        cluster_of({"KUBECONFIG": str(path)}, account=tmp_path)

    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
