"""How long each hook may take, so that deadlines nest: hook's own < ``activeDeadlineSeconds``.

A hook ends by itself after its own deadline, with a report; Kubernetes' deadline only ends what
hangs, and counts the time until a pod runs and every retry.
"""

from fermata_spec.plan import Plan

SETTLING = 120.0  # a hook's requests before and after what it waits for
STARTING = 300.0  # scheduling the pod and pulling its image, and the retries of a lost node


def hold_deadline(plan: Plan) -> float:
    """Return the seconds that ``hold`` gives itself; longer than ``late``, which it may wait."""
    return plan.hold.longest_drain + plan.hold.late + SETTLING


def finish_deadline(plan: Plan) -> float:
    """Return the seconds that ``finish`` (verify, smoke, release) gives itself."""
    smoke = plan.smoke.deadline if plan.smoke.dags else 0.0
    return plan.verify.deadline + plan.verify.settle + smoke + release_deadline(plan)


def release_deadline(plan: Plan) -> float:
    """Return the seconds that ``release`` gives itself."""
    return plan.hold.late + SETTLING


def active_deadline(own: float) -> int:
    """Return ``activeDeadlineSeconds`` for a hook that ends by itself after ``own`` seconds."""
    return int(own + STARTING)
