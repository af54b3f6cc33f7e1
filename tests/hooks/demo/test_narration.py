"""The demo's words: readable on any terminal, and never in favour of a claim that does not hold."""

import io
from collections.abc import Mapping

import pytest

from fermata_hooks.demo.narration import ClaimError, Narrator

COLOR = "\x1b["


class Terminal(io.TextIOWrapper):
    """Something that is, or is not, a terminal with an encoding."""

    def __init__(self, encoding: str, *, tty: bool) -> None:
        self._bytes = io.BytesIO()
        super().__init__(self._bytes, encoding=encoding)
        self._tty = tty

    def isatty(self) -> bool:
        return self._tty

    @property
    def shown(self) -> str:
        self.flush()
        return self._bytes.getvalue().decode(self.encoding)


@pytest.mark.parametrize(
    ("tty", "environ", "colored"),
    [
        pytest.param(True, {}, True, id="a terminal"),
        pytest.param(True, {"NO_COLOR": "1"}, False, id="a terminal of someone who wants none"),
        pytest.param(True, {"TERM": "dumb"}, False, id="a dumb terminal"),
        pytest.param(False, {}, False, id="a file"),
    ],
)
def test_uses_colour_only_where_it_is_wanted(
    *, tty: bool, environ: Mapping[str, str], colored: bool
) -> None:
    out = Terminal("utf-8", tty=tty)
    narrator = Narrator.on(out, environ)

    narrator.claim("it holds", holds=True, seen="")

    assert (COLOR in out.shown) == colored


def test_says_it_in_ascii_where_nothing_else_can_be_shown() -> None:
    out = Terminal("ascii", tty=False)
    narrator = Narrator.on(out, {})

    narrator.act("Act 1", "a title", "about it")
    narrator.output("a line → of a program")
    narrator.claim("it holds", holds=True, seen="")

    assert "-- Act 1: a title ---" in out.shown
    assert "| a line -> of a program" in out.shown
    assert "ok it holds" in out.shown


def test_what_a_program_says_cannot_move_the_cursor_or_break_the_encoding() -> None:
    out = Terminal("ascii", tty=False)

    Narrator.on(out, {}).output("red \x1b[31m and \u4e2d")

    assert "\x1b" not in out.shown


def test_a_claim_that_does_not_hold_stops_the_story_with_what_was_seen() -> None:
    out = Terminal("utf-8", tty=False)
    narrator = Narrator.on(out, {})
    narrator.part("Act 2")

    with pytest.raises(ClaimError, match=r"Act 2: not so: orders is paused$") as caught:
        narrator.claim("orders is paused", holds=False, seen="it runs\non")

    assert caught.value.exit_code == 3
    assert narrator.claims == 0
    assert [line.strip() for line in out.shown.splitlines()] == [
        "✗ orders is paused",
        "│ it runs",
        "│ on",
    ]


def test_a_table_lines_its_columns_up() -> None:
    out = Terminal("utf-8", tty=False)

    Narrator.on(out, {}).table(["DAG", "now"], [["orders", "on"], ["stock", "paused by ana"]])

    lines = [line.strip() for line in out.shown.splitlines() if line.strip()]
    assert lines == [
        "DAG     now",
        "──────  ─────────────",
        "orders  on",
        "stock   paused by ana",
    ]


def test_long_lines_are_wrapped_not_cut() -> None:
    out = Terminal("utf-8", tty=False)

    Narrator.on(out, {}).output(" ".join(["word"] * 40))

    assert out.shown.count("word") == 40
    assert max(map(len, out.shown.splitlines())) <= 100


def test_steps_are_remembered_with_their_act() -> None:
    narrator = Narrator.on(Terminal("utf-8", tty=False), {})
    narrator.part("Act 3")

    with narrator.step("git revert HEAD"):
        pass

    (step,) = narrator.steps
    assert (step.act, step.text) == ("Act 3", "git revert HEAD")
    assert step.seconds >= 0
