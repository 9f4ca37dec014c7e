"""The client of PyPI `mcp` 2.3: `py2.py URL PLAN` (see driver.py)."""

from __future__ import annotations

import warnings
from typing import Any

import anyio
import mcp_types as types
from mcp.client.client import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client

import driver

warnings.filterwarnings("ignore")
MODES = {"legacy": "legacy", "auto": "auto", "modern": "2026-07-28"}


class Py2:
    def __init__(self, client: Client, timeline: driver.Timeline, group: Any) -> None:
        self.client = client
        self.timeline = timeline
        self.group = group

    def about(self) -> dict[str, Any]:
        info = self.client.server_info
        return {
            "version": self.client.protocol_version,
            "server": driver.plain(info) if info else None,
            "capabilities": driver.plain(self.client.server_capabilities),
            "instructions": self.client.instructions,
        }

    def fetch(self, key: str) -> Any:
        method = {
            "tools": self.client.list_tools,
            "resources": self.client.list_resources,
            "resourceTemplates": self.client.list_resource_templates,
            "prompts": self.client.list_prompts,
        }[key]
        return lambda cursor: method(cursor=cursor)

    async def call(self, name: str, arguments: dict[str, Any], on_progress: Any) -> Any:
        return await self.client.call_tool(name, arguments, progress_callback=on_progress)

    async def cancelled(self, call: Any, begun: anyio.Event) -> Any:
        async with anyio.create_task_group() as group:
            with anyio.move_on_after(15) as scope:

                async def cancel() -> None:
                    await begun.wait()
                    scope.cancel()

                group.start_soon(cancel)
                await call()
            group.cancel_scope.cancel()
        assert scope.cancelled_caught
        return {"cancelled": True}

    async def read(self, uri: str) -> Any:
        return await self.client.read_resource(uri)

    async def prompt(self, name: str, arguments: dict[str, str]) -> Any:
        return await self.client.get_prompt(name, arguments)

    async def complete(self, ref: dict[str, Any], argument: dict[str, str], context: Any) -> Any:
        kind = types.PromptReference if ref["type"] == "ref/prompt" else types.ResourceTemplateReference
        return await self.client.complete(kind.model_validate(ref), argument, context)

    async def subscribe(self, uri: str) -> Any:
        return await self.client.subscribe_resource(uri)

    async def unsubscribe(self, uri: str) -> Any:
        return await self.client.unsubscribe_resource(uri)

    async def level(self, level: Any) -> Any:
        return await self.client.set_logging_level(level)

    async def ping(self) -> Any:
        return await self.client.send_ping()

    async def listen(self, wanted: dict[str, Any]) -> Any:
        async def follow(*, task_status: Any) -> None:
            async with self.client.listen(
                tools_list_changed=wanted.get("toolsListChanged", False),
                prompts_list_changed=wanted.get("promptsListChanged", False),
                resources_list_changed=wanted.get("resourcesListChanged", False),
                resource_subscriptions=wanted.get("resourceSubscriptions", ()),
            ) as subscription:
                task_status.started(subscription.honored)
                async for event in subscription:
                    name = type(event).__name__
                    self.timeline.add("event", event=name, uri=getattr(event, "uri", None))

        return {"honored": driver.plain(await self.group.start(follow))}


def connection(url: str, plan: dict[str, Any]) -> Any:
    if plan["transport"] == "stdio":
        command, *args = plan["command"]
        return stdio_client(StdioServerParameters(command=command, args=args, env=plan["env"]))
    return sse_client(url) if plan["transport"] == "sse" else url


async def run(url: str, plan: dict[str, Any], timeline: driver.Timeline) -> None:
    async def elicit(context: Any, params: Any) -> Any:
        asked = driver.plain(params)
        timeline.add("elicitation", message=asked["message"], params=asked)
        return types.ElicitResult.model_validate(driver.elicited(asked))

    async def sample(context: Any, params: Any) -> Any:
        asked = driver.plain(params)
        timeline.add("sampling", params=asked)
        content = types.TextContent(type="text", text=driver.SAMPLED)
        return types.CreateMessageResult(role="assistant", content=content, model="e2e", stop_reason="endTurn")

    async def roots(context: Any) -> Any:
        timeline.add("roots")
        return types.ListRootsResult(roots=[types.Root.model_validate(driver.ROOT)])

    async def noted(message: Any) -> None:
        if isinstance(message, Exception):
            timeline.add("problem", message=str(message))
        elif message.method != "notifications/progress":
            entry = driver.plain(message)
            timeline.add("note", method=entry["method"], params=entry.get("params"))

    declare = plan.get("declare", ["elicitation", "sampling", "roots"])
    client = Client(
        connection(url, plan),
        mode=MODES[plan.get("era", "auto")],
        elicitation_callback=elicit if "elicitation" in declare else None,
        sampling_callback=sample if "sampling" in declare else None,
        list_roots_callback=roots if "roots" in declare else None,
        message_handler=noted,
        log_level=plan.get("logLevel"),
        client_info=types.Implementation(name="e2e-py2", version="1"),
        read_timeout_seconds=20,
    )
    async with client, anyio.create_task_group() as group:
        await driver.drive(Py2(client, timeline, group), timeline, plan)
        group.cancel_scope.cancel()


if __name__ == "__main__":
    driver.main(run)
