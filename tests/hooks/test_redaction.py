"""What looks like a secret does not leave a log line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_hooks.redaction import LOOKED_AT, MAX_LINE, redact, redact_lines


@pytest.mark.parametrize(
    ("line", "secret"),
    [
        pytest.param("postgresql://etl:hunter2@db:5432/x failed", "hunter2", id="address"),
        pytest.param("redis://:hunter2@cache/0", "hunter2", id="address without a user"),
        pytest.param("Authorization: Bearer abcdefgh12345", "abcdefgh12345", id="bearer"),
        pytest.param("{'password': 'hunter2', 'host': 'db'}", "hunter2", id="a dict's repr"),
        pytest.param('{"api_key": "k-1234567"}', "k-1234567", id="JSON"),
        pytest.param("DB_PASSWORD=hunter2 started", "hunter2", id="variable"),
        pytest.param("curl --token abc123 https://x", "abc123", id="argument"),
        pytest.param("key AKIAIOSFODNN7EXAMPLE in use", "AKIAIOSFODNN7EXAMPLE", id="AWS key id"),
        pytest.param("eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl", "c2lnbmF0dXJl", id="JWT"),
        pytest.param("client_secret: 'a b c'", "a b c", id="with spaces"),
        pytest.param("aws_secret_access_key => xyz/123", "xyz/123", id="arrow"),
    ],
)
def test_a_secret_is_masked(line: str, secret: str) -> None:
    assert secret in line
    assert secret not in redact(line)
    assert "***" in redact(line)


@pytest.mark.parametrize(
    "line",
    [
        "ModuleNotFoundError: No module named 'nowhere'",
        'File "/opt/airflow/dags/sales.py", line 7, in <module>',
        "https://airflow.example/dags/etl/grid",
        "ValueError: 3 rows expected, 2 found",
    ],
)
def test_an_ordinary_line_stays_as_it_is(line: str) -> None:
    assert redact(line) == line


def test_a_private_key_is_one_mask() -> None:
    lines = [
        "before",
        "-----BEGIN RSA PRIVATE KEY-----",
        "MIIE",
        "abc",
        "-----END RSA PRIVATE KEY-----",
    ]

    assert redact_lines([*lines, "after"], most=10)[0] == "before"
    assert "MIIE" not in redact_lines([*lines, "after"], most=10)
    assert redact_lines([*lines, "after"], most=10)[-1] == "after"


def test_the_last_lines_are_kept() -> None:
    assert redact_lines([str(number) for number in range(50)], most=3) == ("47", "48", "49")


@given(st.text(max_size=3000))
def test_a_line_is_one_bounded_printable_line(text: str) -> None:
    line = redact(text)

    assert len(line) <= MAX_LINE
    assert all(char.isprintable() or char == "\t" for char in line)


def test_of_a_line_without_end_only_the_beginning_is_looked_at() -> None:
    """So that no line costs more than a moment, whatever the patterns make of it."""
    line = redact("password=" + "x" * LOOKED_AT + " the end" + "y" * 1_000_000)

    assert line == "password=***"
