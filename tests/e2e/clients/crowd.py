"""Many clients of PyPI `mcp` 1.30 that can be asked, all at once: `crowd.py URL CLIENTS CALLS`.

Each calls `ask_anyway` with messages of its own and answers a question with what it was asked. Prints one JSON list at
the end: for each client what it said, what it was asked, and what its calls gave.
"""

from __future__ import annotations

import json
import sys
import warnings
from datetime import timedelta
from typing import Any

import anyio
from mcp import ClientSession, types
from mcp.client.streamable_http import streamablehttp_client

warnings.filterwarnings("ignore")
PATIENCE = timedelta(seconds=40)


class Crowd:
    def __init__(self, clients: int, calls: int) -> None:
        self.missing = clients
        self.calls = calls
        self.all_here = anyio.Event()
        self.all_done = anyio.Event()
        self.working = clients

    async def member(self, url: str, number: int, seen: dict[str, Any]) -> None:
        async def asked(context: Any, params: Any) -> Any:
            seen["asked"].append(params.message)
            return types.ElicitResult(action="accept", content={"echo": params.message})

        async with streamablehttp_client(url) as (read, write, _):
            async with ClientSession(read, write, PATIENCE, elicitation_callback=asked) as session:
                await session.initialize()
                self.missing -= 1
                if not self.missing:
                    self.all_here.set()
                await self.all_here.wait()
                for turn in range(self.calls):
                    message = f"{number}.{turn}"
                    seen["said"].append(message)
                    result = await session.call_tool("ask_anyway", {"message": message})
                    seen["gave"].append(result.content[0].text)
                # Nobody leaves before the last is done: a place that falls free would be another one's.
                self.working -= 1
                if not self.working:
                    self.all_done.set()
                await self.all_done.wait()


async def main(url: str, clients: int, calls: int) -> None:
    crowd = Crowd(clients, calls)
    everybody: list[dict[str, Any]] = [{"said": [], "asked": [], "gave": []} for _ in range(clients)]
    with anyio.fail_after(100):
        async with anyio.create_task_group() as group:
            for number, seen in enumerate(everybody):
                group.start_soon(crowd.member, url, number, seen)
    print(json.dumps(everybody))


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
