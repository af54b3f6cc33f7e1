"""Who we are to Airflow: a token file, files with user name and password, or nobody.

A secret is read from its file when it is used, kept in memory at most, and in no message.
"""

from pathlib import Path
from typing import Protocol


class Credentials(Protocol):
    """What ``AirflowApi`` asks of credentials (stub: methods follow)."""

    @property
    def described(self) -> str:
        """What a message may say of them: kind and files, never a secret."""


class NoCredentials:
    """Nobody: for an Airflow whose SimpleAuthManager lets everybody in."""

    described = "no credentials"


class TokenFile:
    """A bearer token in a file, read for every request because projected tokens rotate."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.described = f"token file {path}"


class PasswordFiles:
    """User name and password in files: a token of ``/auth/token`` on 3.x, HTTP Basic on 2.x."""

    def __init__(self, username_path: Path, password_path: Path) -> None:
        self._username_path = username_path
        self._password_path = password_path
        self.described = f"password file {password_path}"
