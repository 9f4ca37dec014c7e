"""The client of PyPI `mcp` 1.6.0, of 2024-11-05 and HTTP+SSE only: `py16.py URL PLAN` (see driver.py)."""

from __future__ import annotations

import itertools
import warnings
from datetime import timedelta
from typing import Any

import anyio
from mcp import ClientSession, types
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from pydantic import AnyUrl

import driver

warnings.filterwarnings("ignore")


class Py16:
    def __init__(self, session: ClientSession, hello: types.InitializeResult, watching: dict[Any, Any]) -> None:
        self.session = session
        self.hello = hello
        self.watching = watching
        self.tokens = itertools.count(1)

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

        async def page(cursor: str | None) -> Any:
            assert cursor is None, "this SDK cannot ask for a second page"
            return await method()

        return page

    async def call(self, name: str, arguments: dict[str, Any], on_progress: Any) -> Any:
        """This SDK reads progress, but has no way to ask for it but by hand."""
        token = f"progress-{next(self.tokens)}"
        self.watching[token] = on_progress
        meta = types.RequestParams.Meta(progressToken=token)
        params = types.CallToolRequestParams(name=name, arguments=arguments, _meta=meta)
        request = types.ClientRequest(types.CallToolRequest(method="tools/call", params=params))
        return await self.session.send_request(request, types.CallToolResult)

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
                types.ClientNotification(types.CancelledNotification(method="notifications/cancelled", params=params))
            )
            await anyio.sleep(0.5)
            group.cancel_scope.cancel()
        return {"cancelled": True, **outcome}

    async def read(self, uri: str) -> Any:
        return await self.session.read_resource(AnyUrl(uri))

    async def prompt(self, name: str, arguments: dict[str, str]) -> Any:
        return await self.session.get_prompt(name, arguments)

    async def complete(self, ref: dict[str, Any], argument: dict[str, str], context: Any) -> Any:
        assert context is None, "this revision has no context"
        kind = types.PromptReference if ref["type"] == "ref/prompt" else types.ResourceReference
        return await self.session.complete(kind.model_validate(ref), argument)

    async def subscribe(self, uri: str) -> Any:
        return await self.session.subscribe_resource(AnyUrl(uri))

    async def unsubscribe(self, uri: str) -> Any:
        return await self.session.unsubscribe_resource(AnyUrl(uri))

    async def level(self, level: Any) -> Any:
        return await self.session.set_logging_level(level)

    async def ping(self) -> Any:
        return await self.session.send_ping()

    async def listen(self, wanted: dict[str, Any]) -> Any:
        raise NotImplementedError("legacy only")


async def run(url: str, plan: dict[str, Any], timeline: driver.Timeline) -> None:
    watching: dict[Any, Any] = {}

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
        elif isinstance(message, types.ServerNotification) and message.root.method == "notifications/progress":
            params = message.root.params
            text = (params.model_extra or {}).get("message")
            await watching[params.progressToken](params.progress, params.total, text)
        elif isinstance(message, types.ServerNotification):
            entry = driver.plain(message.root)
            timeline.add("note", method=entry["method"], params=entry.get("params"))

    if plan["transport"] == "stdio":
        command, *args = plan["command"]
        connection = stdio_client(StdioServerParameters(command=command, args=args, env=plan["env"]))
    else:
        assert plan["transport"] == "sse", "this SDK knows no other transport over HTTP"
        connection = sse_client(url)
    async with connection as (read, write):
        async with ClientSession(
            read,
            write,
            read_timeout_seconds=timedelta(seconds=20),
            sampling_callback=sample,
            list_roots_callback=roots,
            message_handler=noted,
        ) as session:
            hello = await session.initialize()
            await driver.drive(Py16(session, hello, watching), timeline, plan)


if __name__ == "__main__":
    driver.main(run)
