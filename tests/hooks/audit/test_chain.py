"""A trail that was changed, cut or torn is found out, with the line."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.manual_clock import ManualClock
from fermata_hooks.audit import Anchors, Context, FileSink, Link, StreamSink, Trail, sealed, verify
from fermata_hooks.deeds import Deed
from fermata_hooks.documents import FileDocuments
from fermata_hooks.termination import Termination
from fermata_spec.errors import RejectedError, SettingsError

WRITER = """
import sys
from pathlib import Path
from fermata_hooks.audit import FileSink
sink = FileSink(Path(sys.argv[1]))
for number in range(int(sys.argv[2])):
    sink.append({"event": "note", "n": number, "by": sys.argv[3]})
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def anchors(tmp_path: Path) -> Anchors:
    return Anchors(FileDocuments(tmp_path / "ledger"), clock=ManualClock())


def trail(path: Path, anchors: Anchors | None = None, clock: ManualClock | None = None) -> Trail:
    clock, termination = clock or ManualClock(), Termination()
    sink = FileSink(path, anchors.of) if anchors else FileSink(path)
    return Trail(sink, clock=clock, termination=termination, anchors=anchors)


def written(path: Path, lines: int, anchors: Anchors | None = None) -> list[bytes]:
    writer = trail(path, anchors)
    for number in range(lines):
        writer.note("note", {"n": number})
    writer.close()
    return path.read_bytes().splitlines(keepends=True)


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_deed_is_written_down_before_it_is_done_and_after(path: Path) -> None:
    writer = trail(path)
    during: list[dict[str, object]] = []

    with writer.watched(Deed(service="airflow", call="PATCH /api/v2/dags/etl", dag_id="etl")):
        during += records(path)
    with (
        pytest.raises(RejectedError),
        writer.watched(Deed(service="airflow", call="PATCH /api/v2/dags/x", dag_id="x")),
    ):
        raise RejectedError("no: password=hunter2")

    assert [(each["event"], each["dag"]) for each in during] == [("intent", "etl")]
    outcomes = [each for each in records(path) if each["event"] == "outcome"]
    assert [each["result"] for each in outcomes] == ["done", "RejectedError: no: password=***"]
    assert [each["deed"] for each in outcomes] == [1, 2]


def test_what_was_written_is_whole(path: Path, anchors: Anchors) -> None:
    written(path, 5, anchors)

    found = verify(path, anchors.read())

    assert (found.broken, found.lines, found.unanchored) == ("", 5, 0)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda lines: [*lines[:2], lines[2].replace(b'"n":2', b'"n":7'), *lines[3:]],
         "3: changed since it was written"),
        (lambda lines: lines[:2] + lines[3:], "3: chain .* line 4 follows line 2"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "2: chain .* line 3 follows"),
        (lambda lines: lines[1:], "1: chain .* line 2 follows line 0"),
        (lambda lines: [*lines[:4], lines[4][:-9]], "5: torn: the line has no end"),
        (lambda lines: [*lines[:1], b"nonsense\n", *lines[1:]], "2: no line of an audit trail"),
        (lambda lines: [*lines, lines[-1]], "6: chain .* line 5 follows line 5"),
        (lambda lines: lines[:3], "cut off: chain .* ends at line 3, it had 5 lines"),
        (lambda _: [], "chain .* of 5 lines is missing"),
    ],
    ids=["changed", "one gone", "swapped", "no beginning", "torn", "foreign", "twice", "cut",
         "empty"],
)  # fmt: skip
def test_the_first_broken_line_is_named(
    path: Path, anchors: Anchors, damage: "object", told: str
) -> None:
    assert callable(damage)
    path.write_bytes(b"".join(damage(written(path, 5, anchors))))

    found = verify(path, anchors.read())

    assert found.broken.startswith(str(path))
    assert re.search(told, found.broken)


def test_a_line_that_is_forged_with_its_hash_breaks_the_next_or_the_anchor(
    path: Path, anchors: Anchors
) -> None:
    lines = written(path, 3, anchors)
    last = json.loads(lines[2])
    before = Link(last["chain"], 2, last["prev"])
    forged, _ = sealed({**last, "n": 99}, before)
    path.write_bytes(b"".join([*lines[:2], forged]))

    found = verify(path, anchors.read())

    assert found.broken == f"{path}:3: not the line that was anchored"
    assert verify(path, None).broken == ""


def test_a_chain_that_is_cut_in_the_middle_and_goes_on_is_broken(
    path: Path, anchors: Anchors
) -> None:
    lines = written(path, 6, anchors)
    path.write_bytes(b"".join(lines[:3]))
    written(path, 4, anchors)

    found = verify(path, anchors.read())

    assert "cut off: chain" in found.broken
    assert "ends at line 3, it had 6 lines" in found.broken


def test_two_writers_of_one_file_make_one_chain(path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), "150", name])
        for name in ("one", "two")
    ]
    codes = [process.wait(60) for process in processes]

    found = verify(path, None)

    assert codes == [0, 0]
    assert (found.broken, found.lines, len(found.chains)) == ("", 300, 1)


def test_after_a_torn_line_a_new_chain_begins_and_the_torn_one_is_named(path: Path) -> None:
    lines = written(path, 3)
    path.write_bytes(b"".join(lines)[:-10])

    written(path, 2)

    assert verify(path, None).broken == f"{path}:3: no line of an audit trail"
    assert len(path.read_bytes().splitlines()) == 5


def test_a_clock_that_goes_back_breaks_nothing(path: Path, anchors: Anchors) -> None:
    for start in (2_000_000_000.0, 1_800_000_000.0):
        writer = trail(path, anchors, ManualClock(start))
        writer.note("note", {})
        writer.close()

    found = verify(path, anchors.read())

    assert (found.broken, found.lines) == ("", 2)
    assert found.first > found.last


def test_lines_among_a_pods_other_lines_are_found(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        sink = StreamSink(sys.stdout)
        print(f"a line of {name}'s log")
        sink.append({"event": "note"})
        sink.append({"event": "note"})
    path.write_text(capsys.readouterr().out)

    assert "1: no line of an audit trail" in verify(path, None).broken
    found = verify(path, None, among_others=True)
    assert (found.broken, found.lines, found.others, len(found.chains)) == ("", 4, 2, 2)


def test_a_file_that_cannot_be_written_refuses_only_where_nothing_is_done_yet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    strict, owing = trail(tmp_path / "folder"), trail(tmp_path / "folder")

    with pytest.raises(SettingsError, match=r"audit: .*folder: cannot be written: Is a directory"):
        strict.begin(Context(hook="hold"), {}, strict=True)
    with owing.watched(Deed(service="airflow", call="PATCH /x")):
        pass

    lines = capsys.readouterr().err.splitlines()
    assert [json.loads(line)["event"] for line in lines if line.startswith("{")] == [
        "intent",
        "outcome",
    ]


def test_a_file_is_for_its_owner_only(path: Path) -> None:
    written(path, 1)

    assert path.stat().st_mode & 0o777 == 0o600


def test_damaged_anchors_are_never_written_over(tmp_path: Path, path: Path) -> None:
    documents = FileDocuments(tmp_path / "ledger")
    documents.put("audit", b"nonsense")

    written(path, 1, Anchors(documents, clock=ManualClock()))

    assert documents.read("audit").content == b"nonsense"
