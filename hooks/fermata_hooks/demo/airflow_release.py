"""The Airflow releases that we can install and start, and what differs between them, as data."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fermata_spec.errors import SettingsError

Generation = Literal["2", "3"]
Role = Literal["admin", "op", "user", "viewer"]

DEFAULT_VERSION = "3.3.2"


@dataclass(frozen=True, kw_only=True)
class Release:
    """How one release is installed and started.

    ``cutoff``: packages published later are not considered (a release resolves to what was
    current when it came out, and needs no constraint file). ``newest_python``: the newest minor
    that it supports. ``processes``: the arguments of ``airflow`` for each process.
    ``components``: what its health must say is healthy before it counts as started.
    ``shortened``: waits of its own that only cost time where the files change once a minute;
    keys are ``section.option`` of ``airflow.cfg``. ``added`` are further packages.
    """

    version: str
    cutoff: str
    newest_python: int
    generation: Generation
    processes: Mapping[str, tuple[str, ...]]
    health_path: str
    components: tuple[str, ...]
    shortened: Mapping[str, str] = field(default_factory=dict)
    added: tuple[str, ...] = ()

    @property
    def packages(self) -> tuple[str, ...]:
        """Return what is installed; the standard provider gives 2.x and 3.x the same operators."""
        return (
            f"apache-airflow=={self.version}",
            "apache-airflow-providers-standard",
            "dag-factory",
            *self.added,
        )

    @property
    def name(self) -> str:
        """Return what tells an installation of it from others."""
        return "-".join([self.version, f"py{self.python}", *self.added])

    @property
    def python(self) -> str:
        """Return the Python (``3.11``) to install it with: ours, or the newest it supports."""
        return f"3.{min(sys.version_info.minor, self.newest_python)}"


_SHORTENED_3 = {
    "core.min_serialized_dag_update_interval": "0",
    "dag_processor.refresh_interval": "2",
    "dag_processor.bundle_refresh_check_interval": "1",
    "dag_processor.min_file_process_interval": "2",
    "dag_processor.stale_dag_threshold": "5",
    "scheduler.parsing_cleanup_interval": "5",
}
_SHORTENED_2 = {
    "core.min_serialized_dag_update_interval": "0",
    "core.min_serialized_dag_fetch_interval": "0",
    "scheduler.dag_dir_list_interval": "2",
    "scheduler.min_file_process_interval": "2",
    "scheduler.stale_dag_threshold": "5",
    "scheduler.parsing_cleanup_interval": "5",
}
USUALLY: Mapping[str, str] = {  # what Airflow's defaults are
    "core.min_serialized_dag_update_interval": "30",
    "core.min_serialized_dag_fetch_interval": "10",
    "dag_processor.refresh_interval": "300",
    "dag_processor.bundle_refresh_check_interval": "5",
    "dag_processor.min_file_process_interval": "30",
    "dag_processor.stale_dag_threshold": "50",
    "scheduler.dag_dir_list_interval": "300",
    "scheduler.min_file_process_interval": "30",
    "scheduler.stale_dag_threshold": "50",
    "scheduler.parsing_cleanup_interval": "60",
}
# No log servers: they listen on all interfaces, and where scheduler and web server share a disk
# nobody asks them.
_PROCESSES_3 = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
}
_PROCESSES_2 = {
    "webserver": ("webserver",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
}

RELEASES: Mapping[str, Release] = {
    release.version: release
    for release in (
        Release(
            version="3.3.2",
            cutoff="2026-09-24",
            newest_python=13,
            generation="3",
            processes=_PROCESSES_3,
            health_path="/api/v2/monitor/health",
            components=("metadatabase", "scheduler", "dag_processor"),
            shortened=_SHORTENED_3,
        ),
        Release(
            version="2.11.2",
            cutoff="2026-03-21",
            newest_python=12,
            generation="2",
            processes=_PROCESSES_2,
            health_path="/api/v1/health",
            components=("metadatabase", "scheduler"),
            shortened=_SHORTENED_2,
        ),
    )
}


def release_of(version: str) -> Release:
    """Return the release called ``version``; raise ``SettingsError`` naming those we know."""
    try:
        return RELEASES[version]
    except KeyError:
        known = ", ".join(RELEASES)
        raise SettingsError(f"Airflow {version}: not one that is known here: {known}") from None
