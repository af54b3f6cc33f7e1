"""Patterns over paths."""

import pytest

from fermata_plugin.patterns import Patterns


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("dags/*.py", "dags/a.py", True),
        ("dags/*.py", "dags/team/a.py", False),
        ("dags/**/*.py", "dags/a.py", True),
        ("dags/**/*.py", "dags/x/y/z/a.py", True),
        ("dags/**", "dags/x/a.py", True),
        ("dags/**", "dag/a.py", False),
        ("**/*.yaml", "a.yaml", True),
        ("**/x/**/*.yaml", "a/x/b/c.yaml", True),
        ("**/x/**/*.yaml", "a/b/c.yaml", False),
        ("dags/?.py", "dags/a.py", True),
        ("dags/?.py", "dags/ab.py", False),
        ("dags/[ab].py", "dags/b.py", True),
        ("dags/[!ab].py", "dags/b.py", False),
        ("./dags//a.py", "dags/a.py", True),
        ("dags/*", "dags/.hidden", False),
        ("dags/.*", "dags/.hidden", True),
        ("**/*.yaml", ".github/a.yaml", False),
        ("dags/*.py", "dags/A.PY", False),
        ("dags/a.py", "dags/aXpy", False),
    ],
)
def test_a_pattern_matches_as_a_shell_would(pattern: str, path: str, *, matches: bool) -> None:
    assert Patterns([pattern]).match(path) == matches


@pytest.mark.parametrize(
    ("patterns", "root"),
    [
        (["dags/**/*.yaml", "dags/*.py"], "dags"),
        (["dags/team/**", "dags/*.py"], "dags"),
        (["a/b/c.py", "a/b/d.py"], "a/b"),
        (["**/*.py"], ""),
        (["dags/**", "other/**"], ""),
        (["dags/t*/x/*.py"], "dags"),
        (["a.py"], ""),
    ],
)
def test_the_root_is_what_all_patterns_share(patterns: list[str], root: str) -> None:
    assert Patterns(patterns).root == root


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        pytest.param("*a" * 100 + "b", "a" * 250, id="many stars"),
        pytest.param("**/a/" * 90 + "b", "/".join(["a"] * 120), id="many double stars"),
        pytest.param("[" + "a-z" * 100 + "]*" * 50, "a" * 250, id="many ranges"),
    ],
)
@pytest.mark.timeout(30)  # one that tries every way to match takes years
def test_a_hostile_pattern_ends(pattern: str, path: str) -> None:
    assert not Patterns([pattern]).match(path)
