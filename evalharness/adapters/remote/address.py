"""Where a vendor is reached: its own host, unless the environment names another for a proxy or a test."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from evalharness.errors import ConfigError

__all__ = ["base_url"]


def base_url(environment: Mapping[str, str], variable: str, default: str) -> str:
    """The address that `variable` holds, else `default`; without a slash at its end.

    Raises ConfigError where the variable holds no address, credentials, or one that would send a key in the
    clear to another machine. The message never repeats what it holds: it could be a key put there by mistake.
    """
    given = environment.get(variable, "").strip()
    if not given:
        return default.rstrip("/")
    try:
        parts = urlsplit(given)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or parts.scheme not in {"http", "https"} or parts.query or parts.fragment:
        raise ConfigError(f"{variable} must hold an address such as {default}; it holds something else.")
    if parts.username or parts.password:
        raise ConfigError(
            f"{variable} must hold an address without user name and password; set the key apart."
        )
    if parts.scheme == "http" and not _loopback(host):
        raise ConfigError(
            f"{variable} must begin with https:// unless it is on this machine: keys travel there."
        )
    return given.rstrip("/")


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
