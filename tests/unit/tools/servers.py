"""An internet of two machines for tests: a public one that answers, and one that nothing may ever reach."""

import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpcore

PUBLIC = "93.184.216.34"
Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""


class Internet(httpcore.NetworkBackend):
    """Connects to the loopback server `port` for the public address, and to `forbidden_port` for every other one."""

    def __init__(self, port: int, forbidden_port: int) -> None:
        self.connected: list[str] = []
        self._port = port
        self._forbidden_port = forbidden_port

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        self.connected.append(host)
        here = self._port if host == PUBLIC else self._forbidden_port
        return httpcore.SyncBackend().connect_tcp("127.0.0.1", here, timeout)


@contextmanager
def http_server(answer: Callable[[str, dict[str, str]], Answer]) -> Iterator[int]:
    """A loopback server that gives `answer(path, headers)`; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answer(self.path, dict(self.headers))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with _served(Handler) as port:
        yield port


@contextmanager
def socket_server(talk: Callable[[Any], None]) -> Iterator[int]:
    """A loopback server that hands each connection's socket to `talk`; its port."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            talk(self.request)

    with _served(Handler) as port:
        yield port


@contextmanager
def _served(handler: type[socketserver.BaseRequestHandler]) -> Iterator[int]:
    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that left is no news."""

    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()
