"""How each check counts: enforced, told only, or not made (``verify.checks``)."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from fermata_hooks.verification._finding import Finding, Light
from fermata_spec.plan import Mode


def mode_of(modes: Mapping[str, Mode], check: str) -> Mode:
    """Return how ``check`` (as a report names it) counts."""
    return modes.get(check.replace(" ", "_"), "enforce")


def applied(modes: Mapping[str, Mode], findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that count, as they count.

    One that is only told passes, is not waited for, and says what it would have been.
    """
    counted = []
    for finding in findings:
        match mode_of(modes, finding.check.name):
            case "enforce":
                counted.append(finding)
            case "warn":
                counted.append(_told(finding))
            case "off":
                pass
    return counted


def _told(finding: Finding) -> Finding:
    check = finding.check
    if check.verdict == "pass":
        return finding
    message = f"warning, would be {check.verdict}: {check.message}"
    return Finding(replace(check, verdict="pass", message=message), Light.GREEN)
