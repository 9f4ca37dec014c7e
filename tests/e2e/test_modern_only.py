"""Legacy SDK clients at a server that is only modern: the same as at one of their own era, as far as the eras agree."""

from __future__ import annotations

import json
from typing import Any

import harness
import pytest
import test_features
from test_clients import (  # noqa: F401 - what is asked of any server is asked of this one
    LEGACY,
    OLD,
    Seen,
    on_fixture,
    test_completion_with_context,
    test_elicitation,
    test_lists,
    test_progress_comes_in_order_and_before_the_result,
    test_prompt,
    test_reads,
    test_roots,
    test_sampling,
    test_several_questions,
    test_version_and_identity,
)

SERVERS = ["modern-http", "modern-stdio", "modern-sse"]
BEHIND = pytest.mark.parametrize("target", SERVERS, indirect=True)
CLIENTS = pytest.mark.parametrize("client", LEGACY)


@pytest.fixture(params=[f"{client} {behind}" for behind in SERVERS for client in LEGACY])
def fixture(request: Any, targets: Any) -> Seen:
    client, behind = request.param.split()
    target = targets.get(behind)
    return Seen(*on_fixture(client, target.url), client, target)


def test_the_server_is_only_modern(fixture: Seen) -> None:
    assert fixture.result("call")["structuredContent"] == {"sum": 5.5}
    said = [entry for entry in harness.journal(fixture.target.journal) if entry["event"] == "message"]
    assert {entry["version"] for entry in said} == {"2026-07-28"}


def test_calls_that_fail(fixture: Seen) -> None:
    assert fixture.result("error")["isError"] is True
    assert fixture.error("unknown tool")["code"] == -32602
    missing = fixture.error("missing")
    assert (missing["code"], missing["data"]) == (-32602, {"uri": "test://no-such-resource"})


def test_url_elicitation(fixture: Seen) -> None:
    (asked,) = fixture.during("url", "elicitation")
    assert (asked["params"]["mode"], asked["params"]["url"]) == ("url", "https://example.com/sign-in")
    assert asked["params"]["elicitationId"]  # the modern era has none; these clients demand one
    assert fixture.text("url") == "URL elicitation: accept"


def test_the_server_is_told_what_the_client_declared(fixture: Seen) -> None:
    who = fixture.result("who")["structuredContent"]
    assert who["protocolVersion"] == "2026-07-28"
    assert set(who["capabilities"]) == {"sampling", "roots"} | ({"elicitation"} if fixture.client != OLD else set())


@BEHIND
@CLIENTS
def test_subscribe_and_updated(target: Any, client: str) -> None:
    test_features.test_subscribe_and_updated(target, client)


@BEHIND
@CLIENTS
def test_list_changed_on_the_standalone_stream(target: Any, client: str) -> None:
    test_features.test_list_changed_on_the_standalone_stream(target, client)


@BEHIND
@CLIENTS
def test_logging_by_the_level_of_the_session(target: Any, client: str) -> None:
    test_features.test_logging_by_the_level_of_the_session(target, client)


@BEHIND
@CLIENTS
def test_logging_before_a_level_is_set(target: Any, client: str) -> None:
    seen = harness.observe(client, target.url, test_features.plan(test_features.call("test_logging_tool")))
    assert test_features.logged(seen.during(0, "note")) == test_features.LEVELS[1:]


@BEHIND
@CLIENTS
def test_cancellation_reaches_the_server(target: Any, client: str) -> None:
    test_features.test_cancellation_reaches_the_backend(target, client)


@BEHIND
@pytest.mark.parametrize("client", ["py2-legacy", "ts1", "py1-sse"])
@pytest.mark.parametrize("declare", [[], ["sampling"]], ids=["none", "sampling"])
def test_the_server_is_told_no_more_than_the_client_declared(target: Any, client: str, declare: list[str]) -> None:
    call = test_features.call
    steps = [call("who_am_i"), call("test_missing_capability"), call("test_elicitation", message="x")]
    seen = harness.observe(client, target.url, test_features.plan(*steps, declare=declare))
    assert set(seen.result(0)["structuredContent"]["capabilities"] or {}) == set(declare)
    if declare:
        assert not seen.result(1).get("isError")
    else:
        assert seen.error(1)["code"] == -32021
    error = seen.error(2)
    assert (error["code"], json.dumps(error["data"])) == (-32021, '{"requiredCapabilities": {"elicitation": {}}}')


@BEHIND
@pytest.mark.parametrize("client", ["py2-legacy", "ts1", "py1-sse"])
def test_questions_of_two_clients_at_once(target: Any, client: str) -> None:
    test_features.test_questions_of_calls_at_once_are_answered(target, client)
