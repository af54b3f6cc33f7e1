"""Durations and shares as people write them: ``90s``, ``15m``, ``1h``, ``5%``."""

import re

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def parse_duration(text: str) -> float:
    """Return the seconds in ``text`` (``90s``, ``1h30m``); raise ``ValueError`` otherwise."""
    seconds, end = 0.0, 0
    for part in _DURATION.finditer(text):
        if part.start() != end:
            break
        seconds += float(part["number"]) * _SECONDS[part["unit"]]
        end = part.end()
    if not text or end != len(text):
        raise ValueError(f"{text!r} is not a duration like 90s, 15m or 1h")
    return seconds


def format_duration(seconds: float) -> str:
    """Return ``seconds`` the way people write it: ``0.4s``, ``12s``, ``3m20s``, ``1h5m``."""
    if seconds < 10:  # noqa: PLR2004 - below this a tenth of a second is worth reading
        return f"{seconds:.1f}s"
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    parts = [f"{hours}h" * bool(hours), f"{minutes}m" * bool(minutes)]
    parts.append(f"{left}s" * bool(left or not whole))
    return "".join(parts)


def parse_share(text: str) -> float:
    """Return ``5%`` as 0.05; raise ``ValueError`` for anything that is not 0% to 100%."""
    number = text.removesuffix("%")
    if number == text or not re.fullmatch(r"\d+(\.\d+)?", number) or float(number) > 100:  # noqa: PLR2004 - per cent
        raise ValueError(f"{text!r} is not a share like 5%")
    return float(number) / 100
