"""A server that is not ours is started again under the gateway, which has sessions with it: clients notice nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness


@pytest.mark.parametrize("client", ["ts1", "py2-modern"])
def test_server_everything_is_started_again(client: str, direct_only: bool, tmp_path: Path) -> None:
    """It answers 400 to a session that it does not know."""
    if direct_only:
        pytest.skip("no gateway in a direct run")
    server = harness.EverythingServer()
    # Nobody asks it whether it is there: calls have to find out.
    backends = {"everything": {"type": "streamable-http", "url": server.url, "health": {"enabled": False}}}
    gateway = harness.Gateway(tmp_path / "gateway", backends)
    plan = {"steps": [{"do": "call", "name": "echo", "arguments": {"message": "hello"}}]}
    try:
        assert harness.observe(client, gateway.url, plan).text(0) == "Echo: hello"
        port = server.port
        server.stop()
        server = harness.EverythingServer(port)
        assert harness.observe(client, gateway.url, plan).text(0) == "Echo: hello", gateway.log()
        gateway.finish()
    finally:
        gateway.kill()
        server.kill()
