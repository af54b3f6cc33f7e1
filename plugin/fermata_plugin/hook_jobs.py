"""The hooks: the plan as a ConfigMap, and the Jobs hold, finish and release.

The plan is itself a PreSync hook in the hold Job's own wave: kinds are applied in order within a
wave, an earlier wave costs a sync 2 to 4 s, and an ordinary ConfigMap does not exist yet when
PreSync runs. ``BeforeHookCreation`` on each, or a Job left from the last sync would be taken for
this sync's. The revision stands in hooks only: anywhere else each commit would be a difference.
"""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import NamedTuple

from fermata_plugin import hook_identity
from fermata_plugin.configmaps import Manifest, check_size, with_server_side_apply
from fermata_plugin.digests import digest_of_value
from fermata_spec import deadlines, errors, limits
from fermata_spec.config import Config
from fermata_spec.names import POLICY_NAME, object_name, plan_name
from fermata_spec.packing import is_packed, pack
from fermata_spec.plan import Plan, dump_plan
from fermata_spec.problems import Problem

PLAN_KEY = "plan.json"
_CONTAINER = "fermata"
_PLAN_FOLDER = "/etc/fermata/plan"
_POLICY = "policy"
_POLICY_FOLDER = "/etc/fermata/policy"
_LEDGER = "fermata-ledger"
# Another attempt will not help: misconfigured, answered no, rejected, inconclusive, a bug.
FINAL_CODES = sorted(
    {
        errors.SettingsError.exit_code,
        errors.RefusedError.exit_code,
        errors.RejectedError.exit_code,
        errors.InconclusiveError.exit_code,
        errors.BUG_EXIT_CODE,
    }
)


class _Hook(NamedTuple):
    command: str
    phase: str
    own_deadline: float
    wave: int = 0


def make_hooks(
    plan: Plan, config: Config, problems: list[Problem], *, policy_needed: bool = False
) -> list[Manifest]:
    """Return the plan's ConfigMap and the hook Jobs of ``plan``.

    ``policy_needed``: a hook without the policy's ConfigMap does not even start.
    """
    configmap = _plan_configmap(plan)
    check_size(configmap, "the plan's ConfigMap", problems)
    jobs = [_job(hook, plan, config) for hook in _hooks(plan, config)]
    for job in jobs if policy_needed else ():
        _policy_volume(job)["configMap"]["optional"] = False
    return [configmap, *jobs]


def _hooks(plan: Plan, config: Config) -> Iterator[_Hook]:
    yield _Hook("hold", "PreSync", deadlines.hold_deadline(plan))
    if config.hooks.post == "joined":
        yield _Hook("finish", "PostSync", deadlines.finish_deadline(plan))
        yield _Hook("release", "SyncFail", deadlines.release_deadline(plan))
        return
    yield _Hook("verify", "PostSync", deadlines.verify_deadline(plan))
    if plan.smoke.dags:
        yield _Hook("smoke", "PostSync", deadlines.smoke_deadline(plan), wave=1)
    # One object for both phases: of two with one name Argo CD would take the last.
    yield _Hook("release", "PostSync,SyncFail", deadlines.release_deadline(plan), wave=2)


def digest_of_hooks(hooks: Sequence[Manifest], plan: Plan) -> str:
    """Return a digest of what the hooks do, whatever the revision, the branch and the DAGs.

    Hooks are no difference to Argo CD: without this in an ordinary object a change of hooks alone
    would never be synced by itself.
    """
    jobs = [hook for hook in hooks if hook["kind"] == "Job"]
    policy = asdict(replace(plan, revision="", target="", dags=()))
    return digest_of_value({"jobs": jobs, "policy": policy}, plain_keys=True)


def _plan_configmap(plan: Plan) -> Manifest:
    content = pack(dump_plan(plan))
    held: Manifest = (
        {"binaryData": {PLAN_KEY: b64encode(content).decode()}}
        if is_packed(content)
        else {"data": {PLAN_KEY: content.decode()}}
    )
    return with_server_side_apply(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": plan_name(plan.application),
                "annotations": _annotations("PreSync", keep=False),
            },
            **held,
        }
    )


