"""`agentkit.tools.network` and `agentkit.tools.addresses`."""

import socket
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentkit.errors import ToolError
from agentkit.tools.addresses import forbidden_reason
from agentkit.tools.network import Fetcher
from tests.unit.tools.servers import PUBLIC, Answer, Internet, http_server, socket_server

_INSIDE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200",
    "169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.168.0.1",
    "192.168.255.255", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "168.63.129.16",
]  # fmt: skip
_INSIDE_6 = [
    "::1", "::", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1", "100::1",
    "2001:db8::1", "2001::1", "2001:10::1", "2002:7f00:1::", "2002:a9fe:a9fe::", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "::ffff:10.0.0.1", "::127.0.0.1", "::a9fe:a9fe",
    "::ffff:0:127.0.0.1", "::5efe:127.0.0.1", "2a00:1450::200:5efe:10.0.0.1", "4000::1", "e000::1",
]  # fmt: skip


@pytest.mark.parametrize("address", [*_INSIDE, *_INSIDE_6, "localhost", "", "1.2.3", "fe80::1%eth0"])
def test_an_address_that_leads_inside_is_forbidden(address: str) -> None:
    assert forbidden_reason(address)


@pytest.mark.parametrize(
    "address", [PUBLIC, "1.1.1.1", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_a_public_address_is_allowed(address: str) -> None:
    assert forbidden_reason(address) is None


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_inside_an_ipv6_one_is_judged_as_itself(number: int) -> None:
    plain = forbidden_reason(str(IPv4Address(number)))
    for base in (0xFFFF << 32, 0x64FF9B << 96):
        assert forbidden_reason(str(IPv6Address(base + number))) == plain


def _forbidden_urls() -> list[str]:
    """Spellings of addresses that lead inside, most of them of 127.0.0.1 and of the clouds' 169.254.169.254."""
    urls = [f"http://{address}/" for address in _INSIDE]
    urls += [f"http://[{address}]/" for address in _INSIDE_6 if "%" not in address]
    urls += [f"https://{address}/" for address in _INSIDE[:12]]
    urls += [f"http://{address}:{port}/" for address in ("127.0.0.1", "10.0.0.1") for port in (80, 443, 22, 6379, 8080)]
    for address in ("127.0.0.1", "169.254.169.254", "10.0.0.1", "192.168.0.1"):
        number = int(IPv4Address(address))
        a, b, c, d = address.split(".")
        hexadecimal = [f"{int(part):#x}" for part in (a, b, c, d)]
        octal = [f"0{int(part):o}" for part in (a, b, c, d)]
        urls += [
            f"http://{spelling}/"
            for spelling in (
                number, hex(number), hex(number).upper(), f"0{number:o}", f"00000{number:o}", ".".join(hexadecimal),
                ".".join(octal), f"{a}.{int(b) << 16 | int(c) << 8 | int(d)}", f"{a}.{b}.{int(c) << 8 | int(d)}",
                f"{hexadecimal[0]}.{b}.{octal[2]}.{d}", f"{address}.", f"{a}.{b}.{c}.{int(d):#x}", f"00{a}.{b}.{c}.{d}",
                address.replace(".", "。"), address.replace(".", "%2e"), f"%3{a[0]}{address[1:]}",
                "".join(chr(ord("０") + int(char)) if char.isdigit() else char for char in address),
            )
        ]  # fmt: skip
        urls += [
            f"http://user@{address}/", f"http://user:pass@{address}/", f"http://{PUBLIC}@{address}/",
            f"http://{address}@{PUBLIC}/", f"http://{PUBLIC}#@{address}/", f"http://{PUBLIC}\\@{address}/",
            f"http://{address}\\@{PUBLIC}/", f"http://{PUBLIC} @{address}/", f"http://:@{address}/", f"//{address}/",
            f"http:///{address}/", f"http:{address}/", f"http://{address}\t/", f"http://{address}\r\nHost: x/", f"HTTP://{address}/",
        ]  # fmt: skip
    urls += [
        f"http://{name}/"
        for name in (
            "localhost", "LOCALHOST", "localhost.", "inside.test", "inside6.test", "mixed.test", "metadata.test",
            "mapped.test", "①②⑦.⓪.⓪.①", "127.1", "127.0.1", "0", "0x0", "[::]", "[::1]:80", "[0:0:0:0:0:0:0:1]",
            "[0000:0000:0000:0000:0000:ffff:7f00:0001]", "[::1%25lo]", "[fe80::1%25eth0]", "ip6-localhost",
        )
    ]  # fmt: skip
    urls += [
        f"{scheme}://127.0.0.1/x"
        for scheme in ("file", "ftp", "gopher", "dict", "ldap", "ws", "wss", "tftp", "jar:http", "unix", "smb")
    ]
    return [*urls, "file:///etc/passwd", "data:text/plain,x", "javascript:1", "", "/", "?", "http://", "https://:80/"]


_URLS = _forbidden_urls()
_NAMES = {
    "inside.test": ["10.1.2.3"],
    "inside6.test": ["fd12::1"],
    "mixed.test": [PUBLIC, "127.0.0.1"],
    "metadata.test": ["169.254.169.254"],
    "mapped.test": ["::ffff:127.0.0.1"],
    "public.test": [PUBLIC],
}


def _resolve(host: str, port: int) -> list[str]:
    """The names above; of all others, what the system makes of the many spellings of a number."""
    if host in _NAMES:
        return _NAMES[host]
    flags = 0 if host.lower().rstrip(".") == "localhost" else socket.AI_NUMERICHOST
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)]


