"""What every test relies on: real components by mark, a clean environment, loopback only."""

import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

import components
from fermata_hooks.demo.airflow_release import DEFAULT_VERSION, RELEASES
from images import built_image

LOOPBACK = ["127.0.0.1", "::1", "localhost"]
CLUSTER_VARIABLE = "KUBECONFIG"
SLOW_SECONDS = 1.0
MAY_BE_SLOW = {"airflow", "kubernetes", "docker", "slow", "long"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--airflow",
        metavar="VERSION",
        default=os.environ.get("AIRFLOW") or DEFAULT_VERSION,
        help="the Airflow of tests marked airflow (default: the variable AIRFLOW, or %(default)s)",
    )


def pytest_configure(config: pytest.Config) -> None:
    if (version := config.getoption("airflow")) not in RELEASES:
        raise pytest.UsageError(f"Airflow {version}: unknown; known: {', '.join(RELEASES)}")
    components.begin(config, os.environ)
    # On a busy machine a time proves nothing; pytest's own timeout ends what hangs.
    settings.register_profile("fermata", deadline=None)
    settings.load_profile("fermata")
    # What a person has exported for Fermata or for an Airflow of theirs must not reach our own, and
    # a test that does not say `kubernetes` must not find their cluster.
    for name in [name for name in os.environ if name.startswith(("FERMATA_", "AIRFLOW_"))]:
        del os.environ[name]
    os.environ[CLUSTER_VARIABLE] = os.devnull


def pytest_report_header(config: pytest.Config) -> str:
    required = config.stash[components.required]
    names = ", ".join(sorted(required)) or "nothing"
    return f"fermata: Airflow {config.getoption('airflow')}; required: {names}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    allowed = LOOPBACK + components.hosts(config.stash[components.found])
    for item in items:
        if item.get_closest_marker("kubernetes") or item.get_closest_marker("docker"):
            item.add_marker(pytest.mark.allow_hosts(allowed))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    cluster = item.config.stash[components.found].get(CLUSTER_VARIABLE)
    if cluster is None or item.get_closest_marker("kubernetes") is None:
        return (yield)
    os.environ[CLUSTER_VARIABLE] = cluster
    try:
        return (yield)
    finally:
        os.environ[CLUSTER_VARIABLE] = os.devnull


def pytest_runtest_setup(item: pytest.Item) -> None:
    components.require_marked(item)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    calls = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if report.when == "call"
    ]
    for report in calls:
        if report.duration > SLOW_SECONDS and not MAY_BE_SLOW & report.keywords.keys():
            terminalreporter.write_line(
                f"{report.nodeid}: {report.duration:.1f} s, and not marked slow", yellow=True
            )
    for line in components.summary(config):
        terminalreporter.write_line(line, red=True, bold=True)


@pytest.fixture(scope="session")
def airflow_version(pytestconfig: pytest.Config) -> str:
    """The version that tests marked ``airflow`` run against."""
    return str(pytestconfig.getoption("airflow"))


@pytest.fixture(scope="session")
def image() -> Iterator[str]:
    """The name of our image, for tests marked ``docker``."""
    with built_image() as name:
        yield name
