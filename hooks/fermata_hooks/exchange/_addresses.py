"""Addresses: checked before anything is sent there."""

import ipaddress
import re
from urllib.parse import quote, urlsplit

from fermata_hooks.exchange._failures import one_line
from fermata_spec.errors import RejectedError, SettingsError


def segment(name: str) -> str:
    """Return ``name`` as one segment of a path; refuse what a server would resolve away."""
    if name in {"", ".", ".."}:
        raise RejectedError(f"{name!r} cannot be part of an address", status=404)
    return quote(name, safe="")


def checked_address(url: str, service: str) -> str:
    """Return the base address without its last ``/``; it may have a path, but nothing more."""
    whose = f"{service}'s address"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise SettingsError(f"{whose}: not an http:// or https:// address") from None
    if parts.username is not None or parts.password is not None:
        raise SettingsError(f"{whose}: {host}: credentials belong into files, not here")
    if parts.scheme not in {"http", "https"} or not host or parts.query or parts.fragment:
        shown = one_line(re.split("[?#]", url)[0])
        raise SettingsError(f"{whose}: {shown}: not an http:// or https:// address")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def is_loopback(host: str) -> bool:
    """Return whether ``host`` is this machine, by its name or address as it is written."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
