"""Golden folders: each is a checkout with all of stdout (``expected.yaml``) or stderr beside it.

Those called ``diff-*`` are two, ``old`` and ``new``, with what ``fermata diff`` says of them.

Nothing regenerates the expectations. ``{version}`` in ``expected.err`` is
the version of Python that reads the checkout.
"""

import shutil
import sys
from pathlib import Path

import pytest

from fermata_cli.frame import run
from fermata_spec.errors import SettingsError

GOLDEN = Path(__file__).parent.parent / "golden"
FOLDERS = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())
PAIRS = [name for name in FOLDERS if name.startswith("diff-")]
CASES = [name for name in FOLDERS if name not in PAIRS]
FORMATS = {"expected.txt": "text", "expected.md": "markdown", "expected.json": "json"}
TOLD = [
    (name, file)
    for name in PAIRS
    for file in (*FORMATS, "expected.err")
    if (GOLDEN / name / file).exists()
]
IDENTITY = [
    *("--application", "etl"),
    *("--revision", "0123456789abcdef0123456789abcdef01234567"),
    *("--namespace", "airflow"),
    *("--branch", "main"),
]
NOW = "2026-11-24T10:30:00Z"


def render(checkout: Path) -> int:
    """Render a checkout, with the options that it has in ``arguments``."""
    arguments = checkout / "arguments"
    options = arguments.read_text().split() if arguments.exists() else []
    return run(["render", str(checkout), *IDENTITY, *options])


@pytest.mark.parametrize("case", CASES)
def test_a_checkout_renders_as_written_beside_it(
    case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = GOLDEN / case

    code = render(folder)

    out, err = capsys.readouterr()
    if (folder / "expected.err").exists():
        expected = (folder / "expected.err").read_text()
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        assert err == expected.replace("{version}", version)
        assert out == ""
        assert code == SettingsError.exit_code
    else:
        assert out == (folder / "expected.yaml").read_text()
        warnings = folder / "warnings.err"
        assert err == (warnings.read_text() if warnings.exists() else "")
        assert code == 0


@pytest.mark.parametrize("case", CASES)
def test_two_copies_in_other_places_render_to_the_same_bytes(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(GOLDEN / case, tmp_path / "one", symlinks=True)
    shutil.copytree(GOLDEN / case, tmp_path / "some" / "where" / "else", symlinks=True)

    render(tmp_path / "one")
    first = capsys.readouterr()
    render(tmp_path / "some" / "where" / "else")

    assert capsys.readouterr() == first


@pytest.mark.parametrize(("case", "file"), TOLD)
def test_a_change_is_told_as_written_beside_it(
    case: str, file: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(GOLDEN / case)
    form = ["--format", FORMATS.get(file, "text")]

    code = run(["diff", "old", "new", *form, "--application", "etl", "--now", NOW])

    out, err = capsys.readouterr()
    if file == "expected.err":
        assert (out, err) == ("", Path(file).read_text())
        assert code == SettingsError.exit_code
    else:
        assert (out, err) == (Path(file).read_text(), "")
        assert code == 0


def test_every_golden_folder_has_a_line_in_their_index() -> None:
    index = (GOLDEN / "README.md").read_text()

    listed = [line.split("`")[1] for line in index.splitlines() if line.startswith("| `")]

    assert listed == FOLDERS
