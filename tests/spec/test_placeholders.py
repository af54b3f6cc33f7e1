"""What stands in braces in a smoke run's conf: a fixed table of names, and nothing else."""

from typing import Any

import pytest

from fermata_spec.placeholders import NAMES, filled

VALUES = {name: f"<{name}>" for name in NAMES}


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        pytest.param("{revision}", "<revision>", id="alone"),
        pytest.param("a{application}b{revision12}", "a<application>b<revision12>", id="several"),
        pytest.param("{{revision}}", "{revision}", id="doubled"),
        pytest.param("{{ ds }} {{today}}", "{{ ds }} {today}", id="of another language"),
        pytest.param('{"a": 1} {} {0} {a.b}', '{"a": 1} {} {0} {a.b}', id="no word"),
        pytest.param("{unknown}", "{unknown}", id="not in the table"),
    ],
)
def test_a_word_in_single_braces_is_replaced_and_all_else_stays(text: str, becomes: str) -> None:
    assert filled(text, VALUES) == becomes


def test_texts_are_found_at_every_depth_and_keys_and_other_values_stay() -> None:
    conf: dict[str, Any] = {"{revision}": [1, None, True, {"a": "{dag_id}"}]}

    assert filled(conf, VALUES) == {"{revision}": [1, None, True, {"a": "<dag_id>"}]}


def test_what_is_put_in_is_not_read_again() -> None:
    assert filled("{revision}", VALUES | {"revision": "{application}"}) == "{application}"
