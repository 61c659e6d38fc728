"""What a measure is, and who counts as one network. Pure."""

from __future__ import annotations

from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from typing import NamedTuple


class Limit(NamedTuple):
    """So many `times` at once, refilled evenly over so many `seconds`. `name` tells measures of one subject apart."""

    name: str
    times: int
    seconds: int


def hashed(text: str) -> bytes:
    """What is kept of a subject: people type passwords into the wrong field, and addresses are nobody's business."""
    return sha256(text.encode("utf-8", "replace")).digest()


def whose(subject: str) -> bytes:
    """The first word of a subject says whose measures these are, for `clear`."""
    return hashed(subject.partition(" ")[0])


def network(host: str) -> str:
    """'192.0.2.7/32', or the /64 of an IPv6 address: whoever has one of its addresses has them all. '' when it is no address."""
    found = address(host)
    if found is None:
        return ""
    known = ip_address(found)
    return str(ip_network((known, 64 if known.version == 6 else 32), strict=False))


def address(host: str) -> str | None:
    """The network address in `host`, if it is one. An IPv4 address dressed as IPv6 is undressed."""
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    dressed = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(dressed or found)
