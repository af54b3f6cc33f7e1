"""Golden folders: each is a checkout with all of stdout (``expected.yaml``) or stderr beside it.

Expectations are written by hand; nothing regenerates them. ``{version}`` in ``expected.err`` is
the version of Python that reads the checkout.
"""

import shutil
import sys
from pathlib import Path

import pytest

from fermata_cli.frame import run
from fermata_spec.errors import SettingsError

GOLDEN = Path(__file__).parent.parent / "golden"
CASES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())
IDENTITY = [
    *("--application", "etl"),
    *("--revision", "0123456789abcdef0123456789abcdef01234567"),
    *("--namespace", "airflow"),
]


def render(checkout: Path) -> int:
    return run(["render", str(checkout), *IDENTITY])


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
    shutil.copytree(GOLDEN / case, tmp_path / "one")
    shutil.copytree(GOLDEN / case, tmp_path / "some" / "where" / "else")

    render(tmp_path / "one")
    first = capsys.readouterr()
    render(tmp_path / "some" / "where" / "else")

    assert capsys.readouterr() == first
