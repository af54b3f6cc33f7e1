"""Does Airflow offer what git counts on? Asked before anything is paused.

What the metadata database does not have is absent only where nothing else could have it: pools and
providers. A connection or a variable may also be in the environment of a worker or in a secrets
backend, which no API shows: then the answer is inconclusive.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from fermata_hooks.airflow_api import AirflowVersion
from fermata_hooks.airflow_api.offers import Thing
from fermata_spec.errors import RejectedError
from fermata_spec.plan import Expectations
from fermata_spec.report import Check
from fermata_spec.versions import fits

_FORBIDDEN = 403
_ELSEWHERE = "it may be in the environment or in a secrets backend, which the API does not show"


class Offering(Protocol):
    """What there is, by asking."""

    def providers(self) -> Mapping[str, str]:
        """Return the version of each provider package."""

    def has(self, thing: Thing, name: str) -> bool:
        """Return whether the metadata database has such a thing."""


class Airflow(Protocol):
    """What checking the expectations asks of Airflow."""

    @property
    def offers(self) -> Offering:
        """What it offers."""

    def version(self) -> AirflowVersion:
        """Return which Airflow this is."""


def check_expectations(airflow: Airflow, wanted: Expectations) -> tuple[Check, ...]:
    """Return a check for each thing that is wanted; none is asked for that is not.

    Raises:
        RejectedError, UnavailableError: Airflow did not answer, or refused for another reason
            than permissions.

    """
    checks: list[Check] = []
    if wanted.airflow:
        text = airflow.version().text
        checks.append(_version("Airflow", text, wanted.airflow))
    if wanted.providers:
        checks += _asked("Providers", "expects providers", lambda: _providers(airflow, wanted))
    things: tuple[tuple[Thing, tuple[str, ...]], ...] = (
        ("pools", wanted.pools),
        ("connections", wanted.connections),
        ("variables", wanted.variables),
    )
    for thing, names in things:
        if names:
            checks += _asked(thing.capitalize(), f"expects {thing}", _has(airflow, thing, names))
    return tuple(checks)


def _has(airflow: Airflow, thing: Thing, names: tuple[str, ...]) -> Callable[[], list[Check]]:
    def ask() -> list[Check]:
        return [_existence(airflow, thing, name) for name in names]

    return ask


def _asked(resource: str, name: str, ask: Callable[[], list[Check]]) -> list[Check]:
    """Return what ``ask`` finds, or one check that says which permission is missing."""
    try:
        return ask()
    except RejectedError as exc:
        if exc.status != _FORBIDDEN:
            raise
        message = f"not permitted: needs can_read on {resource}"
        return [Check(name=name, verdict="inconclusive", message=message)]


def _providers(airflow: Airflow, wanted: Expectations) -> list[Check]:
    found = airflow.offers.providers()
    return [
        _version(package, found[package], versions)
        if package in found
        else Check(
            name=f"expects {package}",
            verdict="fail",
            message=f"{package}: not installed in Airflow, {versions} is wanted",
        )
        for package, versions in wanted.providers.items()
    ]


def _version(what: str, found: str, wanted: str) -> Check:
    name, numbers = f"expects {what}", {"found": found, "wanted": wanted}
    fit = fits(found, wanted)
    if fit is None:
        message = f"{what} {found!r} has no numbers to hold against {wanted}"
        return Check(name=name, verdict="inconclusive", message=message, numbers=numbers)
    if not fit:
        message = f"{what} is {found}, {wanted} is wanted"
        return Check(name=name, verdict="fail", message=message, numbers=numbers)
    return Check(name=name, verdict="pass", message=f"{what} {found}", numbers=numbers)


def _existence(airflow: Airflow, thing: Thing, name: str) -> Check:
    one = thing.removesuffix("s")
    check = f"expects {one} {name}"
    if airflow.offers.has(thing, name):
        return Check(name=check, verdict="pass", message=f"{one} {name} is there")
    if thing == "pools":
        return Check(name=check, verdict="fail", message=f"{one} {name}: Airflow has none")
    message = f"{one} {name}: not in Airflow's database; {_ELSEWHERE}"
    return Check(name=check, verdict="inconclusive", message=message)
