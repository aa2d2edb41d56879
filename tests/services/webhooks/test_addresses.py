"""T220: addresses and URLs that no webhook is sent to."""

from __future__ import annotations

import pytest

from services.webhooks.addresses import is_allowed, read_networks
from services.webhooks.resolving import AddressRefused, HostCheck, system_addresses
from services.webhooks.urls import Target, read_url

REFUSED = [
    "0.0.0.0",  # noqa: S104 - refused
    *("0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254"),
    *("168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.192"),
    *("192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1"),
    *("239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:a9fe:a9fe"),
    *("64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1"),
    *("2002:7f00:1::1", "2002:a9fe:a9fe::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1"),
    *("fe80::1%eth0", "fec0::1", "ff02::1", "4000::1"),
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700:4700::1111", "2a00:1450::1"]


@pytest.mark.parametrize("address", REFUSED)
def test_T220_an_address_that_is_not_public_is_refused(address: str) -> None:
    assert not is_allowed(address, ())


@pytest.mark.parametrize("address", PUBLIC)
def test_T220_a_public_address_is_allowed(address: str) -> None:
    assert is_allowed(address, ())


def test_T220_a_listed_network_is_allowed_and_another_one_is_not() -> None:
    networks = read_networks("10.1.0.0/16, fd00:1::/32")
    assert is_allowed("10.1.2.3", networks)
    assert is_allowed("fd00:1::9", networks)
    assert not is_allowed("10.2.0.1", networks)
    assert not is_allowed("::ffff:10.1.2.3", networks)


@pytest.mark.parametrize("host", ["localhost", "127.1", "2130706433", "0x7f000001", "017700000001", "0"])
def test_T220_other_ways_to_write_a_loopback_address(host: str) -> None:
    """The system's resolver reads them as addresses; what it reads is checked, not what was written."""
    with pytest.raises(AddressRefused):
        HostCheck().check(host, 443)


def test_T220_a_name_with_one_private_address_among_public_ones_is_refused() -> None:
    with pytest.raises(AddressRefused):
        HostCheck(resolve=lambda *_: ["8.8.8.8", "10.0.0.1"]).check("mixed.example", 443)


def test_a_name_that_cannot_be_resolved_may_be_added() -> None:
    HostCheck(resolve=lambda *_: system_addresses("no-such-name.invalid", 443)).check("no-such-name.invalid", 443)


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://shop.example/",
            "ftp://shop.example/",
            "file:///etc/passwd",
            "gopher://shop.example/",
            "//shop.example",
        ),
        *("https://anna@shop.example/", "https://anna:secret@shop.example/", "https://shop.example/#part"),
        *("https://shop.example:25/", "https://shop.example:22/", "https://shop.example:65536/", "https://:443/"),
        *("https://shop.example:0/", "https://shop_example/", "https://-shop.example/", "https://шоп.example/"),
        *("https://shop.example\\@10.0.0.1/", "https://shop.example/a b", "https://shop.example/\r\nX: y"),
        *("https://[::1/", "https://[fe80::1%25eth0]/", "https://shop..example/", "https://", "shop.example", ""),
        "https://shop.example/" + "a" * 1024,
    ],
)
def test_T224_a_url_that_is_no_plain_https_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError) as refused:
        read_url(url, https_only=True)
    assert url not in str(refused.value) or not url


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("https://Shop.Example", Target("https", "shop.example", 443, "/"), "shop.example"),
        ("https://shop.example:8443/a?b=c", Target("https", "shop.example", 8443, "/a?b=c"), "shop.example:8443"),
        ("https://[2606:4700::1]/h", Target("https", "2606:4700::1", 443, "/h"), "[2606:4700::1]"),
        ("https://shop.example?x=1", Target("https", "shop.example", 443, "/?x=1"), "shop.example"),
    ],
)
def test_T224_a_plain_https_url_is_read(url: str, target: Target, authority: str) -> None:
    assert read_url(url, https_only=True) == target
    assert target.authority == authority


def test_http_is_for_development() -> None:
    assert read_url("http://127.0.0.1:9000/x", https_only=False) == Target("http", "127.0.0.1", 9000, "/x")
