"""The client of PyPI `mcp` 1.30, legacy only: `py1.py URL PLAN` (see driver.py)."""

from __future__ import annotations

import warnings
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import anyio
from mcp import ClientSession, types
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamablehttp_client
from pydantic import AnyUrl

import driver

warnings.filterwarnings("ignore")


class Py1:
    def __init__(self, session: ClientSession, hello: types.InitializeResult) -> None:
        self.session = session
        self.hello = hello

    def about(self) -> dict[str, Any]:
        return {
            "version": str(self.hello.protocolVersion),
            "server": driver.plain(self.hello.serverInfo),
            "capabilities": driver.plain(self.hello.capabilities),
            "instructions": self.hello.instructions,
        }

    def fetch(self, key: str) -> Any:
        method = {
            "tools": self.session.list_tools,
            "resources": self.session.list_resources,
            "resourceTemplates": self.session.list_resource_templates,
            "prompts": self.session.list_prompts,
        }[key]
        return lambda cursor: method(cursor)

    async def call(self, name: str, arguments: dict[str, Any], on_progress: Any) -> Any:
        return await self.session.call_tool(name, arguments, progress_callback=on_progress)

    async def cancelled(self, call: Any, begun: anyio.Event) -> Any:
        """This SDK has no way to cancel a request but to say so by hand."""
        request_id = self.session._request_id
        outcome: dict[str, Any] = {}

        async def waiting() -> None:
            try:
                outcome["result"] = await call()
            except Exception as error:  # noqa: BLE001
                outcome["error"] = driver.failure(error)

        async with anyio.create_task_group() as group:
            group.start_soon(waiting)
            with anyio.move_on_after(15):
                await begun.wait()
            params = types.CancelledNotificationParams(requestId=request_id, reason="e2e")
            await self.session.send_notification(
                types.ClientNotification(types.CancelledNotification(params=params))
            )
            await anyio.sleep(0.5)
            group.cancel_scope.cancel()
        return {"cancelled": True, **outcome}

    async def read(self, uri: str) -> Any:
        return await self.session.read_resource(AnyUrl(uri))

    async def prompt(self, name: str, arguments: dict[str, str]) -> Any:
        return await self.session.get_prompt(name, arguments)

    async def complete(self, ref: dict[str, Any], argument: dict[str, str], context: Any) -> Any:
        kind = types.PromptReference if ref["type"] == "ref/prompt" else types.ResourceTemplateReference
        return await self.session.complete(kind.model_validate(ref), argument, context)

    async def subscribe(self, uri: str) -> Any:
        return await self.session.subscribe_resource(AnyUrl(uri))

    async def unsubscribe(self, uri: str) -> Any:
        return await self.session.unsubscribe_resource(AnyUrl(uri))

    async def level(self, level: Any) -> Any:
        return await self.session.set_logging_level(level)

    async def ping(self) -> Any:
        return await self.session.send_ping()

    async def task(self, name: str, arguments: dict[str, Any], cancel: bool) -> Any:
        """Begins a task, and waits for its result or cancels it."""
        tasks = self.session.experimental
        begun = driver.plain(await tasks.call_tool_as_task(name, arguments))["task"]
        seen = {"begun": begun, "then": driver.plain(await tasks.get_task(begun["taskId"]))}
        if cancel:
            seen["cancelled"] = driver.plain(await tasks.cancel_task(begun["taskId"]))
        else:
            seen["result"] = driver.plain(await tasks.get_task_result(begun["taskId"], types.CallToolResult))
        seen["after"] = driver.plain(await tasks.get_task(begun["taskId"]))
        return seen

    async def tasks(self, cursor: str | None) -> Any:
        return await self.session.experimental.list_tasks(cursor)

    async def listen(self, wanted: dict[str, Any]) -> Any:
        raise NotImplementedError("legacy only")


@asynccontextmanager
async def connection(url: str, plan: dict[str, Any]) -> Any:
    transport = plan["transport"]
    if transport == "stdio":
        command, *args = plan["command"]
        async with stdio_client(StdioServerParameters(command=command, args=args, env=plan["env"])) as streams:
            yield streams
    elif transport == "sse":
        async with sse_client(url) as streams:
            yield streams
    else:
        async with streamablehttp_client(url) as (read, write, _):
            yield read, write


async def run(url: str, plan: dict[str, Any], timeline: driver.Timeline) -> None:
    async def elicit(context: Any, params: Any) -> Any:
        asked = driver.plain(params)
        timeline.add("elicitation", message=asked["message"], params=asked)
        return types.ElicitResult.model_validate(driver.elicited(asked))

    async def sample(context: Any, params: Any) -> Any:
        timeline.add("sampling", params=driver.plain(params))
        content = types.TextContent(type="text", text=driver.SAMPLED)
        return types.CreateMessageResult(role="assistant", content=content, model="e2e", stopReason="endTurn")

    async def roots(context: Any) -> Any:
        timeline.add("roots")
        return types.ListRootsResult(roots=[types.Root.model_validate(driver.ROOT)])

    async def noted(message: Any) -> None:
        if isinstance(message, Exception):
            timeline.add("problem", message=str(message))
        elif isinstance(message, types.ServerNotification) and message.root.method != "notifications/progress":
            entry = driver.plain(message.root)
            timeline.add("note", method=entry["method"], params=entry.get("params"))

    declare = plan.get("declare", ["elicitation", "sampling", "roots"])
    async with connection(url, plan) as (read, write):
        async with ClientSession(
            read,
            write,
            read_timeout_seconds=timedelta(seconds=20),
            elicitation_callback=elicit if "elicitation" in declare else None,
            sampling_callback=sample if "sampling" in declare else None,
            list_roots_callback=roots if "roots" in declare else None,
            message_handler=noted,
            client_info=types.Implementation(name="e2e-py1", version="1"),
        ) as session:
            hello = await session.initialize()
            await driver.drive(Py1(session, hello), timeline, plan)


if __name__ == "__main__":
    driver.main(run)
