"""Tasks: SDK clients and servers of 2025-11-25, and the extension of 2026-07-28 as the conformance suite sees it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import conformance
import harness

RELATED = "io.modelcontextprotocol/related-task"
ASKED = ["elicitation"]
# Clients that declare nothing share a connection to the server; the others have one of their own.
LEGACY = [("py1", []), ("ts1", []), ("py1", ASKED), ("ts1", ASKED)]
LEGACY += [("py1-sse", ASKED), ("ts1-sse", []), ("py1-own", []), ("ts1-relay", ASKED)]


def task(name: str, **more: Any) -> dict[str, Any]:
    return {"do": "task", "name": name, **more}


@pytest.mark.parametrize("target", ["tasks1-stdio", "tasks1-http"], indirect=True)
@pytest.mark.parametrize(("client", "declare"), LEGACY)
def test_tasks_of_the_python_sdk(target: Any, client: str, declare: list[str]) -> None:
    steps = [task("count"), task("forever", cancel=True), {"do": "tasks"}, {"do": "call", "name": "plain"}]
    if declare:
        steps.append(task("ask"))
    seen = harness.observe(client, target.url, {"declare": declare, "steps": steps})
    tasks = seen.report["capabilities"]["tasks"]
    assert set(tasks) == {"list", "cancel", "requests"} and "call" in tasks["requests"]["tools"]
    counted, cancelled = seen.result(0), seen.result(1)
    assert counted["begun"]["status"] == "working"
    assert counted["result"]["content"][0]["text"] == "counted"
    assert counted["result"]["_meta"][RELATED] == {"taskId": counted["begun"]["taskId"]}
    assert counted["then"]["taskId"] == counted["after"]["taskId"] == counted["begun"]["taskId"]
    assert counted["after"]["status"] == "completed"
    assert cancelled["cancelled"]["status"] == cancelled["after"]["status"] == "cancelled"
    # Those of other clients, which have the same connection, are not among them.
    assert set(seen.result(2)) == {counted["begun"]["taskId"], cancelled["begun"]["taskId"]}
    assert seen.text(3) == "plain"
    if declare:
        asked = seen.result(4)
        assert asked["result"]["content"][0]["text"] == "accept: ada"
        question = seen.all("elicitation")[0]["params"]
        assert question["_meta"][RELATED] == {"taskId": asked["begun"]["taskId"]}
    known = {step["result"]["begun"]["taskId"] for step in seen.report["steps"] if "begun" in step.get("result", {})}
    told = {note["params"]["taskId"] for note in seen.all("note") if note["method"] == "notifications/tasks/status"}
    assert told <= known


@pytest.mark.parametrize("target", ["everything", "everything-sse"], indirect=True)
@pytest.mark.parametrize("client", ["ts1", "py1"])
def test_a_task_of_the_typescript_sdk_that_asks(target: Any, client: str) -> None:
    research = task("simulate-research-query", arguments={"topic": "python", "ambiguous": True})
    seen = harness.observe(client, target.url, {"declare": ["elicitation"], "steps": [research, {"do": "tasks"}]})
    researched = seen.result(0)
    assert "Monty Python" in str(seen.all("elicitation")[0]["params"])
    assert "Clarification" in researched["result"]["content"][0]["text"]
    assert researched["after"]["status"] == "completed"
    assert seen.result(1) == [researched["begun"]["taskId"]]


@pytest.mark.parametrize("target", ["tasks2-http", "tasks2-stdio"], indirect=True)
def test_the_extension(target: Any, tmp_path: Any, tell: Any) -> None:
    names = [one.name for one in conformance.requirements(harness.PARTS, "2026-07-28") if one.name.startswith("tasks-")]
    with ThreadPoolExecutor(3) as pool:
        run = [pool.submit(conformance.one, harness.PARTS, target.url, name, tmp_path) for name in names]
        scenarios = [one.result() for one in run]
    # The suite has time limits of its own, which may be short on a busy machine.
    scenarios = [
        conformance.one(harness.PARTS, target.url, one.name, tmp_path / "again") if one.complaints() else one
        for one in scenarios
    ]
    passed, total = sum(one.passed for one in scenarios), sum(one.total for one in scenarios)
    tell(f"tasks of 2026-07-28 through the gateway, {target.name}: {passed}/{total} checks")
    complaints = [line for one in scenarios for line in one.complaints()]
    # The suite itself skips the only check of this scenario.
    complaints = [line for line in complaints if not line.startswith("tasks-status-notifications: ")]
    assert not complaints and (passed, total) == (44, 45), "\n".join([f"{passed}/{total}", *complaints])
