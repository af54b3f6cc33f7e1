"""What looks like a secret in a file: keys and tokens of forms that nothing else has.

The value itself is never told, nor a part of it.
"""

import re
from collections.abc import Iterator

from fermata_spec.located import Mark

_FORMS = {
    "AKIA": ("an AWS access key", re.compile(r"\bAKIA[0-9A-Z]{16}\b")),
    "ASIA": ("an AWS session key", re.compile(r"\bASIA[0-9A-Z]{16}\b")),
    "-----BEGIN": ("a private key", re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")),
    "gh": ("a GitHub token", re.compile(r"\bgh[pousr]_[0-9A-Za-z]{36}\b")),
    "github_pat_": ("a GitHub token", re.compile(r"\bgithub_pat_[0-9A-Za-z_]{60,}\b")),
    "glpat-": ("a GitLab token", re.compile(r"\bglpat-[0-9A-Za-z_-]{20}\b")),
    "xox": ("a Slack token", re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{10,}")),
    "AIza": ("a Google API key", re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b")),
    '"private_key"': ("a service account's key", re.compile(r'"private_key"\s*:\s*"-----BEGIN')),
    "sk_live_": ("a Stripe key", re.compile(r"\bsk_live_[0-9A-Za-z]{16,}\b")),
    "hvs.": ("a Vault token", re.compile(r"\bhvs\.[0-9A-Za-z_-]{24,}\b")),
    "eyJ": ("a token", re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}")),
    "://": (
        "a password in a URL",
        re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'{}$<>]{1,64}:[^\s/@\"'{}$<>*]{3,64}@"),
    ),
}


def find_secrets(text: str) -> Iterator[tuple[Mark, str]]:
    """Yield what in ``text`` looks like a secret: the place of the first of each form."""
    for hint, (what, form) in _FORMS.items():
        match = form.search(text) if hint in text else None
        if match is not None:
            before = text[: match.start()]
            yield Mark(before.count("\n") + 1, len(before) - before.rfind("\n")), what
