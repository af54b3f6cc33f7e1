"""What is sent, with its secrets revealed; and what of it no message may repeat."""

import json
from base64 import b64decode
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote, urlencode

from fermata_hooks.secret import Secret

FORM_TYPE = "application/x-www-form-urlencoded"


def revealed(values: Mapping[str, str | Secret]) -> dict[str, str]:
    """Return headers, or the fields of a form, as they go over the wire."""
    return {name: _text(value) for name, value in values.items()}


def written(body: object, form: Mapping[str, str | Secret] | None) -> str | None:
    """Return the content of a request: a form, JSON, or nothing."""
    if form is not None:
        return urlencode(revealed(form))
    return None if body is None else json.dumps(body, default=_revealed)


def secrets_in(
    headers: Mapping[str, str | Secret], body: object, form: Mapping[str, str | Secret] | None
) -> list[str]:
    """Return what an answer may echo and no message may repeat, longest first.

    Every header counts, whole and without its first word, and a Basic one's password.
    """
    texts: list[str] = []
    for value in revealed(headers).values():
        texts += [value, value.rpartition(" ")[2], _password(value)]
    texts += [secret.reveal() for secret in _secrets([body, form])]
    # A client's secret is form-encoded before it is Basic (RFC 6749, 2.3.1), and a form is anyway.
    spelled = {
        spelling
        for text in texts
        if text
        for spelling in (text, quote(text, safe=""), quote_plus(text), unquote(text))
    }
    return sorted(spelled, key=len, reverse=True)


def _secrets(values: Iterable[object]) -> Iterable[Secret]:
    for value in values:
        if isinstance(value, Secret):
            yield value
        elif isinstance(value, Mapping):
            yield from _secrets(value.values())


def _text(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _revealed(value: object) -> Any:  # noqa: ANN401 - as json.dumps wants it
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"a {type(value).__name__} is no JSON")


def _password(header: str) -> str:
    """Return the password in an HTTP Basic header; empty for others."""
    kind, _, pair = header.partition(" ")
    try:
        return b64decode(pair).decode().partition(":")[2] if kind == "Basic" else ""
    except ValueError:
        return ""
