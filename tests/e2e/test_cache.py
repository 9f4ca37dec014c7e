"""Cache hints of a real server (PyPI `mcp` 2.3), and reads that the gateway keeps for the clients of all SDKs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import harness
import pytest
import raw
from test_features import WATCHED, call, plan, wait

STATIC = "test://static-text"
HOUR = 3_600_000
CLIENTS = ["py2-auto", "ts2-modern", "py1", "ts1", "py16-sse", "py2-auto-sse"]


@pytest.fixture(params=["http", "stdio", "sse"])
def caching(request: Any, tmp_path: Path, direct_only: bool) -> Any:
    """A gateway that keeps what it may, in front of a server that is only modern: its URL, and the server's journal."""
    if direct_only:
        pytest.skip("this is about the gateway")
    journal = tmp_path / "journal"
    options = ["--modern-only", "--ttl", str(HOUR)]
    server = None
    if request.param == "stdio":
        backend = harness.fixture_stdio(journal, *options)
    else:
        server = harness.FixtureServer(journal, *options, transport=request.param)
        backend = {"type": "streamable-http" if request.param == "http" else "sse", "url": server.url}
    gateway = harness.Gateway(tmp_path / "gateway", {"fixture": backend}, cache={"enabled": True})
    # Before it hears of changes it cannot know how long anything holds.
    hears = harness.eventually(lambda: raw.modern(gateway.url, "tools/list")["ttlMs"] == HOUR, 20)
    assert hears, gateway.log()
    yield gateway.url, journal
    gateway.finish()
    if server:
        server.kill()


def reads(journal: Path, uri: str) -> int:
    said = [entry for entry in harness.journal(journal) if entry["event"] == "message"]
    return sum((entry["method"], entry["name"]) == ("resources/read", uri) for entry in said)


def test_clients_of_all_generations_share_what_was_read_once(caching: Any) -> None:
    url, journal = caching
    for client in CLIENTS:
        seen = harness.observe(client, url, plan(*[{"do": "read", "uri": STATIC}] * 2, declare=[]))
        for step in (0, 1):
            (found,) = seen.result(step)["contents"]
            assert (found["uri"], found["mimeType"]) == (STATIC, "text/plain")
            assert found["text"] == "This is the content of the static text resource."
    assert reads(journal, STATIC) == 1


def test_an_update_is_read_by_everybody(caching: Any) -> None:
    url, journal = caching
    touching = plan(
        {"do": "listen", "filter": {"resourceSubscriptions": [WATCHED]}},
        {"do": "read", "uri": WATCHED},
        call("touch_watched_resource"),
        wait("notifications/resources/updated"),
        {"do": "read", "uri": WATCHED},
        declare=[],
    )
    seen = harness.observe("ts2-modern", url, touching)
    before, after = (seen.result(step)["contents"][0]["text"] for step in (1, 4))
    assert (before, after) == ("watched is 0", "watched is 1")
    for client in CLIENTS:
        seen = harness.observe(client, url, plan({"do": "read", "uri": WATCHED}, declare=[]))
        assert seen.result(0)["contents"][0]["text"] == after, client
    assert reads(journal, WATCHED) == 2


def test_lists_hold_as_long_as_the_server_says(caching: Any) -> None:
    url, _ = caching
    for method in ("tools/list", "resources/list", "resources/templates/list", "prompts/list", "server/discover"):
        result = raw.modern(url, method)
        # Nobody hears of changes of what a server says of itself: that gets older.
        oldest = HOUR - 60_000 if method == "server/discover" else HOUR
        assert oldest <= result["ttlMs"] <= HOUR and result["cacheScope"] == "public", (method, result["ttlMs"])
