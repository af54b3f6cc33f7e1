"""JUnit XML: what CI systems show of a report."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fermata_hooks.junit import to_junit
from fermata_spec.report import Check, Report

REPORT = Report(
    hook="finish",
    application="shop",
    revision="a" * 40,
    started="2026-11-24T10:00:00Z",
    finished="2026-11-24T10:01:30Z",
    verdict="fail",
    message="etl.py: no",
    checks=[
        Check(name="inventory", verdict="pass", message="all there"),
        Check(name="import errors", verdict="fail", message='a "b" <c>', lines=("Traceback", "x")),
        Check(name="evidence", verdict="inconclusive", message="not shown"),
        Check(name="smoke etl", verdict="pass", message="ok", numbers={"seconds": 2.5}),
    ],
)


def suite_of(report: Report) -> ET.Element:
    suite = ET.fromstring(to_junit(report)).find("testsuite")  # noqa: S314 - our own document
    assert suite is not None
    return suite


def test_a_check_is_a_case_with_its_verdict() -> None:
    suite = suite_of(REPORT)

    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "1", "1")
    assert suite.get("time") == "90.0"
    cases = {case.get("name"): [child.tag for child in case] for case in suite}
    assert cases == {
        "inventory": ["system-out"],
        "import errors": ["failure"],
        "evidence": ["error"],
        "smoke etl": ["system-out"],
    }
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert failure.get("message") == 'a "b" <c>'
    assert failure.text == 'a "b" <c>\nTraceback\nx'


@pytest.mark.parametrize("checks", [[], REPORT.checks[:1]], ids=["no check", "all checks passed"])
def test_what_did_not_pass_has_a_case_that_says_so(checks: list[Check]) -> None:
    suite = suite_of(replace(REPORT, checks=checks))

    last = suite.findall("testcase")[-1]
    assert last.get("name") == "verdict"
    assert [child.tag for child in last] == ["failure"]


@given(st.text(), st.lists(st.text(), max_size=3))
def test_any_text_is_well_formed(message: str, lines: list[str]) -> None:
    check = Check(name=message, verdict="fail", message=message, lines=lines)

    suite_of(replace(REPORT, message=message, checks=[check]))
