"""A package index on loopback, as far as uv asks: project pages (PEP 691) and wheels."""

import hashlib
import io
import zipfile
from collections.abc import Mapping

from pytest_httpserver import HTTPServer

JSON = "application/vnd.pypi.simple.v1+json"


class PackageIndex:
    """Serves the wheels that were added."""

    def __init__(self, server: HTTPServer) -> None:
        self.url = server.url_for("/simple/")
        self._server = server

    def add(self, name: str, version: str, modules: Mapping[str, str], *, uploaded: str) -> None:
        """Publish ``name`` at the time ``uploaded`` with ``modules`` (path: source)."""
        stem = f"{name.replace('-', '_')}-{version}"
        file = f"{stem}-py3-none-any.whl"
        wheel = _wheel(name, version, stem, modules)
        page = {
            "meta": {"api-version": "1.1"},
            "name": name,
            "versions": [version],
            "files": [
                {
                    "filename": file,
                    "url": self._server.url_for(f"/files/{file}"),
                    "hashes": {"sha256": hashlib.sha256(wheel).hexdigest()},
                    "size": len(wheel),
                    "upload-time": uploaded,
                }
            ],
        }

        self._server.expect_request(f"/simple/{name}/").respond_with_json(page, content_type=JSON)
        self._server.expect_request(f"/files/{file}").respond_with_data(wheel)


WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def _wheel(name: str, version: str, stem: str, modules: Mapping[str, str]) -> bytes:
    info = f"{stem}.dist-info"
    files = dict(modules) | {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": WHEEL,
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(path, content)
    return buffer.getvalue()