def _annotations(phase: str, *, keep: bool, wave: int = 0) -> dict[str, str]:
    policies = ["BeforeHookCreation"] if keep else ["BeforeHookCreation", "HookSucceeded"]
    return {
        "argocd.argoproj.io/hook": phase,
        "argocd.argoproj.io/hook-delete-policy": ",".join(policies),
        "argocd.argoproj.io/sync-wave": str(wave),
    }


def _job(hook: _Hook, plan: Plan, config: Config) -> Manifest:
    name = object_name(f"fermata-{hook.command}", plan.application, limit=limits.HOOK_NAME.value)
    labels = {"app.kubernetes.io/name": "fermata", "app.kubernetes.io/component": hook.command}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "labels": labels,
            "annotations": _annotations(hook.phase, keep=config.hooks.keep, wave=hook.wave),
        },
        "spec": {
            "backoffLimit": 3,
            "activeDeadlineSeconds": deadlines.active_deadline(hook.own_deadline),
            "podFailurePolicy": {
                "rules": [
                    {
                        "action": "FailJob",
                        "onExitCodes": {
                            "containerName": _CONTAINER,
                            "operator": "In",
                            "values": FINAL_CODES,
                        },
                    },
                    {
                        "action": "Ignore",
                        "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}],
                    },
                ]
            },
            "template": {"metadata": {"labels": labels}, "spec": _pod(hook, name, plan, config)},
        },
    }


def _pod(hook: _Hook, job: str, plan: Plan, config: Config) -> Manifest:
    volumes: list[Manifest] = [
        {"name": "plan", "configMap": {"name": plan_name(plan.application)}},
        {"name": _POLICY, "configMap": {"name": POLICY_NAME, "optional": True}},
    ]
    mounts = [
        {"name": "plan", "mountPath": _PLAN_FOLDER, "readOnly": True},
        {"name": _POLICY, "mountPath": _POLICY_FOLDER, "readOnly": True},
    ]
    rolls_back = hook.command == "release" and config.rollback.enabled
    repository = hook_identity.repository(config.rollback) if rolls_back else ()
    for each in (*hook_identity.mounted(config), *repository):
        volumes.append(each.volume)
        mounts.append(each.mount)
    return {
        "restartPolicy": "Never",
        "serviceAccountName": config.hooks.service_account,
        # A Service called fermata-... would else put FERMATA_* variables into the environment.
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 60,
        "securityContext": {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": _CONTAINER,
                "image": (rolls_back and config.rollback.image) or config.hooks.image,
                "command": ["fermata", hook.command],
                "env": [
                    {"name": name, "value": value}
                    for name, value in _environment(plan, config).items()
                ]
                + (hook_identity.REPOSITORY if rolls_back else [])
                + _own_job(job),
                "resources": {
                    "requests": {"cpu": "50m", "memory": "64Mi"},
                    "limits": {"memory": "256Mi"},
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "volumeMounts": mounts,
            }
        ],
        "volumes": volumes,
    }


def _policy_volume(job: Manifest) -> Manifest:
    volumes: list[Manifest] = job["spec"]["template"]["spec"]["volumes"]
    return next(volume for volume in volumes if volume["name"] == _POLICY)


def _own_job(job: str) -> list[Manifest]:
    """Return the variables that say which Job a pod is of; the label is the Job controller's."""
    field = {"fieldPath": "metadata.labels['controller-uid']"}
    uid = {"name": "FERMATA_JOB_UID", "valueFrom": {"fieldRef": field}}
    return [{"name": "FERMATA_JOB", "value": job}, uid]


def _environment(plan: Plan, config: Config) -> dict[str, str]:
    environment = {
        "FERMATA_PLAN": f"{_PLAN_FOLDER}/{PLAN_KEY}",
        "FERMATA_POLICY": _POLICY_FOLDER,
        "FERMATA_LOG": "json",
    }
    if plan.namespace:
        environment["FERMATA_LEDGER"] = f"kubernetes:{plan.namespace}/{_LEDGER}"
    return environment | hook_identity.environment(config)
