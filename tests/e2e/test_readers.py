"""Five hundred who follow the events and read nothing: calls are as quick as without them."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import harness

READERS = 500
CALLS = 300
# Each reload is an event; far more happens than does at any gateway.
EVENTS_PAUSE = 0.02


def port(gateway: harness.Gateway) -> int:
    return int(gateway.url.rsplit(":", 1)[1].split("/")[0])


def follow(gateway: harness.Gateway) -> socket.socket:
    """Opens a stream of events and reads nothing of it but the first bytes."""
    reader = socket.socket()
    # What can be under way to it is little.
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.settimeout(10)
    reader.connect(("127.0.0.1", port(gateway)))
    reader.sendall(b"GET /manage/v1/events/stream HTTP/1.1\r\nhost: localhost\r\nlast-event-id: none\r\n\r\n")
    head = reader.recv(12)
    assert head == b"HTTP/1.1 200", head
    return reader


class Caller:
    """Calls over one connection, one after the other."""

    def __init__(self, gateway: harness.Gateway) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port(gateway)), timeout=10)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.answers = self.connection.makefile("rb")

    def call(self) -> float:
        meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}
        meta["io.modelcontextprotocol/clientCapabilities"] = {}  # type: ignore[assignment]
        params = {"name": "echo", "arguments": {"message": "hello"}, "_meta": meta}
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode()
        head = (
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
            "accept: application/json, text/event-stream\r\nmcp-protocol-version: 2026-07-28\r\n"
            f"mcp-method: tools/call\r\nmcp-name: echo\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        began = time.monotonic()
        self.connection.sendall(head.encode() + body)
        answer = self.answer()
        took = time.monotonic() - began
        assert b"hello" in answer, answer
        return took

    def answer(self) -> bytes:
        status = self.answers.readline()
        assert b" 200 " in status, status
        length = 0
        while (line := self.answers.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        if length:
            return self.answers.read(length)
        whole = b""
        while size := int(self.answers.readline(), 16):
            whole += self.answers.read(size)
            self.answers.readline()
        self.answers.readline()
        return whole

    def latencies(self) -> tuple[float, float]:
        """Half of the calls take no longer than this, and 99 of 100 no longer than that; in milliseconds."""
        took = sorted(self.call() for _ in range(CALLS))
        return took[CALLS // 2] * 1000, took[CALLS * 99 // 100] * 1000


class Happenings:
    """Makes events for as long as this is open."""

    def __init__(self, gateway: harness.Gateway) -> None:
        self.url = gateway.url.replace("/mcp", "/manage/v1/reload")
        self.over = threading.Event()
        self.made = 0
        self.thread = threading.Thread(target=self.make, daemon=True)

    def make(self) -> None:
        while not self.over.wait(EVENTS_PAUSE):
            with urllib.request.urlopen(urllib.request.Request(self.url, method="POST"), timeout=10) as answer:
                assert json.load(answer)["reloaded"]
            self.made += 1

    def __enter__(self) -> Happenings:
        self.thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.over.set()
        self.thread.join(10)


@pytest.mark.alone
def test_slow_readers_do_not_slow_a_call(tmp_path: Path, direct_only: bool) -> None:
    if direct_only:
        pytest.skip("no gateway in a direct run")
    demo = {"type": "stdio", "command": str(harness.binary()), "args": ["example", "echo"]}
    gateway = harness.Gateway(tmp_path / "gateway", {"demo": demo})
    try:
        measure(gateway)
        gateway.finish()
    finally:
        gateway.kill()


def measure(gateway: harness.Gateway) -> None:
    caller = Caller(gateway)
    caller.latencies()
    # A machine may be busy with something else for a moment; what slows calls slows them each time.
    slowed = [slowed_by_readers(gateway, caller)]
    while slowed[-1] and len(slowed) < 3:
        slowed.append(slowed_by_readers(gateway, caller))
    assert not slowed[-1], slowed


def slowed_by_readers(gateway: harness.Gateway, caller: Caller) -> list[str]:
    """In which way calls are slower when there are readers."""
    with Happenings(gateway) as before:
        half, most = caller.latencies()
    readers = [follow(gateway) for _ in range(READERS)]
    with Happenings(gateway) as meanwhile:
        half_then, most_then = caller.latencies()
        with_readers = meanwhile.made
    print(f"{half:.2f} and {most:.2f} ms, with {READERS} readers {half_then:.2f} and {most_then:.2f} ms")
    print(f"{before.made} events before, {with_readers} with readers")
    assert before.made and with_readers, "nothing happened"
    # They are still there, and what they were not told, or were, waits for them.
    for reader in (readers[0], readers[-1]):
        assert b"data: " in reader.recv(65536)
    for reader in readers:
        reader.close()
    slowed = []
    if half_then >= 3 * half + 3:
        slowed.append(f"half of them: {half:.2f} ms became {half_then:.2f} ms")
    if most_then >= 3 * most + 30:
        slowed.append(f"99 of 100: {most:.2f} ms became {most_then:.2f} ms")
    return slowed
