"""How long each hook may take, so that deadlines nest: hook's own < ``activeDeadlineSeconds``.

A hook ends by itself after its own deadline, with a report; Kubernetes' deadline only ends what
hangs, and counts the time until a pod runs and every retry.
"""

from fermata_spec.plan import Plan, ReleasePolicy

SETTLING = 120.0  # a hook's requests before and after what it waits for
CHANGING = 300.0  # the requests that pause or resume 10,000 DAGs, 8 at a time (measured: 200-290 s)
STAGGERING = 600.0  # for all DAGs together: with many of them there is less time between two
ROLLING_BACK = 300.0  # fetching, making and pushing one revert commit
STARTING = 300.0  # scheduling the pod and pulling its image, and the retries of a lost node


def changing_deadline(late: float) -> float:
    """Return the seconds for pausing, or for settling: longer than ``late``, which both await."""
    return late + CHANGING


def hold_deadline(plan: Plan) -> float:
    """Return the seconds that ``hold`` gives itself: it pauses, and then drains."""
    return changing_deadline(plan.hold.late) + plan.hold.longest_drain + SETTLING


def finish_deadline(plan: Plan) -> float:
    """Return the seconds that ``finish`` (verify, smoke, release) gives itself."""
    waits = verify_deadline(plan) + smoke_deadline(plan) - 2 * SETTLING
    return waits + release_deadline(plan)


def verify_deadline(plan: Plan) -> float:
    """Return the seconds that ``verify`` gives itself."""
    return plan.verify.deadline + plan.verify.settle + SETTLING


def smoke_deadline(plan: Plan) -> float:
    """Return the seconds that ``smoke`` gives itself."""
    return (plan.smoke.deadline if plan.smoke.dags else 0.0) + SETTLING


def release_deadline(plan: Plan) -> float:
    """Return the seconds that ``release`` gives itself."""
    rollback = ROLLING_BACK if plan.rollback.enabled else 0.0
    return changing_deadline(plan.hold.late) + SETTLING + staggering(plan.release) + rollback


def staggering(policy: ReleasePolicy) -> float:
    """Return the seconds that letting DAGs go on one after the other may take in all."""
    return STAGGERING if policy.stagger else 0.0


def active_deadline(own: float) -> int:
    """Return ``activeDeadlineSeconds`` for a hook that ends by itself after ``own`` seconds."""
    return int(own + STARTING)
