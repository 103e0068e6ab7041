"""`Fetcher`: GET over HTTP for tools, to public addresses only, bounded in time and size.

The check is made where the connection is made: a host's name is resolved once, every address that it has is checked,
and the socket is opened to one of these. So no spelling of an address, no redirect and no resolver that changes its
mind (DNS rebinding) leads anywhere else, while the Host header and the certificate are still those of the name.
Proxies of the environment are not used, nothing is decompressed, no cookies are kept.
"""

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from agentkit.errors import ToolError
from agentkit.tools.addresses import forbidden_reason

Resolve = Callable[[str, int], list[str]]
"""From a host's name and a port to its addresses."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_REDIRECTS = {301, 302, 303, 307, 308}
_USER_AGENT = "agentkit-local (a person's own agent)"


@dataclass(frozen=True, slots=True)
class Page:
    """What a GET gave."""

    url: str
    """After redirects."""
    status: int
    content_type: str
    content: bytes

    def text(self) -> str:
        """As UTF-8; what is none is replaced."""
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:  # Any: whatever the server said
        """Raises ToolError where it is not JSON."""
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise ToolError(f"{_host(self.url)} gave something that is not JSON: try again later") from error


class Fetcher:
    """Fetches pages of public hosts, and of hosts that the settings name."""

    def __init__(
        self,
        *,
        allowed_hosts: Iterable[str] = (),
        timeout_s: float = 15.0,
        max_bytes: int = 2_000_000,
        max_redirects: int = 5,
        resolve: Resolve | None = None,
        backend: httpcore.NetworkBackend | None = None,
    ) -> None:
        """Choose the limits.

        Args:
            allowed_hosts: `host` or `host:port`, which may have private addresses, such as `localhost:8888`. They can
                be asked for, but no other host can redirect to them.
            timeout_s: For a page with all its redirects; looking up a name is not counted.
            max_bytes: Longest page.
            max_redirects: How many are followed.
            resolve: By default the system's resolver.
            backend: What opens sockets; by default the system's.
        """
        self._allowed = frozenset(host.lower() for host in allowed_hosts)
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._max_redirects = max_redirects
        self._resolve = resolve or _resolve
        self._backend = backend or httpcore.SyncBackend()

    def get(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Page:
        """The page at `url`, whatever its status.

        Raises:
            ToolError: a forbidden scheme, host or address, no connection, too large, or too slow.
        """
        current = _parsed(url).copy_merge_params(params) if params else _parsed(url)
        first = _origin(current)
        deadline = time.monotonic() + self._timeout_s
        for _ in range(self._max_redirects + 1):
            is_allowed = _origin(current) == first and self._is_allowed(current)
            page, location = self._get_once(current, headers or {}, deadline, is_allowed=is_allowed)
            if location is None:
                return page
            target = _parsed(location, base=current)
            if current.scheme == "https" and target.scheme == "http":
                raise ToolError(f"{current.host} redirects to an address without encryption: that is not followed")
            current = target
        raise ToolError(f"{_host(url)} redirects more than {self._max_redirects} times: that is not followed")

    def _is_allowed(self, url: httpx.URL) -> bool:
        return bool({url.host, f"{url.host}:{_port(url)}"} & self._allowed)

    def _get_once(
        self, url: httpx.URL, headers: Mapping[str, str], deadline: float, *, is_allowed: bool
    ) -> tuple[Page, str | None]:
        """The page, and where it redirects to."""
        backend = _CheckedBackend(self._backend, self._resolve, deadline, is_allowed=is_allowed)
        own = {"Host": url.netloc.decode("ascii"), "User-Agent": _USER_AGENT, "Accept-Encoding": "identity"}
        sent: list[tuple[bytes | str, bytes | str]] = [*own.items(), *headers.items()]
        target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
        try:
            with (
                httpcore.ConnectionPool(network_backend=backend, max_connections=1, keepalive_expiry=0) as pool,
                pool.stream("GET", target, headers=sent) as response,
            ):
                received = {name.lower(): value.decode("latin-1") for name, value in response.headers}
                location = received.get(b"location") if response.status in _REDIRECTS else None
                content = b"" if location else self._body(response, url)
        except httpcore.TimeoutException as error:
            raise ToolError(f"{url.host} took longer than {self._timeout_s:g} s: try again later") from error
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError, OSError) as error:
            reason = " ".join(str(error).split())[:200] or type(error).__name__
            raise ToolError(f"{url.host} cannot be reached ({reason}): go on without it") from error
        return Page(str(url), response.status, received.get(b"content-type", ""), content), location

    def _body(self, response: httpcore.Response, url: httpx.URL) -> bytes:
        parts: list[bytes] = []
        size = 0
        for part in response.iter_stream():
            size += len(part)
            if size > self._max_bytes:
                raise ToolError(
                    f"the page of {url.host} is larger than {self._max_bytes:,} bytes: ask for a part of it"
                )
            parts.append(part)
        return b"".join(parts)


class _CheckedBackend(httpcore.NetworkBackend):
    """Opens connections to checked addresses, with one deadline for all that happens on them."""

    def __init__(
        self, backend: httpcore.NetworkBackend, resolve: Resolve, deadline: float, *, is_allowed: bool
    ) -> None:
        self._backend = backend
        self._resolve = resolve
        self._deadline = deadline
        self._is_allowed = is_allowed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = self._checked(host, port)
        for number, address in enumerate(addresses, start=1):
            try:
                left = _seconds_left(self._deadline)
                stream = self._backend.connect_tcp(address, port, left, local_address, socket_options)
                return _TimedStream(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise AssertionError("unreachable: there is at least one address")

    def _checked(self, host: str, port: int) -> list[str]:
        try:
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise ToolError(f"the host {host} is not known, or this machine is offline: go on without it") from error
        if not addresses:
            raise ToolError(f"the host {host} has no address: go on without it")
        if not self._is_allowed:
            for address in addresses:
                if reason := forbidden_reason(address):
                    raise ToolError(f"{host} is not fetched: {address} is {reason}, and tools reach public hosts only")
        return addresses


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every read and write ends at one deadline, so that a slow drip of bytes does too."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _seconds_left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _seconds_left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, _seconds_left(self._deadline))
        return _TimedStream(stream, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # Any: httpcore's own signature
        return self._stream.get_extra_info(info)


def _parsed(url: str, *, base: httpx.URL | None = None) -> httpx.URL:
    try:
        parsed = base.join(url) if base else httpx.URL(url)
        netloc, host = parsed.netloc.decode("ascii"), parsed.host
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise ToolError(f"{url[:200]!r} is not an address of a page: write https://host/path") from error
    if parsed.scheme not in _DEFAULT_PORTS or not host:
        raise ToolError(f"{url[:200]!r} is not fetched: write an address that begins with https:// or http://")
    if parsed.userinfo or "@" in netloc:
        raise ToolError(f"{host} is not fetched with a user name before it: leave out what is before the @")
    return parsed


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, _port(url)


def _port(url: httpx.URL) -> int:
    return url.port or _DEFAULT_PORTS[url.scheme]


def _host(url: str) -> str:
    return httpx.URL(url).host


def _seconds_left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("out of time")
    return left


def _resolve(host: str, port: int) -> list[str]:
    """The system's resolver, in its order, which is the order to try (RFC 6724)."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
