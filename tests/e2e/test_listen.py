"""`subscriptions/listen` of modern SDK clients at a server that knows only sessions (PyPI `mcp` 1.30)."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import harness
import pytest
import raw
from test_features import call, plan, wait

WATCHED1 = harness.HERE / "fixture" / "watched1.py"
ONE, TWO = "test://watched/one", "test://watched/two"
# What the SDKs call them.
UPDATED = {"py": "ResourceUpdated", "ts": "notifications/resources/updated"}
CHANGED = {"py": "ToolsListChanged", "ts": "notifications/tools/list_changed"}
CLIENTS = ["py2-auto", "ts2-modern", "py2-auto-sse", "ts2-modern-sse"]


@pytest.fixture(scope="module", params=["http", "stdio", "sse"])
def watched(request: Any, tmp_path_factory: Any, direct_only: bool) -> Any:
    """A gateway in front of the server: its URL, and the journal of the server."""
    if direct_only:
        pytest.skip("such a server has no `subscriptions/listen`")
    folder = tmp_path_factory.mktemp(f"watched-{request.param}")
    journal = folder / "journal"
    env = {"WATCHED1_JOURNAL": str(journal)}
    server = None
    if request.param == "stdio":
        backend = {"type": "stdio", "command": str(harness.PY1), "args": [str(WATCHED1), "stdio"], "env": env}
    else:
        server = harness.Process(f"watched-{request.param}", [harness.PY1, WATCHED1, request.param], env)
        url = server.wait_for(re.compile(r"^(http://\S+/(?:mcp|sse))$"), 15)
        backend = {"type": "streamable-http" if request.param == "http" else "sse", "url": url}
    gateway = harness.Gateway(folder / "gateway", {"watched": backend})
    yield gateway.url, journal
    gateway.finish()
    if server:
        server.kill()


def noted(journal: Path) -> list[dict[str, str]]:
    return harness.journal(journal)


def heard(client: str, seen: Any) -> list[tuple[str, str | None]]:
    """The notifications of a client, as this SDK shows them."""
    if client.startswith("py2"):
        names = {"ToolsListChanged": "tools", "ResourceUpdated": "updated"}
        return [(names[one["event"]], one["uri"]) for one in seen.all("event")]
    names = {"notifications/tools/list_changed": "tools", "notifications/resources/updated": "updated"}
    notes = [one for one in seen.all("note") if one["method"] in names]
    return [(names[one["method"]], (one.get("params") or {}).get("uri")) for one in notes]


@pytest.mark.parametrize("client", CLIENTS)
def test_updates_and_list_changes(watched: Any, client: str) -> None:
    url, journal = watched

    def is_settled() -> bool:
        kinds = [next(iter(entry)) for entry in noted(journal)]
        return kinds.count("subscribed") == kinds.count("unsubscribed")

    assert harness.eventually(is_settled, 15), noted(journal)
    before = len(noted(journal))
    wanted = {"toolsListChanged": True, "resourceSubscriptions": [ONE]}
    seen = harness.observe(
        client,
        url,
        plan(
            {"do": "listen", "filter": wanted},
            call("touch", uri=TWO),
            call("touch", uri=ONE),
            call("grow"),
            wait(UPDATED[client[:2]]),
            wait(CHANGED[client[:2]]),
            {"do": "list", "of": ["tools"]},
            declare=[],
        ),
    )
    assert seen.result(0)["honored"] == wanted
    got = heard(client, seen)
    assert got.count(("updated", ONE)) == 1 and ("updated", TWO) not in got
    assert ("tools", None) in got
    assert "grown" in {tool["name"] for tool in seen.result(6)["tools"]}
    harness.eventually(lambda: len(noted(journal)) >= before + 2, 15)
    assert noted(journal)[before:] == [{"subscribed": ONE}, {"unsubscribed": ONE}]


def test_clients_share_a_subscription(watched: Any) -> None:
    url, journal = watched
    before = len(noted(journal))
    wanted = {"resourceSubscriptions": [ONE, "test://nowhere"]}
    with raw.listening(url, {"notifications": wanted}), ThreadPoolExecutor() as pool:

        def listening(client: str) -> harness.Observed:
            steps = [{"do": "listen", "filter": wanted}, wait(UPDATED[client[:2]], timeout=40)]
            return harness.observe(client, url, plan(*steps, declare=[]))

        waiting = [(client, pool.submit(listening, client)) for client in CLIENTS]
        while not all(one.done() for _, one in waiting):
            raw.modern(url, "tools/call", {"name": "touch", "arguments": {"uri": ONE}})
            time.sleep(0.3)
        for client, one in waiting:
            seen = one.result()
            assert seen.result(0)["honored"] == {"resourceSubscriptions": [ONE]}, "a resource that is not there"
            assert heard(client, seen).count(("updated", ONE)) > 0, client
    assert [entry for entry in noted(journal)[before:] if "subscribed" in entry] == [{"subscribed": ONE}]
