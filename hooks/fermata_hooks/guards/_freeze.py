"""Whether a freeze is in force, and until when: by the clock on the wall of its time zone. Pure.

``starts`` and ``ends`` are cron expressions of local time, so a freeze from Friday 18:00 to Monday
08:00 is that in every week, also in the two whose Sundays have 23 or 25 hours. A time that the
clock jumps over is the moment of the jump. Of a time that it shows twice a begin is the first
and an end the second: in doubt it is frozen.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter

from fermata_spec.errors import SettingsError
from fermata_spec.guards import FreezeRule

SET_BACK = timedelta(hours=3)
"""How far a clock may be set back at once: a begin that it shows later may have been before."""


def frozen_until(rule: FreezeRule, now: float) -> float | None:
    """Return when the freeze that is in force ends, in seconds since the epoch; None: none is.

    Raises:
        SettingsError: a window that never ends.

    """
    zone = ZoneInfo(rule.time_zone)
    begins = [_last(text, zone, now) for text in rule.starts]
    began = max((at for at in begins if at is not None), default=None)
    if began is None:
        return None
    ends = _next(rule.ends, zone, began)
    return ends if ends > now else None


def _last(text: str, zone: ZoneInfo, now: float) -> datetime | None:
    """Return the last begin up to ``now``, as the clock shows it."""
    found = croniter(text, _local(now, zone) + SET_BACK)
    try:
        while True:
            shown: datetime = found.get_prev(datetime)
            if _instant(shown.replace(fold=0), zone) <= now:
                return shown
    except CroniterError:  # the 30th of February
        return None


def _next(expressions: Sequence[str], zone: ZoneInfo, began: datetime) -> float:
    """Return the first end after a begin."""
    ends = []
    for text in expressions:
        try:
            shown: datetime = croniter(text, began).get_next(datetime)
        except CroniterError:
            continue
        ends.append(_instant(shown.replace(fold=1), zone))
    if not ends:
        raise SettingsError(f"freeze: {', '.join(expressions)}: it never ends")
    return min(ends)


def _local(at: float, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at, zone).replace(tzinfo=None)


def _instant(shown: datetime, zone: ZoneInfo) -> float:
    """Return when the clock shows that time; one that it jumps over is the moment of the jump."""
    at = shown.replace(tzinfo=zone).timestamp()
    if _local(at, zone) == shown.replace(fold=0):
        return at
    # Read by the time before the jump and by that after it, the instants enclose the jump.
    early, late = sorted(shown.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1))
    after = _offset(late, zone)
    while late - early > 1:
        middle = (early + late) // 2
        if _offset(middle, zone) == after:
            late = middle
        else:
            early = middle
    return late


def _offset(at: float, zone: ZoneInfo) -> timedelta | None:
    return datetime.fromtimestamp(at, zone).utcoffset()
