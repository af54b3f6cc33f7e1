"""The plan as it is mounted: a file, bounded before it is read."""

from pathlib import Path

from fermata_spec.errors import SettingsError
from fermata_spec.packing import unpack
from fermata_spec.plan import Plan, parse_plan

MAX_BYTES = 4 * 1024 * 1024  # a ConfigMap holds 1 MiB; a file on a laptop may hold more


def read_plan(path: Path) -> Plan:
    """Return the plan in ``path``; raise ``SettingsError`` that names it otherwise."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as exc:
        raise SettingsError(f"{path}: plan cannot be read: {exc.strerror}") from exc
    if len(content) > MAX_BYTES:
        raise SettingsError(f"{path}: plan is larger than {MAX_BYTES} bytes")
    try:
        text = unpack(content, most=MAX_BYTES).decode()
    except UnicodeDecodeError as exc:
        raise SettingsError(f"{path}: plan is not UTF-8 at byte {exc.start}") from exc
    except ValueError as exc:
        raise SettingsError(f"{path}: plan is {exc}") from exc
    return parse_plan(text, origin=str(path))
