"""Tokens that others give us: of files, of an OpenID provider, of Argo CD's Dex, of Google.

Each is read when it is used, kept in memory at most, renewed before it ends, and in no message.
What is shown to Airflow, or to Argo CD, and how, is not known here.
"""

from fermata_hooks.identity._dex import DexToken
from fermata_hooks.identity._google import GoogleToken
from fermata_hooks.identity._kept import Given, KeptToken, claims_of, given, life_of
from fermata_hooks.identity._oidc import OidcToken
from fermata_hooks.identity._source import FileToken, TokenSource

__all__ = [
    "DexToken",
    "FileToken",
    "Given",
    "GoogleToken",
    "KeptToken",
    "OidcToken",
    "TokenSource",
    "claims_of",
    "given",
    "life_of",
]
