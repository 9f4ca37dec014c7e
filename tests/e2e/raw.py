"""A request of 2026-07-28 without an SDK, and without a client's own start-up time."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from typing import Any

CLIENT = {"name": "raw", "version": "1"}


def modern(
    url: str,
    method: str,
    params: dict[str, Any] | None = None,
    capabilities: dict[str, Any] | None = None,
    client: dict[str, Any] | None = None,
) -> Any:
    """The result of the request. What the client says of itself is written as JavaScript writes it."""
    request = request_of(url, method, params, capabilities, client)
    with urllib.request.urlopen(request, timeout=60) as response:
        text = response.read().decode()
    # An answer that takes its time comes on an event stream, after what was told before it.
    data = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]
    message = json.loads(data[-1] if data else text)
    assert "result" in message, message
    return message["result"]


def request_of(
    url: str,
    method: str,
    params: dict[str, Any] | None = None,
    capabilities: dict[str, Any] | None = None,
    client: dict[str, Any] | None = None,
) -> urllib.request.Request:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": client or CLIENT,
        "io.modelcontextprotocol/clientCapabilities": capabilities or {},
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**(params or {}), "_meta": meta}}
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": "2026-07-28",
        "Mcp-Method": method,
        **({"Mcp-Name": params["name"]} if params and "name" in params else {}),
    }
    return urllib.request.Request(url, json.dumps(body, separators=(",", ":")).encode(), headers)


@contextlib.contextmanager
def listening(url: str, params: dict[str, Any]) -> Any:
    """A stream of `subscriptions/listen` that is acknowledged, and open for as long as this is."""
    with urllib.request.urlopen(request_of(url, "subscriptions/listen", params), timeout=60) as stream:
        while not (line := stream.readline()).startswith(b"data: "):
            assert line, "the stream ended"
        yield
