"""Real SDK clients, through the gateway, to real servers: what each of them sees has to be what the servers said."""

from __future__ import annotations

import json
from typing import Any

import pytest

import harness
from conftest import NOTES

LEGACY = ["py2-legacy", "py1", "ts1", "ts2-legacy", "py1-sse", "ts1-sse", "py16-sse"]
MODERN = ["py2-auto", "py2-modern", "ts2-auto", "ts2-modern", "py2-auto-sse", "ts2-modern-sse"]
OLD = "py16-sse"
# What the SDK of 2024-11-05 cannot do: it knows no elicitation, and no context of a completion.
CANNOT = {OLD: {"elicitation", "rounds", "state", "at once", "asking prompt", "url", "complete"}}
FIXTURES = ["fixture-http", "fixture-stdio", "fixture-sse"]
SAMPLED = "sampled by the e2e client"

# --- our fixture: the whole of the protocol, both eras ---------------------------------------------------------------

FIXTURE_PLAN: dict[str, dict[str, Any]] = {
    "list": {"do": "list"},
    "call": {"do": "call", "name": "add", "arguments": {"a": 2, "b": 3.5}},
    "content": {"do": "call", "name": "test_multiple_content_types"},
    "error": {"do": "call", "name": "test_error_handling"},
    "unknown tool": {"do": "call", "name": "no_such_tool"},
    "read": {"do": "read", "uri": "test://static-text"},
    "binary": {"do": "read", "uri": "test://static-binary"},
    "template": {"do": "read", "uri": "test://template/a%20b/data"},
    "missing": {"do": "read", "uri": "test://no-such-resource"},
    "prompt": {"do": "prompt", "name": "test_prompt_with_arguments", "arguments": {"arg1": "ä", "arg2": "☃"}},
    "progress": {"do": "call", "name": "test_tool_with_progress"},
    "elicitation": {"do": "call", "name": "test_elicitation", "arguments": {"message": "who?"}},
    "sampling": {"do": "call", "name": "test_sampling", "arguments": {"prompt": "what?"}},
    "roots": {"do": "call", "name": "test_input_required_result_list_roots"},
    "rounds": {"do": "call", "name": "test_input_required_result_multi_round"},
    "state": {"do": "call", "name": "test_input_required_result_request_state"},
    "at once": {"do": "call", "name": "test_input_required_result_multiple_inputs"},
    "asking prompt": {"do": "prompt", "name": "test_input_required_result_prompt"},
    "url": {"do": "call", "name": "test_url_elicitation"},
    "header": {"do": "call", "name": "test_x_mcp_header", "arguments": {"region": "eu ä", "count": 3, "note": "n"}},
    "who": {"do": "call", "name": "who_am_i"},
    "complete": {
        "do": "complete",
        "ref": {"type": "ref/prompt", "name": "test_prompt_with_arguments"},
        "argument": {"name": "arg2", "value": "par"},
        "context": {"arg1": "x"},
    },
}


