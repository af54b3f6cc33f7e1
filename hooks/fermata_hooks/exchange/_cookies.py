"""Cookies that an answer sets: read, and never kept or sent by themselves."""

from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie

from fermata_hooks.secret import Secret

COOKIE_LIMIT = 8 * 2**10  # characters; a browser takes 4 KiB


def cookies_of(lines: Iterable[str]) -> dict[str, Secret]:
    """Return the cookies by name; what is no cookie, empty or too large is left out."""
    found: dict[str, Secret] = {}
    for line in lines:
        if len(line) > COOKIE_LIMIT:
            continue
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load(line)
        except CookieError:
            continue
        found |= {name: Secret(morsel.value) for name, morsel in jar.items() if morsel.value}
    return found
