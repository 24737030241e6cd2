"""What is a web address, and which IP addresses are public: the two decisions that WebFetch stands on."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conductor_magic.errors import ToolError
from conductor_magic.web.addresses import WebAddress, parse
from conductor_magic.web.networks import not_public


@pytest.mark.parametrize(
    ("url", "whole", "authority"),
    [
        ("https://example.org", "https://example.org/", "example.org"),
        ("  HTTPS://Example.ORG./a  ", "https://example.org/a", "example.org"),
        ("https://example.org:443/", "https://example.org/", "example.org"),
        ("http://example.org:443/", "http://example.org:443/", "example.org:443"),
        ("https://example.org:8443?q=1#part", "https://example.org:8443/?q=1", "example.org:8443"),
        ("https://example.org/a%20b?x=1&y=2#z", "https://example.org/a%20b?x=1&y=2", "example.org"),
        ("https://example.org/a b/ö?q=ü|", "https://example.org/a%20b/%C3%B6?q=%C3%BC%7C", "example.org"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
        ("https://ｅｘａｍｐｌｅ．org/", "https://example.org/", "example.org"),
        ("https://under_score.example.org/", "https://under_score.example.org/", "under_score.example.org"),
        ("https://93.184.215.14/", "https://93.184.215.14/", "93.184.215.14"),
        ("http://0x5d.0270.55054/", "http://93.184.215.14/", "93.184.215.14"),
        ("http://[2606:2800:21f:0:0::1]:8080/x", "http://[2606:2800:21f::1]:8080/x", "[2606:2800:21f::1]:8080"),
    ],
)
def test_a_url_has_one_spelling(url: str, whole: str, authority: str) -> None:
    """However it is written, a good URL becomes the one form that is checked, shown and sent."""
    address = parse(url)
    assert (str(address), address.authority) == (whole, authority)
    assert parse(str(address)) == address


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "url is empty."),
        ("   ", "url is empty."),
        ("example.org", "example.org: only http:// and https:// URLs can be fetched."),
        ("file:///etc/passwd", "file:///etc/passwd: only http:// and https:// URLs can be fetched."),
        ("gopher://127.0.0.1:6379/_x", "gopher://127.0.0.1:6379/_x: only http:// and https:// URLs can be fetched."),
        ("http:/example.org", "http:/example.org: only http:// and https:// URLs can be fetched."),
        ("//example.org/", "//example.org/: only http:// and https:// URLs can be fetched."),
        ("http://", "'' is no host name."),
        ("http:///path", "'' is no host name."),
        ("http://example.com\r\nX-Injected: 1/", "The URL holds the character U+000D, which no URL may hold."),
        ("http://example.com/\0", "The URL holds the character U+0000, which no URL may hold."),
        ("http://example.com/\u202e", "The URL holds the character U+202E, which no URL may hold."),
        ("http://exa\u00admple.com/", "The URL holds the character U+00AD, which no URL may hold."),
        ("http://example.com\\@127.0.0.1/", "The URL holds the character U+005C, which no URL may hold."),
        (
            "http://example.com@127.0.0.1/",
            "The URL holds a user name or password before an @; WebFetch sends none. Leave it out.",
        ),
        ("http://exa%6dple.com/", "'exa%6dple.com' is no host name."),
        ("http://example .com/", "'example .com' is no host name."),
        ("http://example..com/", "'example..com' is no host name."),
        ("http://-example.com/", "'-example.com' is no host name."),
        ("http://exam℀ple.com/", "'exam℀ple.com' is no host name."),
        ("http://localhost/", "'localhost' has no dot: it is no name of the public Internet."),
        ("http://web-search/", "'web-search' has no dot: it is no name of the public Internet."),
        ("http://[::1", "http://[::1: the brackets of its IPv6 address do not fit."),
        ("http://[::1]x/", "http://[::1]x/: the brackets of its IPv6 address do not fit."),
        ("http://[1::2::3]/", "[1::2::3] is no IPv6 address."),
        ("http://[fe80::1%25eth0]/", "[fe80::1%25eth0] names a network card: it is not on the public Internet."),
        ("http://1.2.3.4.5/", "'1.2.3.4.5' is no IPv4 address."),
        ("http://1.2.3.256/", "'1.2.3.256' is no IPv4 address."),
        ("http://example.0x7f/", "'example.0x7f' is no IPv4 address."),
        ("http://08.8.8.8/", "'08.8.8.8' is no IPv4 address."),
        ("http://4294967296/", "'4294967296' is no IPv4 address."),
        ("http://example.com:0/", "The port '0' is no port."),
        ("http://example.com:99999/", "The port '99999' is no port."),
        ("http://example.com:80x/", "The port '80x' is no port."),
        ("http://example.com:٨٠/", "The port '٨٠' is no port."),
        ("http://e.org/" + "a" * 8000, "The URL has 8,013 characters; 8,000 is the most."),
    ],
)
def test_what_is_no_web_address(url: str, why: str) -> None:
    """Each thing that is no plain web address is refused, with a line that says why."""
    with pytest.raises(ToolError) as refused:
        parse(url)
    assert str(refused.value) == why


@pytest.mark.parametrize("port", [1, 21, 22, 25, 81, 143, 445, 993, 2375, 3306, 5432, 6379, 6443, 9200, 11211, 27017])
def test_ports_that_are_not_for_the_web(port: int) -> None:
    """Mail, shells, databases and clusters are not reached, whatever the host."""
    with pytest.raises(ToolError, match=f"^Port {port} is not for the web: WebFetch takes 80, 443, and most ports"):
        parse(f"http://example.org:{port}/")


@pytest.mark.parametrize("port", [80, 443, 1024, 3000, 5000, 8000, 8080, 8443, 8888, 65535])
def test_ports_for_the_web(port: int) -> None:
    """The web's own ports and those that servers of web pages take are reached."""
    assert parse(f"http://example.org:{port}/").port == port


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0177.0.0.1", "0x7f.1", "0x7f000001", "017700000001", "127.0.0.1.",
        "①②⑦.⓪.⓪.①", "１２７。０。０。１", "0", "0.0.0.0", "10.0.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
        "100.100.100.200", "169.254.169.254", "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1",
        "203.0.113.1", "192.88.99.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:93.184.215.14]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]",
        "[64:ff9b::127.0.0.1]", "[64:ff9b::10.0.0.1]", "[64:ff9b:1::93.184.215.14]", "[100::1]", "[2001::1]",
        "[2001:2::1]", "[2001:10::1]", "[2001:db8::1]", "[2002:7f00:1::]", "[2002:5db8:d70e::]", "[3fff::1]",
        "[5f00::1]", "[4000::1]", "[fc00::1]", "[fd00::1]", "[fd00:ec2::254]", "[fe80::1]", "[fec0::1]", "[ff02::1]",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(host: str) -> None:
    """Every way to write an address that is not public is refused before anybody is asked or anything is reached."""
    with pytest.raises(ToolError, match=r"is not on the public Internet \(.+\): closed to WebFetch in every mode"):
        parse(f"http://{host}/")


