"""Findings about schedules and secrets: what is taken, and what is never repeated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_plugin.formats.secrets import find_secrets
from fermata_spec.cron import problems_of_schedule


@pytest.mark.parametrize(
    "schedule",
    [
        "* * * * *",
        "0 0 1 1 *",
        "*/15 0-23/2 1-7,15,31 JAN,mar-may SUN-sat",
        "59 23 31 12 7",
        "0 12 ? * MON#2",
        "0 0 L * *",
        "0 0 * * L5",
        "5 4 * * sun 0",
        "0 0 1 1 * 0 2030",
        "@daily",
        "@continuous",
        " None ",
        "22 22-4 * * *",
    ],
)
def test_what_airflow_reads_is_taken(schedule: str) -> None:
    assert list(problems_of_schedule(schedule)) == []


@given(st.text(max_size=40))
def test_any_text_is_judged_without_an_exception(text: str) -> None:
    list(problems_of_schedule(text))


@given(
    st.tuples(
        st.integers(0, 59),
        st.integers(0, 23),
        st.integers(1, 31),
        st.integers(1, 12),
        st.integers(0, 7),
    ),
    st.integers(0, 4),
)
def test_a_number_within_its_bounds_is_taken_and_one_above_is_not(
    numbers: tuple[int, ...], field: int
) -> None:
    assert list(problems_of_schedule(" ".join(map(str, numbers)))) == []

    above = [str(99 if at == field else number) for at, number in enumerate(numbers)]
    assert len(list(problems_of_schedule(" ".join(above)))) == 1


SECRETS = {
    "an AWS access key": "AKIA" + "Z" * 16,
    "a private key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
    "a GitHub token": "ghp_" + "a1" * 18,
    "a GitLab token": "glpat-" + "a" * 20,
    "a Slack token": "xoxb-" + "1" * 12,
    "a Google API key": "AIza" + "b" * 35,
    "a password in a URL": "mysql://root:" + "hunter2@db:3306/x",
}


@pytest.mark.parametrize(("what", "secret"), SECRETS.items(), ids=SECRETS)
def test_a_secret_is_found_at_its_place_and_not_repeated(what: str, secret: str) -> None:
    found = list(find_secrets(f"a: b\nc: {secret}\n"))

    assert [(place.line, place.column, told) for place, told in found] == [(2, 4, what)]
    assert secret not in str(found)


@pytest.mark.parametrize(
    "text",
    [
        "https://example.com:8080/path@v1",
        "postgresql://{{ user }}:{{ password }}@db/x",
        "postgresql://user:$PASSWORD@db/x",
        "ssh://git@example.com/repo",
        "task-sk_live_short",
        "sha1: da39a3ee5e6b4b0d3255bfef95601890afd80709",
    ],
)
def test_what_is_no_secret_is_not_told(text: str) -> None:
    assert list(find_secrets(text)) == []
