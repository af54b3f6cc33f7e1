"""The generated DAG file: valid Python that holds exactly the text, whatever the text."""

import ast
from typing import Any

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from fermata_plugin.dag_file import DagFiles, python_text

texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
awkward = st.text(alphabet="\"'\\\n\r\t{}% a\u2028é")


dag_file = DagFiles().write


def constants(source: str) -> dict[str, Any]:
    """Return the constants of a module by name, without running it."""
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and not isinstance(node.value, ast.Call)
    }


@given(texts | awkward)
@example('ends with a quote"')
@example("ends with a backslash\\")
@example('three """ quotes')
@example("\r\n")
@example("")
def test_a_text_reads_back_as_it_was(text: str) -> None:
    assert ast.literal_eval(python_text(text)) == text


@given(texts | awkward, texts | awkward)
def test_the_file_holds_text_source_and_digests_as_they_were(text: str, name: str) -> None:
    source = dag_file(name, text, defaults={"a": [name]}, digests={name: "0" * 16})

    found = constants(source)
    assert found["CONFIG"] == text
    assert found["SOURCE"] == name
    assert yaml.safe_load(found["DEFAULTS"]) == {"a": [name]}
    assert found["DIGESTS"] == {name: "0" * 16}


def test_airflows_safe_mode_sees_a_dag_file() -> None:
    source = dag_file("a", "b", defaults={}, digests={}).lower()

    assert "airflow" in source
    assert "dag" in source


def test_a_usual_text_stands_in_it_as_it_is() -> None:
    text = 'etl:\n  tasks:\n    a: {bash_command: "echo \\"$HOME\\" ü"}\n'

    assert f'CONFIG = r"""{text}"""' in dag_file("a", text, defaults={}, digests={})
