"""A TCP proxy that cuts event streams: as a network does that loses a connection in the middle of an answer."""

from __future__ import annotations

import socket
import struct
import threading
import time
from urllib.parse import urlsplit

RESET = struct.pack("ii", 1, 0)


class Cutting:
    """Passes everything on, but cuts the answers to requests that hold `mark`: the first after `bounds[0]` bytes of its
    event stream, the stream that goes on with it after `bounds[1]`, and so forth; what comes after that is whole."""

    def __init__(self, url: str, mark: bytes, bounds: list[int]) -> None:
        parts = urlsplit(url)
        self.server = (parts.hostname, parts.port)
        self.mark = mark
        self.bounds = list(bounds)
        self.cuts = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}{parts.path}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connection, args=(client,), daemon=True).start()

    def _connection(self, client: socket.socket) -> None:
        server = self._server()
        for side in (client, server):
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        marked = threading.Event()
        threading.Thread(target=self._requests, args=(client, server, marked), daemon=True).start()
        self._responses(client, server, marked)

    def _server(self) -> socket.socket:
        """A connection to the server, which may be about to start."""
        until = time.monotonic() + 30
        while True:
            try:
                return socket.create_connection(self.server)
            except ConnectionRefusedError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)

    def _requests(self, client: socket.socket, server: socket.socket, marked: threading.Event) -> None:
        try:
            while data := client.recv(65536):
                if self.mark in data or b"last-event-id: " in data.lower():
                    marked.set()
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _responses(self, client: socket.socket, server: socket.socket, marked: threading.Event) -> None:
        left = None
        try:
            while data := server.recv(65536):
                if left is None and marked.is_set() and b"text/event-stream" in data:
                    with self.lock:
                        left = self.bounds.pop(0) if self.bounds else None
                    left = left and data.index(b"\r\n\r\n") + 4 + left
                if left is not None and len(data) >= left:
                    client.sendall(data[:left])
                    self.cuts += 1
                    break
                left = left and left - len(data)
                client.sendall(data)
        except OSError:
            pass
        for side in (client, server):
            # What was sent arrives, and then the connection is reset.
            try:
                side.shutdown(socket.SHUT_WR)
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            except OSError:
                pass
            side.close()
