"""The Pod Security Standard ``restricted``, as far as a pod's own fields decide it.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from collections.abc import Mapping
from typing import Any

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
PROFILES = {"RuntimeDefault", "Localhost"}


def violations(pod: Mapping[str, Any]) -> list[str]:
    """Return what in a pod's spec ``restricted`` forbids."""
    found = [f"{key}: true" for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key)]
    for volume in pod.get("volumes", []):
        found += [f"volume {volume['name']}: {kind}" for kind in volume.keys() - VOLUMES - {"name"}]
    whole = pod.get("securityContext", {})
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        found += [f"{container['name']}: {each}" for each in _of_container(container, whole)]
    return found


def _of_container(container: Mapping[str, Any], pod: Mapping[str, Any]) -> list[str]:
    context = {**pod, **container.get("securityContext", {})}
    capabilities = context.get("capabilities", {})
    checks = {
        "may run as root": context.get("runAsNonRoot") is True,
        "runs as root": context.get("runAsUser") != 0,
        "may gain privileges": context.get("allowPrivilegeEscalation") is False,
        "is privileged": not context.get("privileged"),
        "keeps capabilities": "ALL" in capabilities.get("drop", []),
        "adds capabilities": set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"},
        "has no seccomp profile": context.get("seccompProfile", {}).get("type") in PROFILES,
        "has a port of its host": not any(p.get("hostPort") for p in container.get("ports", [])),
    }
    return [problem for problem, is_kept in checks.items() if not is_kept]
