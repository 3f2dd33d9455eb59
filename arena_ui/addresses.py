"""A visitor's address, never finer than the network it comes from: /24 of IPv4, /48 of IPv6."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

__all__ = ["network_of"]

PREFIXES = {4: 24, 6: 48}


def network_of(address: str) -> str:
    """The network of `address`, such as "203.0.113.0/24"; "" where it is no address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return str(ip_network(f"{found}/{PREFIXES[found.version]}", strict=False))
