"""What is generated is current, and what is declared is complete."""

import json
import re
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from fermata_cli.frame import run
from fermata_plugin.reference import updated
from fermata_spec.rules import RULES

ROOT = Path(__file__).parent.parent.parent
GOLDEN = ROOT / "tests" / "golden"
PAGE = ROOT / "docs" / "render.md"
NAMED = re.compile(
    r"""(?:report|problem|Problem)\([^"(]*?(?:\([^"()]*\))?[^"(]*?"([a-z0-9-]+)",""",
)


def test_the_page_is_what_the_declarations_say() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert updated(page) == page


def test_every_rule_of_a_golden_folder_is_in_the_table() -> None:
    lines = [
        line.removeprefix("old: ").removeprefix("new: ")
        for path in GOLDEN.glob("*/*.err")
        for line in path.read_text().splitlines()
        if line
    ]

    assert lines
    for line in lines:
        assert line.split(": ")[1] in RULES


def test_every_rule_that_the_code_names_is_in_the_table() -> None:
    sources = [*(ROOT / "plugin").rglob("*.py")]

    named = {rule for path in sources for rule in NAMED.findall(path.read_text(encoding="utf-8"))}

    assert len(named) > 30
    assert named <= RULES.keys()


def test_the_schema_takes_every_golden_fermata_yaml_that_the_reader_takes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["schema"]) == 0
    validator = jsonschema.Draft202012Validator(json.loads(capsys.readouterr().out))

    for path in GOLDEN.glob("*/fermata.yaml"):
        if (path.parent / "expected.yaml").exists():
            validator.validate(yaml.safe_load(path.read_text()))
    for case in ("fermata-yaml-problems", "fermata-yaml-unknown-rule"):
        text = (GOLDEN / case / "fermata.yaml").read_text()
        assert not validator.is_valid(yaml.safe_load(text))
