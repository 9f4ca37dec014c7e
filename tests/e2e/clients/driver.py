"""Runs a plan with a Python SDK client and prints what the client observed, as one JSON object.

The same plan works with every client of this folder:

    {"transport": "http|sse|stdio", "era": "legacy|auto|modern", "declare": ["elicitation", "sampling", "roots"], "logLevel": "info",
     "steps": [{"do": "list"}, {"do": "call", "name": "add", "arguments": {"a": 1, "b": 2}}, ...]}

Over stdio, `command` is the program and its arguments, and `env` what it is given of the environment.

The answer holds `steps` (one result or error each) and `timeline`: progress, notifications, questions and the ends
of steps, in the order in which the client saw them.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import anyio

ELICITED = {"username": "ada", "email": "ada@example.com", "name": "Ada", "ok": True, "color": "blue", "context": "e2e"}
SAMPLED = "sampled by the e2e client"
ROOT = {"uri": "file:///e2e/root", "name": "e2e root"}


def elicited(params: dict[str, Any]) -> dict[str, Any]:
    """Fills the form by its own properties; what is not known takes its default, else a value of its type."""
    if params.get("mode") == "url":
        return {"action": "accept"}
    content = {}
    for name, schema in params["requestedSchema"].get("properties", {}).items():
        kind = schema.get("type")
        if name in ELICITED:
            content[name] = ELICITED[name]
        elif "default" in schema:
            content[name] = schema["default"]
        elif "enum" in schema:
            content[name] = schema["enum"][0]
        elif "oneOf" in schema:
            content[name] = schema["oneOf"][0]["const"]
        elif kind in ("integer", "number"):
            content[name] = schema.get("minimum", 1)
        elif kind == "boolean":
            content[name] = True
        elif kind == "string":
            content[name] = {"email": "ada@example.com", "uri": "https://example.com", "date": "2026-01-02"}.get(
                schema.get("format", ""), "Ada"
            )
        elif kind == "array":
            items = schema.get("items", {})
            first = items["enum"][0] if "enum" in items else items["anyOf"][0]["const"]
            content[name] = [first] * max(1, schema.get("minItems", 1))
    wanted = set(params["requestedSchema"].get("required", []))
    assert wanted <= set(content), f"no answer for {wanted - set(content)}"
    return {"action": "accept", "content": content}


class Timeline:
    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.report: dict[str, Any] = {"timeline": self.entries}

    def add(self, kind: str, **fields: Any) -> None:
        self.entries.append({"kind": kind, **fields})

    async def wait(self, method: str, count: int, seconds: float) -> dict[str, Any]:
        with anyio.move_on_after(seconds):
            while True:
                found = [entry for entry in self.entries if method in (entry.get("method"), entry.get("event"))]
                if len(found) >= count:
                    return {"found": found}
                await anyio.sleep(0.02)
        raise TimeoutError(f"no {method} within {seconds} s")


def plain(value: Any) -> Any:
    return value.model_dump(by_alias=True, mode="json", exclude_none=True)


def failure(error: BaseException) -> dict[str, Any]:
    if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        return failure(error.exceptions[0])
    inner = getattr(error, "error", None)
    if inner is not None and hasattr(inner, "code"):
        return {"code": inner.code, "message": inner.message, "data": inner.data}
    return {"message": f"{type(error).__name__}: {error}"}


async def pages(fetch: Any, key: str) -> list[Any]:
    found: list[Any] = []
    cursor = None
    for _ in range(100):
        page = plain(await fetch(cursor))
        found += page[key]
        cursor = page.get("nextCursor")
        if not cursor:
            return found
    raise RuntimeError(f"the pages of {key} do not end")


async def step(client: Any, timeline: Timeline, number: int, what: dict[str, Any]) -> Any:
    do = what["do"]
    if do == "list":
        listed = {}
        for key in what.get("of", ["tools", "resources", "resourceTemplates", "prompts"]):
            listed[key] = await pages(client.fetch(key), key)
        return listed
    if do == "call":
        begun = anyio.Event()

        async def on_progress(progress: float, total: float | None, message: str | None) -> None:
            timeline.add("progress", step=number, progress=progress, total=total, message=message)
            begun.set()

        async def call() -> Any:
            return plain(await client.call(what["name"], what.get("arguments", {}), on_progress))

        if what.get("cancelAtProgress"):
            return await client.cancelled(call, begun)
        return await call()
    if do == "read":
        return plain(await client.read(what["uri"]))
    if do == "prompt":
        return plain(await client.prompt(what["name"], what.get("arguments", {})))
    if do == "complete":
        return plain(await client.complete(what["ref"], what["argument"], what.get("context")))
    if do == "subscribe":
        return plain(await client.subscribe(what["uri"]))
    if do == "unsubscribe":
        return plain(await client.unsubscribe(what["uri"]))
    if do == "level":
        return plain(await client.level(what["level"]))
    if do == "ping":
        return plain(await client.ping())
    if do == "listen":
        return await client.listen(what["filter"])
    if do == "task":
        return await client.task(what["name"], what.get("arguments", {}), what.get("cancel", False))
    if do == "tasks":
        return [task["taskId"] for task in await pages(client.tasks, "tasks")]
    if do == "wait":
        return await timeline.wait(what["for"], what.get("count", 1), what.get("timeout", 15))
    if do == "sleep":
        await anyio.sleep(what["seconds"])
        return {}
    if do == "parallel":
        results: list[Any] = [None] * len(what["steps"])

        async def one(index: int, inner: dict[str, Any]) -> None:
            results[index] = await guarded(client, timeline, f"{number}.{index}", inner)

        async with anyio.create_task_group() as group:
            for index, inner in enumerate(what["steps"]):
                group.start_soon(one, index, inner)
        return results
    raise ValueError(f"unknown step {do}")


async def guarded(client: Any, timeline: Timeline, number: Any, what: dict[str, Any]) -> dict[str, Any]:
    try:
        with anyio.fail_after(what.get("timeout", 20) + 5):
            outcome = {"result": await step(client, timeline, number, what)}
    except Exception as error:  # noqa: BLE001 - the failure is what is reported
        outcome = {"error": failure(error)}
    timeline.add("done", step=number)
    return outcome


async def drive(client: Any, timeline: Timeline, plan: dict[str, Any]) -> None:
    steps = []
    for number, what in enumerate(plan["steps"]):
        steps.append(await guarded(client, timeline, number, what))
    # Kept here and not returned: closing a connection whose server is gone may fail, which is not part of the plan.
    timeline.report.update({**client.about(), "steps": steps})


def main(run: Any) -> None:
    url, plan = sys.argv[1], json.loads(sys.argv[2])
    timeline = Timeline()
    report = timeline.report

    async def whole() -> None:
        with anyio.fail_after(plan.get("timeout", 60)):
            await run(url, plan, timeline)

    try:
        anyio.run(whole)
    except BaseException as error:  # noqa: BLE001
        if "steps" not in report:
            report["fatal"] = failure(error)
            import traceback

            traceback.print_exc()
        else:
            report["closing"] = failure(error)
    print(json.dumps(report))
    sys.exit(1 if "fatal" in report else 0)