@pytest.mark.parametrize(
    "host",
    ["93.184.215.14", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.1",
     "198.20.0.0", "223.255.255.255", "[2606:4700::1111]", "[2001:4860:4860::8888]", "[64:ff9b::8.8.8.8]"],
)  # fmt: skip
def test_addresses_that_are_public(host: str) -> None:
    """What lies right beside a closed network stays open."""
    assert parse(f"http://{host}/").ip == ip_address(host.strip("[]"))


@given(st.integers(0, 2**32 - 1))
@example(0)
@example(2**32 - 1)
def test_every_spelling_of_an_ipv4_address_is_the_same_address(number: int) -> None:
    """Decimal, octal, hexadecimal, short and mapped forms of one address are all open or all closed."""
    address = IPv4Address(number)
    a, b, c, d = address.packed
    forms = [str(number), f"0{number:o}" if number else "0", hex(number), f"{a}.{number & 0xFFFFFF}"]
    forms += [f"{a}.{b}.{c << 8 | d}", f"0{a:o}.0x{b:x}.{c}.{d}", f"{a}.{b}.{c}.{d}."]
    for form in forms:
        if not_public(address):
            with pytest.raises(ToolError, match="is not on the public Internet"):
                parse(f"http://{form}/")
        else:
            assert parse(f"http://{form}/") == WebAddress("http", str(address), 80, "/", address)
    assert bool(not_public(address)) == bool(not_public(ip_address(f"64:ff9b::{address}")))
    assert not_public(ip_address(f"::ffff:{address}"))


@given(st.integers(0, 2**128 - 1))
def test_our_list_is_stricter_than_pythons(number: int) -> None:
    """What Python itself calls private, reserved, local or multicast is never public here."""
    for address in (ip_address(number), IPv4Address(number >> 96)):
        odd = address.is_private or address.is_reserved or address.is_link_local or address.is_multicast
        if (odd or address.is_loopback or address.is_unspecified) and number >> 32 != 0x64_FF9B << 64:
            assert not_public(address)


@given(st.text(max_size=40))
@example("http://a.b\u3002c")
def test_no_text_makes_the_parser_fail(text: str) -> None:
    """Whatever a model writes is a good address with one spelling, or a line for the model."""
    for url in (text, f"http://{text}", f"https://example.org/{text}", f"http://example.org:{text}/"):
        try:
            address = parse(url)
        except ToolError as error:
            assert str(error)
        else:
            assert parse(str(address)) == address
            assert str(address).isascii()
            assert " " not in str(address)


@pytest.mark.parametrize(
    ("location", "whole"),
    [
        ("/new", "https://example.org/new"),
        ("new?x=1#y", "https://example.org/dir/new?x=1"),
        ("//other.example/z", "https://other.example/z"),
        ("http://other.example", "http://other.example/"),
        ("?q", "https://example.org/dir/page?q"),
        (" /blank ", "https://example.org/blank"),
    ],
)
def test_where_a_redirect_leads(location: str, whole: str) -> None:
    """A Location header is read against the page that sent it."""
    assert str(parse("https://example.org/dir/page").joined(location)) == whole


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1/", "//[::1]/", "file:///etc", "/a\r\nb", "\t//evil.example", "\\\\evil"]
)
def test_where_no_redirect_may_lead(location: str) -> None:
    """A Location header is checked as strictly as what a model writes."""
    with pytest.raises(ToolError):
        parse("https://example.org/dir/page").joined(location)
