"""Which sync windows may freeze a sync of an application."""

from typing import Any

import pytest

from fermata_hooks.diagnosis._windows import freezing

APPLICATION = {
    "metadata": {"name": "shop-prod"},
    "spec": {"destination": {"namespace": "airflow", "server": "https://kubernetes.default.svc"}},
}
DENY = {"kind": "deny", "schedule": "0 22 * * *", "duration": "8h"}


@pytest.mark.parametrize(
    ("window", "freezes"),
    [
        ({"applications": ["*"]}, True),
        ({"applications": ["shop-*"]}, True),
        ({"applications": ["other"]}, False),
        ({"namespaces": ["airflow"]}, True),
        ({"namespaces": ["other"], "applications": ["shop-prod"]}, True),
        ({"clusters": ["https://kubernetes.default.svc"]}, True),
        ({"namespaces": ["other"], "applications": ["shop-prod"], "andOperator": True}, False),
        ({"namespaces": ["airflow"], "applications": ["shop-*"], "andOperator": True}, True),
        ({"applications": ["*"], "syncOverrun": True}, False),
        ({"applications": ["*"], "manualSync": True}, True),
        ({"applications": ["*"], "kind": "allow"}, True),
        ({}, False),
        ({"applications": "*"}, False),
    ],
)
def test_a_window_for_the_application_freezes_it_unless_it_lets_a_sync_run_over(
    window: dict[str, Any], *, freezes: bool
) -> None:
    assert freezing([DENY | window], APPLICATION) == ([0] if freezes else [])


def test_what_is_no_window_is_none() -> None:
    assert freezing(["x", None, DENY | {"applications": ["*"]}], APPLICATION) == [2]
