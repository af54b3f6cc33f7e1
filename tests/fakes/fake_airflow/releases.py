"""What differs between the releases that the fake can be, as data; measured on the real ones."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Release:
    """One release of Airflow.

    ``refused_rows``: statuses of refused pauses that leave a row in the event log all the same.
    ``false_values``: the log says ``false`` whatever was asked (a bug of 3.0).
    ``bulk_by_page``: a bulk pause changes one page of DAGs only.
    ``unauthenticated``: status for wrong or missing credentials.
    """

    version: str
    root: str
    default_limit: int
    absolute_files: bool
    refused_rows: frozenset[int] = frozenset()
    false_values: bool = False
    bulk_by_page: bool = False
    unauthenticated: int = 401

    @property
    def generation(self) -> int:
        """Return 2 or 3."""
        return int(self.version[0])


_V2 = Release(
    version="2.11.2",
    root="/api/v1",
    default_limit=100,
    absolute_files=True,
    refused_rows=frozenset({404}),
    bulk_by_page=True,
    unauthenticated=403,
)
_V3 = Release(
    version="3.3.2",
    root="/api/v2",
    default_limit=50,
    absolute_files=False,
    refused_rows=frozenset({400, 404}),
)
_V3_1 = replace(_V3, version="3.1.8", refused_rows=frozenset(), bulk_by_page=True)

RELEASES = {
    "2.10.5": replace(_V2, version="2.10.5", unauthenticated=401),
    "2.11.2": _V2,
    "3.0.6": replace(_V3_1, version="3.0.6", absolute_files=True, false_values=True),
    "3.1.8": _V3_1,
    "3.2.2": replace(_V3, version="3.2.2"),
    "3.3.2": _V3,
}
