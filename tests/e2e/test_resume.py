"""SDK clients whose connection is cut in the middle of an answer come back for the rest by themselves."""

from __future__ import annotations

import http.client
import json
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest

import cutting
import harness

TOOL = "slow_count"


@pytest.mark.parametrize("client", ["py1", "py2-legacy", "ts1", "ts2-legacy"])
@pytest.mark.parametrize(
    ("target", "bounds"),
    [("fixture-http", [120]), ("fixture-http", [500]), ("fixture-stdio", [120, 300])],
    ids=["early", "late", "twice"],
    indirect=["target"],
)
def test_an_answer_survives_a_cut(target: Any, client: str, bounds: list[int]) -> None:
    if target.direct:
        pytest.skip("the fixture alone keeps no streams")
    proxy = cutting.Cutting(target.url, TOOL.encode(), bounds)
    key = str(uuid.uuid4())
    try:
        call = {"do": "call", "name": TOOL, "arguments": {"steps": 6, "delay": 0.3, "key": key}}
        seen = harness.observe(client, proxy.url, {"steps": [call, {"do": "ping"}]})
    finally:
        proxy.stop()
    assert proxy.cuts == len(bounds), "the proxy did not cut all it should"
    assert seen.text(0) == "counted to 6"
    progress = [one["progress"] for one in seen.during(0, "progress")]
    if client.startswith("py") and len(bounds) > 1:
        # A Python client whose second stream breaks asks again from where the first one broke.
        progress = list(dict.fromkeys(progress))
    assert progress == [1, 2, 3, 4, 5, 6]
    assert seen.result(1) == {}
    journal = [entry["event"] for entry in harness.journal(target.journal) if entry.get("key") == key]
    assert journal == ["slow_count started", "slow_count finished"]


# --- the stream for what belongs to no call --------------------------------------------------------------------------

WATCHED = "test://watched-resource"
UPDATED = "notifications/resources/updated"
TIMES = 4


@pytest.mark.parametrize("client", ["py1", "py2-legacy", "ts1", "ts2-legacy"])
@pytest.mark.parametrize("target", ["fixture-stdio"], indirect=True)
def test_the_standing_stream_survives_a_cut(target: Any, client: str) -> None:
    if target.direct:
        pytest.skip("the fixture alone keeps no streams")
    # In the middle of the third event or so.
    proxy = cutting.Cutting(target.url, b"GET /mcp", [320])
    touch = {"do": "call", "name": "touch_watched_resource"}
    touches = [step for _ in range(TIMES) for step in (touch, {"do": "sleep", "seconds": 0.2})]
    wait = {"do": "wait", "for": UPDATED, "count": TIMES, "timeout": 10}
    plan = {"steps": [{"do": "sleep", "seconds": 0.3}, {"do": "subscribe", "uri": WATCHED}, *touches, wait]}
    try:
        seen = harness.observe(client, proxy.url, plan)
    finally:
        proxy.stop()
    assert proxy.cuts == 1, "the proxy did not cut the stream"
    assert len(seen.result(2 + len(touches))["found"]) == TIMES
    updates = [one for one in seen.all("note") if one["method"] == UPDATED]
    assert [one["params"]["uri"] for one in updates] == [WATCHED] * TIMES


class Raw:
    """A session that is spoken to byte by byte."""

    def __init__(self, url: str) -> None:
        self.place = urlsplit(url)
        self.session: dict[str, str] = {}
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
        opened = self.post("initialize", hello, id=0)
        self.session = {"Mcp-Session-Id": opened.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
        assert self.post("notifications/initialized").status == 202

    def post(self, method: str, params: dict[str, Any] | None = None, **more: Any) -> http.client.HTTPResponse:
        body = json.dumps({"jsonrpc": "2.0", "method": method, "params": params or {}, **more})
        answer = self.send("POST", body, {"Content-Type": "application/json"})
        answer.read()
        return answer

    def touch(self) -> None:
        assert self.post("tools/call", {"name": "touch_watched_resource", "arguments": {}}, id=1).status == 200

    def send(self, method: str, body: str | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.place.netloc, timeout=10)
        accept = {"Accept": "application/json, text/event-stream"}
        connection.request(method, self.place.path, body, {**accept, **self.session, **headers})
        return connection.getresponse()

    def stream(self, last: str | None = None) -> http.client.HTTPResponse:
        return self.send("GET", None, {"Last-Event-ID": last} if last else {})


def next_event(stream: http.client.HTTPResponse) -> tuple[str | None, str]:
    """The id and the data of the next event."""
    name, data = None, ""
    while line := stream.readline().decode().rstrip("\n"):
        field, _, value = line.partition(":")
        name = value.strip() if field == "id" else name
        data += value.strip() if field == "data" else ""
    return name, data


@pytest.mark.parametrize("target", ["fixture-stdio"], indirect=True)
def test_the_standing_stream_goes_on_where_it_was(target: Any) -> None:
    if target.direct:
        pytest.skip("the fixture alone keeps no streams")
    client = Raw(target.url)
    stream = client.stream()
    priming, nothing = next_event(stream)
    assert priming and not nothing
    assert client.post("resources/subscribe", {"uri": WATCHED}, id=2).status == 200
    seen = []
    for _ in range(3):
        client.touch()
        name, data = next_event(stream)
        assert json.loads(data)["method"] == UPDATED
        seen.append(name)
    names = [priming, *seen]
    assert len(set(names)) == 4 and all(name.startswith("0-") for name in names), names
    stream.close()
    client.touch()

    # From the last one that was seen: what came since, and nothing twice.
    stream = client.stream(seen[-1])
    assert stream.status == 200
    assert next_event(stream)[0] == seen[-1], "a resumed stream says first where it is"
    fourth, data = next_event(stream)
    assert json.loads(data)["method"] == UPDATED and fourth not in seen
    client.touch()
    fifth, _ = next_event(stream)
    stream.close()

    # From further back, as a client does whose stream broke before it read it: everything again, in order.
    stream = client.stream(priming)
    next_event(stream)
    assert [next_event(stream)[0] for _ in range(5)] == [*seen, fourth, fifth]
    stream.close()

    # What was never said cannot be gone on with.
    assert client.stream(f"{fifth}999").status in (400, 410)
    assert client.send("DELETE", None, {}).status == 204
    assert client.stream(fifth).status == 404