@pytest.fixture
def hits() -> list[str]:
    """What has reached the machine that nothing may reach."""
    return []


@pytest.fixture
def forbidden(hits: list[str]) -> Iterator[int]:
    """The port of the machine that nothing may reach."""

    def note(path: str, headers: dict[str, str]) -> Answer:
        hits.append(path)
        return 200, {}, b"secret"

    with http_server(note) as port:
        yield port


def test_there_are_at_least_200_forms() -> None:
    assert len(set(_URLS)) >= 200


def test_no_form_of_a_forbidden_address_is_connected_to(forbidden: int, hits: list[str]) -> None:
    internet = Internet(forbidden, forbidden)
    fetcher = Fetcher(resolve=_resolve, backend=internet)
    for url in _URLS:
        if url.startswith(f"http://{PUBLIC}#"):  # the address is in the fragment, which is not sent
            continue
        with pytest.raises(ToolError):
            fetcher.get(url)
    assert internet.connected == []
    assert hits == []


def test_no_redirect_to_a_forbidden_address_is_followed(forbidden: int, hits: list[str]) -> None:
    here = ""

    def answer(path: str, headers: dict[str, str]) -> Answer:
        return 302, {"Location": here.translate({9: None, 10: None, 13: None}).encode("utf-8").decode("latin-1")}, b""

    with http_server(answer) as port:
        internet = Internet(port, forbidden)
        fetcher = Fetcher(resolve=_resolve, backend=internet)
        for url in _URLS:
            here = url
            with pytest.raises(ToolError):
                fetcher.get("http://public.test/")
    assert set(internet.connected) == {PUBLIC}
    assert hits == []


def test_a_resolver_that_changes_its_mind_is_asked_once_and_its_answer_is_checked(
    forbidden: int, hits: list[str]
) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return [PUBLIC if len(asked) % 2 else "127.0.0.1"]

    def answer(path: str, headers: dict[str, str]) -> Answer:
        return (200, {}, b"public") if path == "/" else (302, {"Location": "/second"}, b"")

    with http_server(answer) as port:
        fetcher = Fetcher(resolve=rebinding, backend=Internet(port, forbidden))
        assert fetcher.get("http://rebinding.test/").content == b"public"
        assert asked == ["rebinding.test"]
        asked.clear()
        with pytest.raises(ToolError, match="this machine"):
            fetcher.get("http://rebinding.test/first")
    assert hits == []


def test_the_real_resolver_and_the_real_sockets_do_not_reach_a_listener_on_loopback(
    hits: list[str], forbidden: int
) -> None:
    for host in ("localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0"):
        with pytest.raises(ToolError):
            Fetcher().get(f"http://{host}:{forbidden}/")
    assert hits == []


Make = Callable[..., Fetcher]


@pytest.fixture
def site() -> Iterator[tuple[Make, dict[str, Any]]]:
    """Makes fetchers that see one public site, whose answers are in the dict by path; each request is in `seen`."""
    answers: dict[str, Any] = {"seen": []}

    def answer(path: str, headers: dict[str, str]) -> Answer:
        answers["seen"].append((path, headers))
        return answers.get(path, (404, {}, b"not here"))  # type: ignore[no-any-return]  # a dict of several things

    with http_server(answer) as port:
        yield (lambda **limits: Fetcher(resolve=_resolve, backend=Internet(port, 1), **limits)), answers


def test_a_public_page_is_fetched_under_its_own_name(site: tuple[Make, dict[str, Any]]) -> None:
    make, answers = site
    answers["/a?q=caf%C3%A9+x"] = 200, {"Content-Type": "application/json"}, b'{"a": 1}'
    page = make().get("http://public.test/a", params={"q": "café x"}, headers={"X-Key": "1"})
    assert (page.status, page.json(), page.content_type) == (200, {"a": 1}, "application/json")
    ((_, headers),) = answers["seen"]
    assert headers["Host"] == "public.test"
    assert headers["X-Key"] == "1"
    assert headers["Accept-Encoding"] == "identity"


