"""DAGs from a team's own format: what is wrong is named with its file, line and column."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from fermata_airflow.loader import Builder, ConfigError, DagFilesError, load_dags, load_file


@dataclass
class Dag:
    dag_id: str
    doc_md: str | None = None


def pipeline(config: Mapping[str, Any]) -> Dag:
    if "table" not in config["source"]:
        raise ConfigError("names no table", "source", "table")
    return Dag(config["name"], "About it.")


def fleet(config: Mapping[str, Any]) -> Iterable[Dag]:
    for number, name in enumerate(config["names"]):
        if not name.islower():
            raise ConfigError(f"{name}: lower case", "names", number)
        yield Dag(name)


FORMATS: dict[str, Builder] = {"pipeline/v1": pipeline, "fleet/v1": fleet}
GOOD = "format: pipeline/v1\nname: {name}\nsource: {{table: t}}\n"


def write(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(content, encoding="utf-8")
    return folder


def test_every_file_is_built_by_the_format_that_it_says(tmp_path: Path) -> None:
    text = GOOD.format(name="orders")
    write(tmp_path, a=text, b="format: fleet/v1\nnames: [one, two]\n")

    dags = load_dags(tmp_path, FORMATS)

    assert list(dags) == ["orders", "one", "two"]
    digest = sha256(text.encode()).hexdigest()[:16]
    assert dags["orders"].doc_md == f"About it.\n\nfermata:{digest}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param(
            "format: pipeline/v1\nname: x\nsource:\n  schema: s\n",
            "a.yaml:4:3: names no table",
            id="a key is missing: the mapping that should have it",
        ),
        pytest.param(
            "format: fleet/v1\nnames:\n- one\n- Two\n", "a.yaml:4:3: Two: lower case", id="a value"
        ),
        pytest.param("a: [\n", "a.yaml:2:1: ", id="not YAML"),
        pytest.param("a: 1\na: 2\n", "a.yaml:2:1: 'a' stands here twice", id="a key twice"),
        pytest.param("a: !!python/name:os.system x\n", "a.yaml:1:4: tag", id="a tag"),
        pytest.param("name: x\n", "a.yaml:1:1: no format; known: fleet/v1, pipeline", id="none"),
        pytest.param("format: pipelin\n", "a.yaml:1:9: format: pipelin; known:", id="unknown"),
        pytest.param("", "a.yaml:1:1: no format", id="empty"),
        pytest.param("x" * (2**20 + 1), "a.yaml:1:1: more than 1048576 bytes", id="too large"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(text: str, told: str, tmp_path: Path) -> None:
    write(tmp_path, a=text)

    with pytest.raises(DagFilesError) as caught:
        load_dags(tmp_path, FORMATS)

    assert str(caught.value).startswith(told)


def test_all_problems_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    write(tmp_path, a="format: x\n", b=GOOD.format(name="x"), c="[", d=GOOD.format(name="x"))

    with pytest.raises(DagFilesError) as caught:
        load_dags(tmp_path, FORMATS)

    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "a.yaml",
        "c.yaml",
        "d.yaml",
    ]
    assert caught.value.problems[-1] == "d.yaml:1:1: DAG x is in b.yaml, too"


def test_a_failure_of_a_builder_keeps_its_kind_and_names_the_file(tmp_path: Path) -> None:
    write(tmp_path, a="format: pipeline/v1\nname: x\n")

    with pytest.raises(KeyError) as caught:
        load_file(tmp_path / "a.yaml", FORMATS)

    assert caught.value.__notes__ == ["a.yaml:1:1: while its DAGs were made"]


def test_a_folder_without_files_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DagFilesError, match="0 files"):
        load_dags(tmp_path, FORMATS)


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: \xff\n")

    with pytest.raises(DagFilesError, match=r"a\.yaml:1:1: not UTF-8: byte 3"):
        load_dags(tmp_path, FORMATS)
