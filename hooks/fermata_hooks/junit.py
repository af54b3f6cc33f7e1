"""A report as JUnit XML, which CI systems show: a check is a test case.

What fails is a ``failure``; what could not be told is an ``error``, as a test is that could not be
run. A report that did not pass although all its checks did ends with a case that says why.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from html import escape

from fermata_spec.report import Check, Report

# What XML 1.0 cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAGS = {"fail": "failure", "inconclusive": "error"}


def to_junit(report: Report) -> str:
    """Return ``report`` as one XML document, with a newline at its end."""
    cases = list(report.checks)
    if not cases or (report.verdict != "pass" and all(c.verdict == "pass" for c in cases)):
        cases.append(Check(name="verdict", verdict=report.verdict, message=report.message))
    counts = {
        "tests": len(cases),
        "failures": sum(case.verdict == "fail" for case in cases),
        "errors": sum(case.verdict == "inconclusive" for case in cases),
        "skipped": 0,
    }
    suite = {
        "name": f"fermata {report.hook} {report.application}@{report.revision[:12]}",
        **counts,
        "time": _seconds(report),
        "timestamp": report.started,
    }
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", _open("testsuite", suite)]
    for case in cases:
        lines += _case(case, report.hook)
    return "\n".join([*lines, "</testsuite>", "</testsuites>", ""])


def _case(check: Check, hook: str) -> list[str]:
    took = check.numbers.get("seconds", 0)
    attributes = {"classname": f"fermata.{hook}", "name": check.name, "time": took}
    opened = _open("testcase", attributes)
    text = _text("\n".join([check.message, *check.lines]))
    if check.verdict == "pass":
        return [opened, f"<system-out>{text}</system-out>", "</testcase>"]
    tag = _TAGS[check.verdict]
    inner = _open(tag, {"message": check.message, "type": check.verdict})
    return [opened, f"{inner}{text}</{tag}>", "</testcase>"]


def _open(tag: str, attributes: Mapping[str, object]) -> str:
    said = "".join(f' {name}="{_text(str(value))}"' for name, value in attributes.items())
    return f"<{tag}{said}>"


def _text(text: str) -> str:
    return escape(_FORBIDDEN.sub("\ufffd", text))


def _seconds(report: Report) -> float:
    if not report.started or not report.finished:
        return 0.0
    ends = [datetime.fromisoformat(at) for at in (report.started, report.finished)]
    return (ends[1] - ends[0]).total_seconds()
