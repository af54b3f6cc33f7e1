"""Our image, built once a run, and the Docker client."""

import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONFINED = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none"]


def docker(
    *arguments: str | Path, timeout: float = 60, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run the engine's client, wherever it is."""
    return subprocess.run(
        ["docker", *arguments],  # noqa: S607 - see above
        input=stdin,
        capture_output=True,
        check=False,
        timeout=timeout,
    )


def built_image() -> AbstractContextManager[str]:
    """Build the image, and remove its name afterwards."""
    return _built()


def target(name: str) -> AbstractContextManager[str]:
    """Build a stage of the Dockerfile that has a name, and remove the image's name afterwards."""
    return _built("--target", name)


@contextmanager
def _built(*options: str) -> Iterator[str]:
    name = f"fermata-test:{uuid.uuid4().hex[:12]}"
    built = docker("build", *options, "--tag", name, ROOT, timeout=540)
    assert built.returncode == 0, built.stderr[-4000:].decode()
    try:
        yield name
    finally:
        docker("image", "rm", name)


def run(
    image: str,
    *command: str,
    options: tuple[str, ...] = (),
    environ: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> subprocess.CompletedProcess[bytes]:
    """Run a command in the image, confined as its pods are; ``stdin`` is given to it."""
    variables = [f"--env={name}={value}" for name, value in (environ or {}).items()]
    arguments = ["run", "--rm", "--interactive", *CONFINED, *options, *variables, image, *command]
    return docker(*arguments, stdin=stdin)
