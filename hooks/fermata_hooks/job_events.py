"""The one line of a report as an Event on the hook's own Job.

Argo CD's UI shows of a hook that failed its Job's exit code; on the Job's EVENTS tab, and for
``kubectl describe job``, the line itself stands. An Event is news and no record: that it cannot be
written is no failure of the hook.
"""

import logging

from fermata_hooks.clock import Clock, rfc3339
from fermata_hooks.kube import Objects
from fermata_hooks.settings import OwnJob
from fermata_spec.errors import RejectedError, SettingsError, UnavailableError
from fermata_spec.report import Report, Verdict

MESSAGE_BYTES = 1024  # what an Event may carry (the API of events.k8s.io refuses more)
REASONS: dict[Verdict, str] = {"pass": "Passed", "fail": "Failed", "inconclusive": "Inconclusive"}

log = logging.getLogger("fermata.events")


def announce(report: Report, job: OwnJob, events: Objects, *, namespace: str, clock: Clock) -> None:
    """Write the Event (``create`` of ``events``); that it cannot be written is only told."""
    at = rfc3339(clock.now())
    body = {
        "metadata": {"generateName": f"{job.name[:50]}-"},
        "involvedObject": {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "namespace": namespace,
            "name": job.name,
            "uid": job.uid,
        },
        "type": "Normal" if report.verdict == "pass" else "Warning",
        "reason": REASONS[report.verdict],
        "message": report.one_line().encode()[:MESSAGE_BYTES].decode(errors="ignore"),
        "source": {"component": "fermata"},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }
    try:
        events.create(body)
    except (UnavailableError, RejectedError, SettingsError) as exc:
        log.info("%s: its Event is not written: %s", job.name, exc)