def can(client: str, plan: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The steps that a client can do."""
    return {name: step for name, step in plan.items() if name not in CANNOT.get(client, ())}


def numbered(plan: dict[str, dict[str, Any]]) -> dict[str, int]:
    return {name: number for number, name in enumerate(plan)}


@harness.remembered
def on_fixture(client: str, url: str) -> tuple[harness.Observed, dict[str, int]]:
    plan = can(client, FIXTURE_PLAN)
    return harness.observe(client, url, {"logLevel": "info", "steps": list(plan.values())}), numbered(plan)


class Seen:
    def __init__(self, observed: harness.Observed, steps: dict[str, int], client: str, target: Any) -> None:
        self.observed = observed
        self.steps = steps
        self.client = client
        self.target = target
        self.modern = client in MODERN

    def number(self, name: str) -> int:
        if name in CANNOT.get(self.client, ()):
            pytest.skip(f"{self.client} cannot do this")
        return self.steps[name]

    def result(self, name: str) -> Any:
        return self.observed.result(self.number(name))

    def text(self, name: str) -> str:
        return self.observed.text(self.number(name))

    def error(self, name: str) -> Any:
        return self.observed.error(self.number(name))

    def during(self, name: str, kind: str) -> Any:
        return self.observed.during(self.number(name), kind)


@pytest.fixture(params=[f"{client} {behind}" for behind in FIXTURES for client in LEGACY + MODERN])
def fixture(request: Any, targets: Any) -> Seen:
    client, behind = request.param.split()
    target = targets.get(behind)
    return Seen(*on_fixture(client, target.url), client, target)


def test_version_and_identity(fixture: Seen) -> None:
    report = fixture.observed.report
    wanted = "2024-11-05" if fixture.client == OLD else "2025-11-25"
    assert report["version"] == ("2026-07-28" if fixture.modern else wanted)
    if fixture.client != "py2-modern":  # a pinned version of this client asks for nothing before its first call
        wanted = "argus-e2e-fixture" if fixture.target.direct else "argus-mcp"
        assert report["server"]["name"].lower().replace(" ", "-") == wanted
        for kind in ("tools", "resources", "prompts"):
            assert report["capabilities"][kind]["listChanged"] is True
        assert report["capabilities"]["resources"]["subscribe"] is True
        assert "completions" in report["capabilities"]
        assert report["instructions"] == "Everything the conformance suite asks for."


def test_lists(fixture: Seen) -> None:
    listed = fixture.result("list")
    tools = {tool["name"]: tool for tool in listed["tools"]}
    assert listed["tools"][0]["name"] == "test_simple_text"
    assert tools["test_simple_text"]["annotations"] == {"title": "Simple text", "readOnlyHint": True}
    assert tools["add"]["outputSchema"]["properties"] == {"sum": {"type": "number"}}
    assert tools["json_schema_2020_12_tool"]["inputSchema"]["$defs"]["address"]["$anchor"] == "addressDef"
    header = tools["test_x_mcp_header"]["inputSchema"]["properties"]["region"]["x-mcp-header"]
    assert header == "Region"
    assert {"test_elicitation", "test_sampling", "touch_watched_resource"} <= set(tools)
    uris = [resource["uri"] for resource in listed["resources"]]
    assert uris == ["test://static-text", "test://static-binary", "test://watched-resource"]
    assert listed["resources"][0]["annotations"] == {"audience": ["user", "assistant"], "priority": 0.5}
    assert [template["uriTemplate"] for template in listed["resourceTemplates"]] == ["test://template/{id}/data"]
    prompts = {prompt["name"]: prompt for prompt in listed["prompts"]}
    assert [one["name"] for one in prompts["test_prompt_with_arguments"]["arguments"]] == ["arg1", "arg2"]


def test_calls(fixture: Seen) -> None:
    assert fixture.result("call")["structuredContent"] == {"sum": 5.5}
    assert json.loads(fixture.text("call")) == {"sum": 5.5}
    first, image, resource = fixture.result("content")["content"]
    assert first["text"] == "Multiple content types test:"
    assert image["mimeType"] == "image/png" and image["data"].startswith("iVBORw0KGgo")
    assert resource["resource"]["text"] == '{"test":"data","value":123}'
    arguments = json.loads(fixture.text("header").removeprefix("arguments: "))
    assert arguments == {"region": "eu ä", "count": 3, "note": "n"}


def test_errors(fixture: Seen) -> None:
    failed = fixture.result("error")
    assert failed["isError"] is True
    assert failed["content"][0]["text"] == "This tool intentionally returns an error for testing"
    assert fixture.error("unknown tool")["code"] == -32602
    missing = fixture.error("missing")
    # This SDK gives both codes of both eras to its caller as the modern one.
    translated = fixture.modern or fixture.client.startswith("ts2-legacy")
    assert missing["code"] == (-32602 if translated else -32002)
    assert missing["data"] == {"uri": "test://no-such-resource"}


def test_reads(fixture: Seen) -> None:
    (text,) = fixture.result("read")["contents"]
    assert text["text"] == "This is the content of the static text resource."
    assert (text["uri"], text["mimeType"]) == ("test://static-text", "text/plain")
    (binary,) = fixture.result("binary")["contents"]
    assert binary["blob"].startswith("iVBORw0KGgo")
    (data,) = fixture.result("template")["contents"]
    assert json.loads(data["text"]) == {"id": "a%20b", "templateTest": True, "data": "Data for ID: a%20b"}


def test_prompt(fixture: Seen) -> None:
    (message,) = fixture.result("prompt")["messages"]
    assert message["role"] == "user"
    assert message["content"]["text"] == "Prompt with arguments: arg1='ä', arg2='☃'"


def complete(client: str, seen: list[Any], wanted: list[Any]) -> bool:
    """Whether a client saw all progress. The TypeScript SDKs look at a notification a moment later than at a response:
    on /sse, where both may come in one piece, they drop the last progress of a call that ends with it."""
    late = client.startswith("ts") and client.endswith("-sse")
    return seen == wanted or (late and seen == wanted[:-1])


def test_progress_comes_in_order_and_before_the_result(fixture: Seen) -> None:
    assert fixture.text("progress") == "Tool with progress executed"
    seen = [(one["progress"], one["total"], one["message"]) for one in fixture.during("progress", "progress")]
    wanted = [(0, 100, "0 of 100"), (50, 100, "50 of 100"), (100, 100, "100 of 100")]
    assert complete(fixture.client, seen, wanted), seen


def test_elicitation(fixture: Seen) -> None:
    (asked,) = fixture.during("elicitation", "elicitation")
    assert asked["message"] == "who?"
    assert asked["params"]["requestedSchema"]["required"] == ["username", "email"]
    wanted = 'User response: action=accept, content={"username": "ada", "email": "ada@example.com"}'
    assert fixture.text("elicitation") == wanted


def test_sampling(fixture: Seen) -> None:
    (asked,) = fixture.during("sampling", "sampling")
    (message,) = asked["params"]["messages"]
    content = message["content"][0] if isinstance(message["content"], list) else message["content"]
    assert content["text"] == "what?" and asked["params"]["maxTokens"] == 100
    assert fixture.text("sampling") == f"LLM response: {SAMPLED}"


def test_roots(fixture: Seen) -> None:
    assert len(fixture.during("roots", "roots")) == 1
    assert fixture.text("roots") == "Roots: file:///e2e/root"


def test_several_questions(fixture: Seen) -> None:
    assert fixture.text("rounds") == "Ada likes blue"
    messages = [one["message"] for one in fixture.during("rounds", "elicitation")]
    assert messages == ["Step 1: What is your name?", "Step 2: What is your favorite color?"]
    assert fixture.text("state") == "state-ok"
    assert fixture.text("at once") == f"name=Ada, greeting={SAMPLED}, roots=1"
    (message,) = fixture.result("asking prompt")["messages"]
    assert message["content"]["text"] == "Use this context: e2e"


def test_url_elicitation(fixture: Seen) -> None:
    (asked,) = fixture.during("url", "elicitation")
    assert (asked["params"]["mode"], asked["params"]["url"]) == ("url", "https://example.com/sign-in")
    assert fixture.text("url") == "URL elicitation: accept"
    if not fixture.modern:
        done = [one for one in fixture.observed.all("note") if one["method"] == "notifications/elicitation/complete"]
        assert [one["params"]["elicitationId"] for one in done] == ["elicitation-1"]


def test_completion_with_context(fixture: Seen) -> None:
    values = fixture.result("complete")["completion"]["values"]
    assert values == ["x-paris", "x-park", "x-party"]


def test_backend_is_told_what_the_client_declared(fixture: Seen) -> None:
    who = fixture.result("who")["structuredContent"]
    declared = who["capabilities"]
    if fixture.client == OLD:  # the gateway speaks to the backend in the newest revision that both know
        assert set(declared) == {"sampling", "roots"}
        return
    assert who["protocolVersion"] == fixture.observed.report["version"]
    assert set(declared) == {"elicitation", "sampling", "roots"}
    assert set(declared["elicitation"]) == {"form", "url"} or fixture.client.startswith("py1")


# --- servers that are not ours: one gateway in front of three of them ------------------------------------------------

MIXED_PLAN: dict[str, dict[str, Any]] = {
    "list": {"do": "list"},
    "call": {"do": "call", "name": "echo", "arguments": {"message": "hello ☃"}},
    "sum": {"do": "call", "name": "get-sum", "arguments": {"a": 40, "b": 2}},
    "structured": {"do": "call", "name": "get-structured-content", "arguments": {"location": "Chicago"}},
    "image": {"do": "call", "name": "get-tiny-image"},
    "static": {"do": "read", "uri": "demo://resource/static/document/features.md"},
    "dynamic": {"do": "read", "uri": "demo://resource/dynamic/text/7"},
    "prompt": {"do": "prompt", "name": "args-prompt", "arguments": {"city": "Paris", "state": "Texas"}},
}
ASKING_PLAN: dict[str, dict[str, Any]] = {
    "progress": {"do": "call", "name": "trigger-long-running-operation", "arguments": {"duration": 0.8, "steps": 4}},
    "elicitation": {"do": "call", "name": "trigger-elicitation-request"},
    "sampling": {
        "do": "call",
        "name": "trigger-sampling-request",
        "arguments": {"prompt": "what is it?", "maxTokens": 50},
    },
    "complete": {
        "do": "complete",
        "ref": {"type": "ref/prompt", "name": "completable-prompt"},
        "argument": {"name": "department", "value": "E"},
    },
}
OTHERS_PLAN: dict[str, dict[str, Any]] = {
    "file": {"do": "call", "name": "read_text_file", "arguments": {"path": "FILES/notes.txt"}},
    "folder": {"do": "call", "name": "list_directory", "arguments": {"path": "FILES"}},
    "outside": {"do": "call", "name": "read_text_file", "arguments": {"path": "/etc/hostname"}},
    "time": {
        "do": "call",
        "name": "convert_time",
        "arguments": {"source_timezone": "UTC", "time": "12:00", "target_timezone": "Asia/Tokyo"},
    },
}


@harness.remembered
def on_servers(client: str, url: str, files: str | None) -> tuple[harness.Observed, dict[str, int]]:
    plan = dict(MIXED_PLAN)
    if client in LEGACY:
        plan |= can(client, ASKING_PLAN)
    if files:
        plan |= json.loads(json.dumps(OTHERS_PLAN).replace("FILES", files))
    observed = harness.observe(client, url, {"steps": list(plan.values())})
    return observed, numbered(plan)


def on(targets: Any, behind: str, client: str) -> Seen:
    target = targets.get(behind)
    files = str(target.folder / "files") if behind == "mixed" else None
    observed, steps = on_servers(client, target.url, files)
    return Seen(observed, steps, client, target)


# Clients of either era list, call, read and get prompts from servers that know the legacy era only; a server-everything
# of its own stands for the three when there is no gateway. Directly, the modern clients have to be legacy.
REAL = [f"{client} mixed" for client in LEGACY + ["py2-auto", "py2-modern", "ts2-modern"]]
OVER_SSE = ["py1 everything-sse", "ts1 everything-sse"]


@pytest.fixture(params=REAL + OVER_SSE + ["ts2-modern everything-sse"])
def mixed(request: Any, targets: Any) -> Seen:
    client, behind = request.param.split()
    if targets.direct:
        if client not in LEGACY:
            pytest.skip("a legacy server has no modern form to compare with")
        behind = "everything"
    return on(targets, behind, client)


@pytest.fixture(params=[f"{client} mixed" for client in LEGACY] + OVER_SSE)
def asking(request: Any, targets: Any) -> Seen:
    """Legacy clients answer questions of a legacy server; for modern ones that is a later release."""
    client, behind = request.param.split()
    return on(targets, "everything" if targets.direct else behind, client)


EVERYTHING_TOOLS = {
    "echo",
    "get-annotated-message",
    "get-env",
    "get-resource-links",
    "get-structured-content",
    "get-sum",
    "get-tiny-image",
    "trigger-long-running-operation",
}


def test_lists_of_three_servers(mixed: Seen) -> None:
    listed = mixed.result("list")
    names = [tool["name"] for tool in listed["tools"]]
    assert len(names) == len(set(names))
    assert EVERYTHING_TOOLS <= set(names)
    if mixed.target.name == "mixed":
        assert {"read_text_file", "list_directory", "write_file"} <= set(names)
        assert {"convert_time", "get_current_time"} <= set(names)
        # The order follows the configuration.
        assert names.index("echo") < names.index("read_text_file") < names.index("convert_time")
    uris = [resource["uri"] for resource in listed["resources"]]
    assert "demo://resource/static/document/features.md" in uris and len(uris) == 7
    assert len(listed["resourceTemplates"]) == 2
    assert {prompt["name"] for prompt in listed["prompts"]} == {
        "simple-prompt",
        "args-prompt",
        "completable-prompt",
        "resource-prompt",
    }


def test_calls_of_a_real_server(mixed: Seen) -> None:
    assert mixed.text("call") == "Echo: hello ☃"
    assert mixed.text("sum") == "The sum of 40 and 2 is 42."
    structured = mixed.result("structured")["structuredContent"]
    assert set(structured) == {"temperature", "conditions", "humidity"}
    image = [block for block in mixed.result("image")["content"] if block["type"] == "image"]
    assert image[0]["mimeType"] == "image/png" and len(image[0]["data"]) > 1000


def test_reads_of_a_real_server(mixed: Seen) -> None:
    (static,) = mixed.result("static")["contents"]
    assert static["uri"].endswith("/features.md") and len(static["text"]) > 500
    (dynamic,) = mixed.result("dynamic")["contents"]
    assert dynamic["text"].startswith("Resource 7: This is a plaintext resource")


def test_prompt_of_a_real_server(mixed: Seen) -> None:
    (message,) = mixed.result("prompt")["messages"]
    assert message["content"]["text"] == "What's weather in Paris, Texas?"


def test_the_other_two_servers(mixed: Seen) -> None:
    if mixed.target.name != "mixed":
        pytest.skip("they have no HTTP form")
    assert mixed.text("file") == NOTES
    assert mixed.text("folder") == "[FILE] notes.txt"
    outside = mixed.result("outside")
    assert outside["isError"] is True and "Access denied" in outside["content"][0]["text"]
    assert "21:00" in mixed.text("time") and "+9.0h" in mixed.text("time")


def test_progress_of_a_real_server(asking: Seen) -> None:
    assert "Steps: 4" in asking.text("progress")
    seen = [(one["progress"], one["total"]) for one in asking.during("progress", "progress")]
    assert complete(asking.client, seen, [(1, 4), (2, 4), (3, 4), (4, 4)]), seen


def test_elicitation_of_a_real_server(asking: Seen) -> None:
    assert len(asking.during("elicitation", "elicitation")) == 1
    answer = asking.text("elicitation")
    assert "User provided the requested information" in answer
    assert "- Name: Ada" in answer and "- Email: ada@example.com" in answer


def test_sampling_of_a_real_server(asking: Seen) -> None:
    (asked,) = asking.during("sampling", "sampling")
    assert "what is it?" in json.dumps(asked["params"]["messages"])
    assert asked["params"]["maxTokens"] == 50
    assert SAMPLED in asking.text("sampling")


def test_completion_of_a_real_server(asking: Seen) -> None:
    assert asking.result("complete")["completion"]["values"] == ["Engineering"]