def test_redirects_are_followed_up_to_the_limit(site: tuple[Make, dict[str, Any]]) -> None:
    make, answers = site
    answers["/1"] = 301, {"Location": "/2"}, b""
    answers["/2"] = 308, {"Location": "http://public.test/3"}, b""
    answers["/3"] = 200, {}, b"there"
    assert make().get("http://public.test/1").url == "http://public.test/3"
    answers["/3"] = 302, {"Location": "/1"}, b""
    with pytest.raises(ToolError, match="more than 5 times"):
        make().get("http://public.test/1")


def test_a_page_that_is_too_large_is_refused(site: tuple[Make, dict[str, Any]]) -> None:
    make, answers = site
    answers["/"] = 200, {}, b"x" * 5000
    assert len(make(max_bytes=5000).get("http://public.test/").content) == 5000
    with pytest.raises(ToolError, match="larger than 4,999 bytes"):
        make(max_bytes=4999).get("http://public.test/")


def test_what_is_not_json_is_an_error_for_the_model(site: tuple[Make, dict[str, Any]]) -> None:
    make, answers = site
    answers["/"] = 200, {}, b"<html>"
    with pytest.raises(ToolError, match="not JSON"):
        make().get("http://public.test/").json()


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"])
def test_a_server_that_drips_is_left_at_the_time_limit(start: bytes) -> None:
    def drip(connection: Any) -> None:
        connection.sendall(start)
        for _ in range(100):
            time.sleep(0.05)
            connection.sendall(b"x")

    started = time.perf_counter()
    with socket_server(drip) as port, pytest.raises(ToolError, match=r"longer than 0\.3 s"):
        Fetcher(resolve=_resolve, backend=Internet(port, 1), timeout_s=0.3).get("http://public.test/")
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize("reply", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"])
def test_a_server_that_speaks_something_else_is_an_error_for_the_model(reply: bytes) -> None:
    with (
        socket_server(lambda connection: connection.sendall(reply)) as port,
        pytest.raises(ToolError, match="cannot be"),
    ):
        Fetcher(resolve=_resolve, backend=Internet(port, 1)).get("http://public.test/")


def test_an_encrypted_connection_names_the_host_and_not_the_address() -> None:
    greetings: list[bytes] = []
    with (
        socket_server(lambda connection: greetings.append(connection.recv(4096))) as port,
        pytest.raises(ToolError, match="cannot be reached"),
    ):
        Fetcher(resolve=_resolve, backend=Internet(port, 1)).get("https://public.test/")
    assert b"public.test" in greetings[0]
    assert PUBLIC.encode() not in greetings[0]


def test_a_redirect_that_drops_encryption_is_not_followed() -> None:
    class Plain(Internet):
        """Speaks without encryption where it was asked for."""

        def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
            stream = super().connect_tcp(*args, **kwargs)
            stream.start_tls = lambda *args, **kwargs: stream  # type: ignore[method-assign]  # a double
            return stream

    with http_server(lambda path, headers: (302, {"Location": "http://public.test/"}, b"")) as port:
        internet = Plain(port, 1)
        with pytest.raises(ToolError, match="without encryption"):
            Fetcher(resolve=_resolve, backend=internet).get("https://public.test/")
    assert len(internet.connected) == 1


def test_a_host_that_the_settings_name_is_reached_and_no_other_can_redirect_to_it() -> None:
    with http_server(lambda path, headers: (200, {}, headers["Host"].encode())) as port:
        host = f"127.0.0.1:{port}"
        for named in (host, "127.0.0.1"):
            assert Fetcher(allowed_hosts=[named]).get(f"http://{host}/").text() == host
        with pytest.raises(ToolError, match="public hosts only"):
            Fetcher(allowed_hosts=["127.0.0.1:1"]).get(f"http://{host}/")
        with http_server(lambda path, headers: (302, {"Location": f"http://{host}/"}, b"")) as public:
            fetcher = Fetcher(allowed_hosts=[host], resolve=_resolve, backend=Internet(public, port))
            with pytest.raises(ToolError, match="public hosts only"):
                fetcher.get("http://public.test/")


def test_a_second_address_is_tried_where_the_first_does_not_answer() -> None:
    class HalfDown(Internet):
        def connect_tcp(self, host: str, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
            if host != PUBLIC:
                raise httpcore.ConnectError("down")
            return super().connect_tcp(host, *args, **kwargs)

    with http_server(lambda path, headers: (200, {}, b"up")) as port:
        fetcher = Fetcher(resolve=lambda host, port: ["8.8.8.8", PUBLIC], backend=HalfDown(port, 1))
        assert fetcher.get("http://public.test/").content == b"up"


def test_a_name_that_is_no_host_is_an_error_for_the_model() -> None:
    with pytest.raises(ToolError, match="not an address of a page"):
        Fetcher(resolve=_resolve).get("http://xn--/")


def test_without_a_network_the_model_is_told_to_go_on() -> None:
    def offline(host: str, port: int) -> list[str]:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    with pytest.raises(ToolError, match="offline: go on without it"):
        Fetcher(resolve=offline).get("http://public.test/")
