"""Modern SDK clients in front of a server that knows no revision after 2025-11-25 and asks in the midst of calls."""

from __future__ import annotations

from typing import Any

import pytest

import harness

SAMPLED = "sampled by the e2e client"
CLIENTS = ["py2-modern", "py2-auto", "ts2-modern", "py2-modern-sse", "ts2-modern-sse"]
PLAN: dict[str, dict[str, Any]] = {
    "elicit": {"do": "call", "name": "elicit", "arguments": {"message": "who?"}},
    "sample": {"do": "call", "name": "sample", "arguments": {"prompt": "what?"}},
    "roots": {"do": "call", "name": "roots"},
    "both": {"do": "call", "name": "both"},
    "rounds": {"do": "call", "name": "rounds"},
    "add": {"do": "call", "name": "add", "arguments": {"a": 2, "b": 3}},
}


@pytest.mark.parametrize("target", ["server1-stdio", "server1-http", "server1-sse"], indirect=True)
@pytest.mark.parametrize("client", CLIENTS)
def test_questions_in_the_midst_of_calls(target: Any, client: str) -> None:
    before = len(harness.journal(target.journal))
    seen = harness.observe(client, target.url, {"logLevel": "info", "steps": list(PLAN.values())})
    at = {name: number for number, name in enumerate(PLAN)}
    assert seen.report["version"] == "2026-07-28"
    assert seen.text(at["elicit"]) == "accept: ada"
    assert [one["message"] for one in seen.during(at["elicit"], "elicitation")] == ["who?"]
    assert seen.text(at["sample"]) == SAMPLED
    assert seen.during(at["sample"], "sampling")[0]["params"]["messages"][0]["content"]["text"] == "what?"
    assert seen.text(at["roots"]).rstrip("/") == "file:///e2e/root"
    assert seen.text(at["both"]) == f"ada: {SAMPLED}"
    assert len(seen.during(at["both"], "elicitation")) == len(seen.during(at["both"], "sampling")) == 1
    assert seen.text(at["rounds"]) == "ada <ada@example.com>"
    assert [one["message"] for one in seen.during(at["rounds"], "elicitation")] == ["who?", "which address?"]
    assert seen.text(at["add"]) == "5"
    # Every call ran once, and to its end.
    entries = harness.journal(target.journal)[before:]
    asked = [name for name in PLAN if name != "add"]
    assert [entry["began"] for entry in entries if "began" in entry] == asked
    assert [entry["ended"] for entry in entries if "ended" in entry] == asked


@pytest.mark.parametrize("target", ["server1-stdio", "server1-http"], indirect=True)
def test_what_was_not_declared_is_not_asked(target: Any) -> None:
    plan = {"declare": ["sampling"], "steps": [PLAN["elicit"], PLAN["sample"]]}
    seen = harness.observe("py2-modern", target.url, plan)
    assert seen.result(0)["isError"], "a client is asked what it did not offer"
    assert not seen.all("elicitation")
    assert seen.text(1) == SAMPLED
