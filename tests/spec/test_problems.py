"""A problem is one line, whatever stands in the checkout."""

from hypothesis import given
from hypothesis import strategies as st

from fermata_spec.problems import Problem, ProblemsError, one_line


def test_a_problem_is_file_line_column_rule_and_message() -> None:
    assert str(Problem("dags/a.yaml", 3, 5, "cycle", "a > b > a")) == (
        "dags/a.yaml:3:5: cycle: a > b > a"
    )


def test_a_warning_says_so() -> None:
    problem = Problem("a.py", 1, 1, "dag-id-computed", "a DAG", "warning")

    assert str(problem) == "a.py:1:1: dag-id-computed: warning: a DAG"


@given(st.text(alphabet=st.characters()))
def test_any_text_becomes_one_printable_line_of_at_most_500_characters(text: str) -> None:
    line = one_line(text)

    assert len(line) <= 500
    assert line.isprintable()
    line.encode()


def test_a_name_that_is_no_utf8_is_shown() -> None:
    assert one_line("a\udcffb\n\x1b[2J") == r"a\udcffb\n\x1b[2J"


def test_an_error_tells_each_problem_on_its_line() -> None:
    error = ProblemsError([Problem("a", 1, 1, "x", "one"), Problem("b", 2, 1, "y", "two")])

    assert str(error).splitlines() == ["a:1:1: x: one", "b:2:1: y: two"]
    assert error.exit_code == 2


def test_an_error_tells_no_more_than_argo_cd_should_keep() -> None:
    problems = [Problem("a", line, 1, "x", "y" * 1000) for line in range(500)]

    lines = str(ProblemsError(problems)).splitlines()

    assert len(lines) == 101
    assert lines[-1] == "and 400 more: fermata lint tells them all"
