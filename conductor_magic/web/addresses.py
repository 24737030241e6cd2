"""Takes a URL apart the way that the connection will, so that what was checked is what is reached.

Taken are `http` and `https` URLs of a host and nothing that two parsers could read in two ways: no name and password,
no control or invisible characters, no backslash, no percent sign in the host. A host in other letters becomes its ASCII
form, so full-width or circled digits are digits; whatever then ends in a number is an IPv4 address, in any of the forms
that `inet_aton` knows (127.1, 2130706433, 0177.0.0.1, 0x7f.1).

Ports: 80, 443, and those from 1024 up that are not known to be something else than the web (`_NOT_WEB`).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import quote, urljoin

from conductor_magic.errors import ToolError
from conductor_magic.web.networks import IPAddress, not_public

__all__ = ["WebAddress", "host_name", "parse", "site_name"]

_LONGEST = 8_000
_PORTS = {"http": 80, "https": 443}
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
# What RFC 3986 lets stand in a path or a query, and the sign of what is escaped already.
_SAFE = "%/?:@!$&'()*+,;=-._~[]"

_NOT_WEB = frozenset(
    # Browsers refuse these too: network file systems, phones, X11, chat, amanda.
    {1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080}
    # Databases, caches and queues.
    | {1433, 1434, 1521, 2181, 3306, 4369, 5432, 5672, 6379, 6380, 7000, 7001, 7474, 7687, 8086, 9042, 9092, 9160, 9200}
    | {9300, 11211, 26379, 27017, 27018, 27019, 28017, 50000}
    # Remote control of machines, containers and clusters.
    | {2375, 2376, 2377, 2379, 2380, 3389, 5900, 5901, 5985, 5986, 6443, 8500, 10250, 10255, 10256}
)


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A URL that may be asked for, in its one spelling.

    Attributes:
        scheme: `http` or `https`.
        host: the name in ASCII and lower case, or the IP address.
        port: always set.
        target: path and query as they are sent.
        ip: the address when the host is one, else None.
    """

    scheme: str
    host: str
    port: int
    target: str
    ip: IPAddress | None = None

    @property
    def authority(self) -> str:
        """Host, and port unless it is the scheme's own: as in a Host header."""
        host = f"[{self.host}]" if isinstance(self.ip, IPv6Address) else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"

    def joined(self, location: str) -> WebAddress:
        """Where a redirect from here leads.

        Raises:
            ToolError: to nothing that may be asked for.
        """
        location = location.strip(" ")
        _check_characters(location)
        return parse(urljoin(str(self), location))


def parse(url: str) -> WebAddress:
    """The URL that a model wrote, checked as far as that goes without asking anybody.

    Raises:
        ToolError: it is none that may be asked for; the text says why.
    """
    url = url.strip(" ")
    if not url:
        raise ToolError("url is empty.")
    if len(url) > _LONGEST:
        raise ToolError(f"The URL has {len(url):,} characters; {_LONGEST:,} is the most.")
    _check_characters(url)
    scheme, colon, rest = url.partition(":")
    scheme = scheme.lower()
    if not colon or scheme not in _PORTS or not rest.startswith("//"):
        raise ToolError(f"{_short(url)}: only http:// and https:// URLs can be fetched.")
    authority, target = _split(rest[2:])
    name, port = _host_and_port(authority, url)
    host, ip = host_name(name)
    if ip is not None and (why := not_public(ip)):
        raise ToolError(f"{host} is not on the public Internet ({why}): closed to WebFetch in every mode.")
    return WebAddress(scheme, host, _checked_port(port, scheme), target, ip)


def _check_characters(url: str) -> None:
    for char in url:
        if unicodedata.category(char) in _UNSEEN or char == "\\":
            raise ToolError(f"The URL holds the character U+{ord(char):04X}, which no URL may hold.")


def _split(rest: str) -> tuple[str, str]:
    """Authority, and path with query as they are sent: escaped, begun with a slash, without the fragment."""
    rest = rest.partition("#")[0]
    end = min((place for place in (rest.find("/"), rest.find("?")) if place >= 0), default=len(rest))
    target = rest[end:]
    return rest[:end], quote(target if target.startswith("/") else f"/{target}", safe=_SAFE)


def _host_and_port(authority: str, url: str) -> tuple[str, str]:
    if "@" in authority:
        raise ToolError("The URL holds a user name or password before an @; WebFetch sends none. Leave it out.")
    if authority.startswith("["):
        name, bracket, port = authority.partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise ToolError(f"{_short(url)}: the brackets of its IPv6 address do not fit.")
        return name + "]", port[1:]
    name, _, port = authority.partition(":")
    return name, port


def _checked_port(port: str, scheme: str) -> int:
    if not port:
        return _PORTS[scheme]
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise ToolError(f"The port {_short(port)!r} is no port.")
    number = int(port)
    if number in _NOT_WEB or (number < 1024 and number not in (80, 443)):
        raise ToolError(f"Port {number} is not for the web: WebFetch takes 80, 443, and most ports from 1024 up.")
    return number


def site_name(text: str) -> str:
    """The host that a person or a model names as a site, in the one spelling that URLs have here too.

    A leading `*.` is taken away, as a site's name speaks of what lies below it anyway. An IPv6 address needs its
    brackets only in a URL.

    Raises:
        ToolError: it is no host on the web.
    """
    name = text.strip().removeprefix("*.")
    return host_name(f"[{name}]" if ":" in name and not name.startswith("[") else name)[0]


def host_name(name: str) -> tuple[str, IPAddress | None]:
    """A host in its one spelling, and the IP address that it is, if it is one.

    Raises:
        ToolError: it is no host on the web.
    """
    if name.startswith("["):
        return _ipv6(name)
    if not name.isascii():
        name = _ascii(name)
    name = name.lower().removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        ip = _ipv4(labels)
        return str(ip), ip
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ToolError(f"{_short(name)!r} is no host name.")
    if len(labels) < 2:
        raise ToolError(f"{name!r} has no dot: it is no name of the public Internet.")
    return name, None


def _ascii(name: str) -> str:
    import idna

    try:
        mapped = idna.uts46_remap(name, std3_rules=True, transitional=False)
        return mapped if mapped.isascii() else idna.encode(mapped).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise ToolError(f"{_short(name)!r} is no host name.") from None


def _ipv6(name: str) -> tuple[str, IPAddress]:
    try:
        if not name.endswith("]"):
            raise ValueError(name)
        ip = IPv6Address(name[1:-1])
    except ValueError:
        raise ToolError(f"{_short(name)} is no IPv6 address.") from None
    if ip.scope_id is not None:
        raise ToolError(f"{_short(name)} names a network card: it is not on the public Internet.")
    return str(ip), ip


def _ipv4(labels: list[str]) -> IPv4Address:
    """As `inet_aton` reads it: one to four numbers, each in base 8, 10 or 16, the last filling up what is left."""
    try:
        numbers = [_number(label) for label in labels]
        *first, last = numbers
        if len(numbers) > 4 or any(number > 255 for number in first) or last >= 256 ** (5 - len(numbers)):
            raise ValueError
    except ValueError:
        raise ToolError(f"{_short('.'.join(labels))!r} is no IPv4 address.") from None
    head = sum(number << (8 * (3 - place)) for place, number in enumerate(first))
    return IPv4Address(head + last)


def _number(label: str) -> int:
    if not _NUMBER.fullmatch(label) or len(label) > 16:
        raise ValueError(label)
    if label[:2] in ("0x", "0X"):
        return int(label[2:] or "0", 16)
    return int(label, 8 if len(label) > 1 and label.startswith("0") else 10)


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}…"
