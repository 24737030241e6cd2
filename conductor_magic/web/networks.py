"""Which IP addresses lie on the public Internet. A list of our own: Python 3.11's `is_global` lets several of these by.

IPv4 is public but for the networks below. IPv6 is public only inside 2000::/3, but for the networks below. What carries
an IPv4 address inside is refused whole (mapped, compatible, 6to4, Teredo), as no public name needs it; only NAT64's
well-known prefix is judged by the address inside, because on networks without IPv4 every IPv4 site is reached by it.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

__all__ = ["IPAddress", "not_public"]

IPAddress = IPv4Address | IPv6Address

_V4 = {
    IPv4Network(network): what
    for network, what in {
        "0.0.0.0/8": "this host",
        "10.0.0.0/8": "a private network",
        "100.64.0.0/10": "a carrier's inner network, cloud metadata among it",
        "127.0.0.0/8": "this machine itself",
        "168.63.129.16/32": "a cloud's inner service",
        "169.254.0.0/16": "link-local, cloud metadata among it",
        "172.16.0.0/12": "a private network",
        "192.0.0.0/24": "reserved for protocols",
        "192.0.2.0/24": "for documentation",
        "192.31.196.0/24": "reserved for name servers",
        "192.52.193.0/24": "reserved for multicast relays",
        "192.88.99.0/24": "a relay into 6to4",
        "192.168.0.0/16": "a private network",
        "192.175.48.0/24": "reserved for name servers",
        "198.18.0.0/15": "for benchmarks",
        "198.51.100.0/24": "for documentation",
        "203.0.113.0/24": "for documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved, broadcast among it",
    }.items()
}
_V6 = {
    IPv6Network(network): what
    for network, what in {
        "::/128": "no address",
        "::1/128": "this machine itself",
        "::ffff:0:0/96": "an IPv4 address in disguise",
        "::/96": "an IPv4 address in disguise",
        "64:ff9b:1::/48": "a local translation to IPv4",
        "2001::/32": "a Teredo tunnel",
        "2001:db8::/32": "for documentation",
        "2001::/23": "reserved for protocols",
        "2002::/16": "a 6to4 tunnel",
        "2620:4f:8000::/48": "reserved for name servers",
        "3fff::/20": "for documentation",
        "fc00::/7": "a private network, cloud metadata among it",
        "fe80::/10": "link-local",
        "fec0::/10": "a private network",
        "ff00::/8": "multicast",
    }.items()
}
_GLOBAL = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")


def not_public(address: IPAddress) -> str:
    """What an address is instead of public, in words; empty when it is public."""
    if isinstance(address, IPv4Address):
        return next((what for network, what in _V4.items() if address in network), "")
    if address in _NAT64:
        return not_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    found = next((what for network, what in _V6.items() if address in network), "")
    return found or ("" if address in _GLOBAL and address.scope_id is None else "not given out to anybody")
