"""Keys stay with the endpoint they are for, and URLs typed by anybody lead to public addresses only."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from asking import ask, assert_a_sentence
from hostile_server import HostileServer

from engine.errors import TargetError, UsageError
from engine.targets.endpoint import Endpoint, parse_endpoint
from engine.targets.wire import Wire, is_public

KEY = "sk-loopback-0123456789abcdef"


@pytest.fixture
def server() -> Iterator[HostileServer]:
    with HostileServer() as own:
        yield own


@pytest.mark.parametrize("name", ["redirect_to_the_thief", "redirect_loop"])
def test_the_key_goes_to_no_other_place(server: HostileServer, name: str) -> None:
    with pytest.raises(TargetError):
        ask(server.url(name), key=KEY)
    assert server.requests["thief"] == 0
    assert server.authorizations[name] == {f"Bearer {KEY}"}


@pytest.mark.parametrize("name", ["tells_the_key", "key_refused", "tls_garbage", "error_with_marks"])
def test_the_key_appears_in_no_error(server: HostileServer, name: str) -> None:
    with pytest.raises(TargetError) as refusal:
        ask(server.url(name), key=KEY)
    shown = [refusal.value.sentence("en"), refusal.value.sentence("zh"), repr(refusal.value.values)]
    assert not any(KEY in text for text in shown)
    assert KEY not in repr(Endpoint("http://h/v1", "m", key=KEY))


@pytest.mark.parametrize("key", ["sk-钥匙-abcdef", "sk-one\nX-Evil: two", "sk-\x00abc"])
def test_a_key_that_cannot_be_sent_is_refused_without_quoting_it(key: str) -> None:
    with pytest.raises(TargetError) as refusal:
        Wire(Endpoint("http://127.0.0.1:9/v1", "m", key=key))
    assert_a_sentence(refusal.value)
    assert key not in str(refusal.value)


def test_line_ends_around_a_key_do_no_harm(server: HostileServer) -> None:
    ask(server.url("honest"), key=f" {KEY}\r\n")
    assert server.authorizations["honest"] == {f"Bearer {KEY}"}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f000001", "127.1", "[::1]", "[::ffff:127.0.0.1]", "10.1.2.3",
                                  "192.168.1.1", "169.254.169.254", "[fe80::1]", "0.0.0.0", socket.gethostname()])  # fmt: skip
def test_urls_typed_by_anybody_reach_no_private_address(server: HostileServer, host: str) -> None:
    with pytest.raises(TargetError) as refusal:
        ask(server.url("honest", host), public_only=True)
    assert refusal.value.code in ("endpoint_private", "endpoint_unreachable")  # some resolvers know no 127.1
    assert server.requests["honest"] == 0


@pytest.mark.parametrize(
    ("address", "public"),
    [("8.8.8.8", True), ("2606:4700::1111", True), ("64:ff9b::808:808", True), ("100.64.0.1", False), ("224.0.0.1", False),
     ("64:ff9b::7f00:1", False), ("64:ff9b::a9fe:a9fe", False), ("2002:7f00:1::", False), ("2002:a00:1::", False),
     ("::ffff:10.0.0.1", False), ("::127.0.0.1", False), ("fec0::1", False), ("fd00::1", False), ("ff02::1", False)],
)  # fmt: skip
def test_private_addresses_are_known_in_every_wrapping(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("text", ["http://", "http://u:p@h/v1", "http://h/v1?key=1", "http://h:0/v1", "http://h:99999/v1",
                                  "http://[::1/v1", "http://h/v1#a b", "http://h/v1#" + "m" * 300])  # fmt: skip
def test_what_is_no_endpoint_is_said(text: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_endpoint(text)
    assert_a_sentence(refusal.value)
