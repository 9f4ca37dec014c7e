"""What several real servers offer together: who keeps a name, and what is known of a server that is slow to come back."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import harness


@pytest.fixture
def gateway(tmp_path: Path, direct_only: bool) -> Any:
    if direct_only:
        pytest.skip("no gateway in a direct run")
    started: list[harness.Gateway] = []

    def start(backends: dict[str, Any], **more: Any) -> harness.Gateway:
        """A gateway in the same folder each time, so that it remembers."""
        started.append(harness.Gateway(tmp_path / "gateway", backends, **more))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def clocks() -> dict[str, Any]:
    """Two time servers: the same tools, but each names its own time zone in their schemas."""
    zones = {"berlin": "Europe/Berlin", "tokyo": "Asia/Tokyo"}
    made = {name: harness.time_stdio() for name in zones}
    for name, zone in zones.items():
        made[name]["args"][-1] = zone
    return made


def healthy(gateway: harness.Gateway) -> int:
    with urllib.request.urlopen(gateway.url.removesuffix("/mcp") + "/manage/v1/health", timeout=5) as answer:
        return json.load(answer)["backends"]["healthy"]


@pytest.mark.parametrize(
    ("resolution", "expected"),
    [
        ({"strategy": "first-wins"}, {"get_current_time": "Europe/Berlin"}),
        (
            {"strategy": "priority", "order": ["tokyo"]},
            {"berlin_get_current_time": "Europe/Berlin", "get_current_time": "Asia/Tokyo"},
        ),
        ({"strategy": "error"}, {"get_current_time": "Europe/Berlin"}),
    ],
    ids=["first-wins", "priority", "error"],
)
@pytest.mark.parametrize("client", ["ts1", "py2-modern"])
def test_who_keeps_a_name(gateway: Any, client: str, resolution: dict[str, Any], expected: dict[str, str]) -> None:
    one = gateway(clocks(), conflict_resolution=resolution, server={"startup_wait": 30})
    calls = [{"do": "call", "name": name, "arguments": {"timezone": "Asia/Tokyo"}} for name in expected]
    seen = harness.observe(client, one.url, {"steps": [{"do": "list", "of": ["tools"]}, *calls]})
    tools = {tool["name"]: json.dumps(tool["inputSchema"]) for tool in seen.result(0)["tools"]}
    assert len(tools) == 2 * len(expected)
    for number, (name, zone) in enumerate(expected.items()):
        assert zone in tools[name]
        assert "+09:00" in seen.text(number + 1)
    expected_healthy = 1 if resolution["strategy"] == "error" else 2
    assert harness.eventually(lambda: healthy(one) == expected_healthy), healthy(one)
    one.finish()


@pytest.mark.parametrize("client", ["py1", "ts2-modern"])
def test_a_server_that_hangs_at_the_start_is_listed_as_before(gateway: Any, client: str) -> None:
    server = harness.FixtureServer()
    steps = [{"do": "list", "of": ["tools"]}, {"do": "call", "name": "add", "arguments": {"a": 2, "b": 3}}]
    try:
        backends = {"fixture": {"type": "streamable-http", "url": server.url}}
        one = gateway(backends)
        before = harness.observe(client, one.url, {"steps": steps})
        one.finish()
        os.kill(server.popen.pid, signal.SIGSTOP)
        one = gateway(backends, server={"startup_wait": 60})
        began = time.monotonic()
        hung = harness.observe(client, one.url, {"steps": steps[:1]})
        assert time.monotonic() - began < 30
        assert hung.result(0) == before.result(0)
        os.kill(server.popen.pid, signal.SIGCONT)
        after = harness.observe(client, one.url, {"steps": steps})
        assert (after.result(0), after.result(1)) == (before.result(0), before.result(1))
        one.finish()
    finally:
        server.kill()
