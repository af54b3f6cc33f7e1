"""Every way a sync can end, told on a fake Argo CD as it was measured on Argo CD 3.6.

Each story begins with a sync of ``demo`` whose PreSync Job ``fermata-hold-demo`` runs.
"""

from collections.abc import Callable

from fakes.fake_argocd import FakeArgoCd

Story = Callable[[FakeArgoCd], object]


def applied(argocd: FakeArgoCd, *, hook: str = "") -> None:
    argocd.end_job("fermata-hold-demo")
    argocd.saw_hooks_end("demo")
    if hook:
        argocd.hook("demo", f"fermata-{hook}-demo", "PostSync" if hook == "finish" else "SyncFail")


def terminated_in_presync(argocd: FakeArgoCd) -> None:
    argocd.saw_hooks_end("demo", "Failed")
    argocd.end("demo", "Failed", "Operation terminated")


def terminated_in_postsync(argocd: FakeArgoCd) -> None:
    applied(argocd, hook="finish")
    argocd.saw_hooks_end("demo", "Failed")
    argocd.end("demo", "Failed", "Operation terminated")


def terminated_in_sync_fail(argocd: FakeArgoCd) -> None:
    applied(argocd, hook="release")
    argocd.saw_hooks_end("demo", "Failed")
    argocd.end("demo", "Failed", "Operation terminated")


def timed_out(argocd: FakeArgoCd) -> None:
    argocd.saw_hooks_end("demo", "Failed")
    argocd.end("demo", "Failed", "Operation terminated, triggered by controller sync timeout")


def failed_and_its_sync_fail_job_failed_too(argocd: FakeArgoCd) -> None:
    applied(argocd, hook="release")
    argocd.saw_hooks_end("demo", "Failed")
    argocd.end("demo", "Failed", "one or more objects failed to apply")


def plugin_failed_during_presync(argocd: FakeArgoCd) -> None:
    argocd.end("demo", "Error", "ComparisonError: Failed to load target state")


def succeeded_and_nobody_released(argocd: FakeArgoCd) -> None:
    applied(argocd)
    argocd.end("demo", "Succeeded", "successfully synced (no more tasks)")


def hookless_sync_afterwards(argocd: FakeArgoCd) -> None:
    terminated_in_presync(argocd)
    argocd.begin("demo", revision="c" * 40)
    argocd.end("demo", "Succeeded", "successfully synced (all tasks run)")


ENDED: dict[str, tuple[Story, str]] = {
    "terminated during PreSync": (terminated_in_presync, "Failed: Operation terminated"),
    "terminated during PostSync": (terminated_in_postsync, "Failed: Operation terminated"),
    "terminated during SyncFail": (terminated_in_sync_fail, "Failed: Operation terminated"),
    "timed out": (timed_out, "triggered by controller sync timeout"),
    "SyncFail failed too": (failed_and_its_sync_fail_job_failed_too, "failed to apply"),
    "plugin failed during PreSync": (plugin_failed_during_presync, "Error: ComparisonError"),
    "succeeded, and nobody released": (succeeded_and_nobody_released, "Succeeded"),
    "a sync without hooks came after it": (hookless_sync_afterwards, "its sync ended"),
}


def still_in_presync(argocd: FakeArgoCd) -> None:
    """Nothing happens."""


def waits_for_its_next_attempt(argocd: FakeArgoCd) -> None:
    argocd.back_off("demo")


def stands_still_after_a_restart(argocd: FakeArgoCd) -> None:
    argocd.end_job("fermata-hold-demo")


def frozen_by_a_window_and_terminating(argocd: FakeArgoCd) -> None:
    argocd.end("demo", "Terminating", "Sync operation blocked by sync window")


def newer_revision_began(argocd: FakeArgoCd) -> None:
    terminated_in_presync(argocd)
    argocd.begin("demo", revision="c" * 40)


def newer_revision_was_asked_for(argocd: FakeArgoCd) -> None:
    terminated_in_presync(argocd)
    argocd.applications["demo"]["operation"] = {"sync": {"revision": "c" * 40}}


def sync_fail_still_works_on_an_older_argo_cd(argocd: FakeArgoCd) -> None:
    applied(argocd, hook="release")
    argocd.end("demo", "Failed", "one or more tasks completed unsuccessfully")


def never_had_an_operation(argocd: FakeArgoCd) -> None:
    del argocd.applications["demo"]["status"]["operationState"]


NOT_ENDED: dict[str, Story] = {
    "in PreSync": still_in_presync,
    "waits for its next attempt": waits_for_its_next_attempt,
    "stands still after a restart of the controller": stands_still_after_a_restart,
    "frozen by a window": frozen_by_a_window_and_terminating,
    "a newer revision began": newer_revision_began,
    "a newer revision was asked for": newer_revision_was_asked_for,
    "SyncFail still works": sync_fail_still_works_on_an_older_argo_cd,
    "no operation is known": never_had_an_operation,
}
