"""Findings as SARIF 2.1.0, which code hosts show beside the lines of a change."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from fermata_spec import __version__
from fermata_spec.problems import Problem, one_line
from fermata_spec.rules import RULES


def sarif(problems: Sequence[Problem]) -> dict[str, Any]:
    """Return one run with a result for each problem."""
    named = sorted({problem.rule for problem in problems})
    driver = {
        "name": "fermata lint",
        "version": __version__,
        "rules": [
            {"id": rule, "shortDescription": {"text": RULES.get(rule, rule)}} for rule in named
        ],
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": [_result(each) for each in problems]}],
    }


def _result(problem: Problem) -> dict[str, Any]:
    region = {"startLine": problem.line, "startColumn": problem.column}
    uri = quote(problem.file.encode("utf-8", "surrogateescape"))
    return {
        "ruleId": problem.rule,
        "level": problem.severity,
        "message": {"text": one_line(problem.message)},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}],
    }
