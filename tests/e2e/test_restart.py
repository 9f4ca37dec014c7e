"""SDK clients live through a restart of the gateway: their sessions are there again, and they notice nothing."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import cutting
import harness

WATCHED = "test://watched-resource"
UPDATED = "notifications/resources/updated"
CHANGED = "notifications/tools/list_changed"


def opened(gateway: harness.Gateway) -> int:
    """How often a client began a session."""
    return sum('method="initialize"' in line for line in gateway.lines)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("client", ["ts1", "py1", "ts2-legacy", "py2-legacy"])
def test_a_client_lives_through_a_restart(client: str, kill: bool, direct_only: bool, tmp_path: Path) -> None:
    if direct_only:
        pytest.skip("no gateway in a direct run")
    log = tmp_path / "journal"
    fixture = harness.FixtureServer(log)
    backends = {"fixture": {"type": "streamable-http", "url": fixture.url}}
    port = harness.free_port()
    before = [
        {"do": "list", "of": ["tools"]},
        {"do": "subscribe", "uri": WATCHED},
        {"do": "level", "level": "error"},
        {"do": "call", "name": "slow_count", "arguments": {"steps": 1, "delay": 0.1, "key": "before"}},
    ]
    after = [
        # The client is told on its standing stream, which it opened anew by itself.
        {"do": "wait", "for": CHANGED, "timeout": 40},
        {"do": "call", "name": "test_simple_text"},
        {"do": "list", "of": ["tools"]},
        {"do": "call", "name": "test_elicitation", "arguments": {"message": "Still there?"}},
        # That it may have changed, twice; then that it has.
        {"do": "wait", "for": UPDATED, "count": 2, "timeout": 40},
        {"do": "call", "name": "touch_watched_resource"},
        {"do": "wait", "for": UPDATED, "count": 3, "timeout": 40},
        {"do": "call", "name": "test_logging_tool"},
        {"do": "ping"},
    ]
    seen: list[Any] = []

    def run() -> None:
        try:
            seen.append(harness.observe(client, through.url, {"steps": before + after}, 100))
        except BaseException as error:  # noqa: BLE001
            seen.append(error)

    def finished() -> bool:
        return any(entry["event"] == "slow_count finished" for entry in harness.journal(log))

    first = harness.Gateway(tmp_path / "gateway", backends, port)
    second = None
    # The SDKs try twice to open their standing stream anew, within one or two seconds.
    through = cutting.Cutting(first.url, b"\0", [])
    try:
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        assert harness.eventually(finished, 30), "the client does not get that far"
        # Its answer is on the way; what was subscribed to is in the journal.
        kept = tmp_path / "gateway" / "state" / "sessions.journal"
        assert harness.eventually(lambda: kept.exists() and '"error"]' in kept.read_text(), 20)
        threading.Event().wait(0.3)
        if kill:
            first.kill()
        else:
            first.finish()
        second = harness.Gateway(tmp_path / "gateway", backends, port)
        thread.join(110 * harness.slow())
        assert seen, "the client does not end"
        if isinstance(seen[0], BaseException):
            raise seen[0]
        assert opened(first) == 1 and opened(second) == 0, "the client began anew"
        second.finish()
    finally:
        through.stop()
        for one in [first, second, fixture]:
            if one:
                one.kill()
    observed = seen[0]
    assert observed.text(5) == "This is a simple text response for testing."
    assert observed.result(6) == observed.result(0), "other tools than before"
    assert "accept" in observed.text(7)
    for number in (4, 8, 10, 12):
        observed.result(number)
    logged = {one["params"]["level"] for one in observed.all("note") if one["method"] == "notifications/message"}
    assert logged == {"error", "critical", "alert", "emergency"}
