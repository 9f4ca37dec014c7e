"""What goes on beside the plain call: notifications, subscriptions, logging, cancellation, several calls at once."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest

import harness
from test_clients import LEGACY, MODERN

BEHIND = pytest.mark.parametrize("target", ["fixture-http", "fixture-stdio", "fixture-sse"], indirect=True)
WATCHED = "test://watched-resource"


def plan(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"steps": list(steps), **more}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    return {"do": "call", "name": name, "arguments": arguments}


def wait(method: str, **more: Any) -> dict[str, Any]:
    return {"do": "wait", "for": method, **more}


# --- subscriptions and list changes ----------------------------------------------------------------------------------


@BEHIND
@pytest.mark.parametrize("client", LEGACY)
def test_subscribe_and_updated(target: Any, client: str) -> None:
    seen = harness.observe(
        client,
        target.url,
        plan(
            {"do": "subscribe", "uri": WATCHED},
            call("touch_watched_resource"),
            wait("notifications/resources/updated"),
            {"do": "read", "uri": WATCHED},
            {"do": "unsubscribe", "uri": WATCHED},
            call("touch_watched_resource"),
            {"do": "sleep", "seconds": 0.5},
        ),
    )
    number = seen.text(1).removeprefix("watched is ")
    assert seen.result(2)["found"][0]["params"]["uri"] == WATCHED
    assert seen.result(3)["contents"][0]["text"] == f"watched is {number}"
    assert int(seen.text(5).removeprefix("watched is ")) == int(number) + 1
    updates = [one for one in seen.all("note") if one["method"] == "notifications/resources/updated"]
    assert len(updates) == 1, "an update arrived after unsubscribing"


@BEHIND
@pytest.mark.parametrize("client", LEGACY)
def test_list_changed_on_the_standalone_stream(target: Any, client: str) -> None:
    seen = harness.observe(
        client,
        target.url,
        plan(
            {"do": "list", "of": ["tools"]},
            call("test_trigger_tool_change"),
            wait("notifications/tools/list_changed"),
            {"do": "list", "of": ["tools"]},
            call("test_trigger_prompt_change"),
            wait("notifications/prompts/list_changed"),
            call("test_trigger_tool_change"),
            call("test_trigger_prompt_change"),
            {"do": "sleep", "seconds": 0.3},
        ),
    )
    assert seen.result(2)["found"] and seen.result(5)["found"]
    if target.name == "fixture-http":  # over stdio each process has lists of its own
        before = {tool["name"] for tool in seen.result(0)["tools"]}
        after = {tool["name"] for tool in seen.result(3)["tools"]}
        assert before ^ after == {"test_dynamic_tool"}, "list_changed came before the list had changed"


@BEHIND
@pytest.mark.parametrize("client", ["py2-auto", "ts2-modern", "py2-auto-sse", "ts2-modern-sse"])
def test_listen(target: Any, client: str) -> None:
    wanted = {"toolsListChanged": True, "resourceSubscriptions": [WATCHED]}
    seen = harness.observe(
        client,
        target.url,
        plan(
            {"do": "listen", "filter": wanted},
            call("test_trigger_tool_change"),
            call("test_trigger_prompt_change"),
            call("touch_watched_resource"),
            wait("ResourceUpdated" if client.startswith("py2") else "notifications/resources/updated"),
            call("test_trigger_tool_change"),
            call("test_trigger_prompt_change"),
        ),
    )
    assert seen.result(0)["honored"] == wanted
    if client.startswith("py2"):
        got = [(one["event"], one["uri"]) for one in seen.all("event")]
        tools, prompts, updated = ("ToolsListChanged", None), ("PromptsListChanged", None), ("ResourceUpdated", WATCHED)
    else:
        got = [(one["method"], (one.get("params") or {}).get("uri")) for one in seen.all("note")]
        tools, prompts = ("notifications/tools/list_changed", None), ("notifications/prompts/list_changed", None)
        updated = ("notifications/resources/updated", WATCHED)
    assert tools in got and updated in got
    assert prompts not in got, "a notification arrived that nobody asked for"


@pytest.mark.parametrize("target", ["fixture-http"], indirect=True)  # over stdio a process may serve one client only
def test_two_clients_hear_of_a_change(target: Any) -> None:
    """One client waits on its standalone stream while another changes the list."""
    from concurrent.futures import ThreadPoolExecutor

    listening = plan({"do": "ping"}, wait("notifications/tools/list_changed", timeout=15))
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(harness.observe, "ts1", target.url, listening)
        changes = plan(*[{"do": "sleep", "seconds": 1.5}, call("test_trigger_tool_change")] * 4)
        harness.observe("py2-legacy", target.url, changes)
        assert waiting.result().result(1)["found"]


# --- logging ---------------------------------------------------------------------------------------------------------

LEVELS = ["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency"]


def logged(entries: list[dict[str, Any]]) -> list[str]:
    return [one["params"]["level"] for one in entries if one["method"] == "notifications/message"]


@BEHIND
@pytest.mark.parametrize("client", LEGACY)
def test_logging_by_the_level_of_the_session(target: Any, client: str) -> None:
    seen = harness.observe(
        client,
        target.url,
        plan({"do": "level", "level": "error"}, call("test_logging_tool"), call("test_tool_with_logging")),
    )
    assert logged(seen.during(1, "note")) == ["error", "critical", "alert", "emergency"]
    assert logged(seen.during(2, "note")) == []


@BEHIND
@pytest.mark.parametrize("client", ["py2-legacy", "ts1", "ts1-sse"])
def test_a_log_message_is_relayed_whole_and_before_the_result(target: Any, client: str) -> None:
    seen = harness.observe(client, target.url, plan({"do": "level", "level": "debug"}, call("test_tool_with_logging")))
    assert [one["params"] for one in seen.during(1, "note")] == [
        {"level": "info", "logger": "fixture", "data": text}
        for text in ("Tool execution started", "Tool processing data", "Tool execution completed")
    ]


@BEHIND
@pytest.mark.parametrize("client", ["py2-modern", "ts2-modern", "ts2-modern-sse"])
def test_logging_by_request(target: Any, client: str) -> None:
    silent = harness.observe(client, target.url, plan(call("test_logging_tool")))
    assert silent.text(0) == "Logged at every level"
    assert logged(silent.all("note")) == []
    chatty = harness.observe(client, target.url, plan(call("test_logging_tool"), logLevel="warning"))
    assert logged(chatty.during(0, "note")) == LEVELS[3:]


# --- cancellation ----------------------------------------------------------------------------------------------------


@BEHIND
@pytest.mark.parametrize("client", LEGACY + ["py2-auto", "ts2-modern", "py2-auto-sse", "ts2-modern-sse"])
def test_cancellation_reaches_the_backend(target: Any, client: str) -> None:
    key = f"{client} {time.time()}"
    seen = harness.observe(
        client,
        target.url,
        # The first call gives a process of the session's own the time to start.
        plan(
            call("add", a=1, b=1),
            {**call("slow_count", steps=40, delay=0.2, key=key), "cancelAtProgress": True},
            call("add", a=1, b=1),
        ),
    )
    assert seen.result(1)["cancelled"] is True
    assert seen.result(2)["structuredContent"] == {"sum": 2}

    def events() -> list[str]:
        return [entry["event"] for entry in harness.journal(target.journal) if entry.get("key") == key]

    harness.eventually(lambda: len(events()) > 1, 15)
    assert events() == ["slow_count started", "slow_count cancelled"]


@BEHIND
def test_a_legacy_client_that_leaves_does_not_cancel(target: Any) -> None:
    """In the legacy era a lost connection is not a cancellation; the call goes on."""
    import http.client
    from urllib.parse import urlsplit

    key = f"left {time.time()}"
    place = urlsplit(target.url)
    accept = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}

    def post(message: dict[str, Any], session: str | None) -> tuple[http.client.HTTPConnection, Any]:
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=10)
        headers = {**accept, "MCP-Protocol-Version": "2025-11-25", **({"Mcp-Session-Id": session} if session else {})}
        connection.request("POST", place.path, json.dumps({"jsonrpc": "2.0", **message}), headers)
        return connection, connection.getresponse()

    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    connection, answer = post({"id": 1, "method": "initialize", "params": hello}, None)
    session = answer.getheader("Mcp-Session-Id")
    connection.close()
    post({"method": "notifications/initialized"}, session)[0].close()
    arguments = {"steps": 6, "delay": 0.2, "key": key}
    params = {"name": "slow_count", "arguments": arguments, "_meta": {"progressToken": "left"}}
    connection, answer = post({"id": 2, "method": "tools/call", "params": params}, session)
    assert answer.getheader("Content-Type").startswith("text/event-stream")
    assert answer.readline()
    answer.close()
    connection.close()

    def events() -> list[str]:
        return [entry["event"] for entry in harness.journal(target.journal) if entry.get("key") == key]

    harness.eventually(lambda: len(events()) > 1, 5)
    assert events() == ["slow_count started", "slow_count finished"]


# --- what a client declares ------------------------------------------------------------------------------------------


@BEHIND
@pytest.mark.parametrize("client", ["py2-legacy", "ts1", "py2-auto", "ts2-modern", "py1-sse"])
@pytest.mark.parametrize("declare", [[], ["sampling"], ["elicitation", "roots"]], ids=lambda one: "+".join(one) or "none")
def test_the_backend_is_told_no_more_than_the_client_declared(target: Any, client: str, declare: list[str]) -> None:
    seen = harness.observe(
        client,
        target.url,
        plan(
            call("who_am_i"),
            call("test_missing_capability"),
            call("test_elicitation", message="x"),
            {"do": "list", "of": ["tools"]},
            declare=declare,
        ),
    )
    assert set(seen.result(0)["structuredContent"]["capabilities"] or {}) == set(declare)
    modern = client in MODERN
    for number, wanted in ((1, "sampling"), (2, "elicitation")):
        if wanted in declare:
            assert not seen.result(number).get("isError")
        elif modern:
            error = seen.error(number)
            assert error["code"] == -32021
            assert error["data"]["requiredCapabilities"] == {wanted: {}}
        else:
            refused = seen.result(number)
            assert refused["isError"] is True and f"'{wanted}'" in refused["content"][0]["text"]
    assert len(seen.result(3)["tools"]) > 20


# --- several at once -------------------------------------------------------------------------------------------------


@BEHIND
@pytest.mark.parametrize("client", LEGACY + ["py2-auto", "ts2-modern", "py2-auto-sse", "ts2-modern-sse"])
def test_calls_at_once(target: Any, client: str) -> None:
    count = 8
    together = [call("echo_after", text=f"text {n}", delay=0.5 - n * 0.05 if n else 3.0) for n in range(count)]
    started = time.monotonic()
    seen = harness.observe(client, target.url, plan({"do": "parallel", "steps": together}))
    for n, one in enumerate(seen.result(0)):
        assert one["result"]["content"][0]["text"] == f"text {n}"
    ends = [entry["step"] for entry in seen.all("done")]
    if target.direct or client not in LEGACY:
        assert ends[0] != "0.0", "the slowest call should not have ended first"
    assert time.monotonic() - started < 40 * harness.slow()


@BEHIND
@pytest.mark.parametrize("client", ["py2-legacy", "ts1", "ts1-sse"])
def test_questions_of_calls_at_once_are_answered(target: Any, client: str) -> None:
    """Two clients ask at the same time; each question goes to the client whose call caused it."""
    from concurrent.futures import ThreadPoolExecutor

    def ask(who: str) -> harness.Observed:
        steps = [call("test_elicitation", message=f"{who} {n}") for n in range(5)]
        return harness.observe(client, target.url, plan(*steps))

    with ThreadPoolExecutor() as pool:
        both = [pool.submit(ask, who) for who in ("first", "second")]
        for who, one in zip(("first", "second"), both, strict=True):
            asked = [entry["message"] for entry in one.result().all("elicitation")]
            assert asked == [f"{who} {n}" for n in range(5)]
            assert all("action=accept" in one.result().text(n) for n in range(5))


# --- the rest --------------------------------------------------------------------------------------------------------


@BEHIND
@pytest.mark.parametrize("client", LEGACY)
def test_ping(target: Any, client: str) -> None:
    answer = harness.observe(client, target.url, plan({"do": "ping"})).result(0)
    assert {key: value for key, value in answer.items() if key != "resultType"} == {}


@pytest.mark.parametrize("target", ["fixture-http"], indirect=True)
@pytest.mark.parametrize("client", ["py2-legacy", "ts1"])
def test_a_backend_that_closes_its_stream_is_resumed(target: Any, client: str) -> None:
    """The fixture ends the stream before it answers (SEP-1699); whoever speaks to it has to come back for the answer."""
    seen = harness.observe(client, target.url, plan(call("test_reconnection")))
    assert seen.text(0) == "Reconnection test completed"


@pytest.mark.parametrize("target", ["fixture-pages"], indirect=True)
@pytest.mark.parametrize("client", ["py1", "ts2-modern"])
def test_lists_of_many_pages_are_complete(target: Any, client: str) -> None:
    listed = harness.observe(client, target.url, plan({"do": "list"})).result(0)
    names = [tool["name"] for tool in listed["tools"]]
    assert names[0] == "test_simple_text" and names[-1] == "who_am_i" and len(names) > 30
    assert len(names) == len(set(names))
    assert len(listed["prompts"]) == 5 and len(listed["resources"]) == 3


@pytest.mark.parametrize("target", ["mixed"], indirect=True)
@pytest.mark.parametrize("client", ["ts1", "py2-legacy"])
def test_roots_of_a_real_server(target: Any, client: str) -> None:
    """server-everything asks for roots by itself, right after the handshake; that must not disturb anything."""
    steps = [{"do": "list", "of": ["tools"]}, {"do": "sleep", "seconds": 0.8}, call("echo", message="after")]
    seen = harness.observe(client, target.url, plan(*steps))
    assert seen.text(2) == "Echo: after"
    if "get-roots-list" in [tool["name"] for tool in seen.result(0)["tools"]]:
        seen = harness.observe(client, target.url, plan(call("get-roots-list")))
        assert "file:///e2e/root" in seen.text(0)


def test_environment_of_this_run_is_clean() -> None:
    """The tests must not depend on a gateway's own configuration lying about."""
    assert "ARGUS_CONFIG" not in os.environ
