"""Starting and stopping: what the gateway leaves behind, which must be nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
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
        one = harness.Gateway(tmp_path / f"gateway{len(started)}", backends, **more)
        started.append(one)
        return one

    yield start
    for one in started:
        one.kill()
        for line in one.children():  # only after a failed test
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(line.split(":")[0]), signal.SIGKILL)


def test_stops_at_once_when_idle(gateway: Any) -> None:
    one = gateway({"fixture": harness.fixture_stdio(), "everything": harness.everything_stdio()})
    harness.observe("ts1", one.url, {"steps": [{"do": "call", "name": "test_simple_text"}]})
    assert one.children(), "no backend carries the mark of this gateway"
    started = time.monotonic()
    one.finish()
    assert time.monotonic() - started < 8 * harness.slow()


def test_stops_with_open_streams(gateway: Any) -> None:
    one = gateway({"fixture": harness.fixture_stdio()})
    steps = [{"do": "ping"}, {"do": "wait", "for": "never", "timeout": 20}]
    ends: list[BaseException | None] = []

    def watch(client: str, what: list[dict[str, Any]]) -> None:
        try:
            harness.observe(client, one.url, {"steps": what}, 30)
            ends.append(None)
        except BaseException as error:  # noqa: BLE001
            ends.append(error)

    listen = [{"do": "listen", "filter": {"toolsListChanged": True}}, {"do": "sleep", "seconds": 20}]
    threads = [
        threading.Thread(target=watch, args=("ts1", steps), daemon=True),
        threading.Thread(target=watch, args=("py1-sse", steps), daemon=True),
        threading.Thread(target=watch, args=("py2-auto", listen), daemon=True),
    ]
    for thread in threads:
        thread.start()
    time.sleep(3)
    one.finish()


@pytest.mark.parametrize("client", ["py2-legacy", "ts2-modern"])
def test_a_call_in_flight_is_finished(gateway: Any, client: str, tmp_path: Path) -> None:
    log = tmp_path / "journal"
    one = gateway({"fixture": harness.fixture_stdio(log)})
    call = {"do": "call", "name": "slow_count", "arguments": {"steps": 15, "delay": 0.2, "key": "flight"}}
    seen: list[harness.Observed] = []
    # The Python client lists tools by itself after the first call of a tool that it has not seen in a list.
    plan = {"steps": [{"do": "list", "of": ["tools"]}, call]}
    thread = threading.Thread(target=lambda: seen.append(harness.observe(client, one.url, plan)))
    thread.start()
    assert harness.eventually(lambda: any(entry.get("key") == "flight" for entry in harness.journal(log)), 15)
    one.finish()
    thread.join(30)
    assert seen and seen[0].text(1) == "counted to 15"


def test_nothing_outlives_a_killed_gateway(gateway: Any) -> None:
    wrapped = harness.everything_stdio()  # it does not end when its standard input does
    # A shell gives what it starts in the background no standard input, unless it is handed over.
    line = f"exec 3<&0; {wrapped['command']} {' '.join(wrapped['args'])} <&3 & wait"
    wrapper = {"type": "stdio", "command": "/bin/sh", "args": ["-c", line], "env": {}}
    one = gateway({"fixture": harness.fixture_stdio(), "time": harness.time_stdio(), "wrapped": wrapper})
    harness.eventually(lambda: len(one.children()) >= 4, 10)
    assert len(one.children()) >= 4, f"backends and a grandchild should run: {one.children()}"
    os.kill(one.popen.pid, signal.SIGKILL)
    one.popen.wait(5)
    harness.eventually(lambda: not one.children(), 10)
    assert one.children() == []


def test_health(gateway: Any) -> None:
    one = gateway({"fixture": harness.fixture_stdio()})
    base = one.url.removesuffix("/mcp")
    with urllib.request.urlopen(f"{base}/manage/v1/health", timeout=5) as answer:
        assert answer.status == 200
    one.finish()
