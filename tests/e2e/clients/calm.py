"""Clients of PyPI `mcp` 2.3 that call at a steady rate and expect every call to be answered well:
`calm.py URL SECONDS CLIENTS CALLS_PER_SECOND BACKEND...`.

Every answer is checked against what was asked. Prints one JSON object at the end: how many calls each backend answered,
what was wrong, and how long the longest call took, which it was and when.
"""

from __future__ import annotations

import collections
import itertools
import json
import sys
import time
import warnings

import anyio
from mcp.client.client import Client
from storm import added

warnings.filterwarnings("ignore")


class Calm:
    def __init__(self, backends: list[str]) -> None:
        self.backends = itertools.cycle(backends)
        self.numbers = itertools.count(1)
        self.answered: collections.Counter[str] = collections.Counter()
        self.wrong: list[str] = []
        self.longest = (0.0, "", 0.0)
        self.began = time.monotonic()

    async def call(self, client: Client, backend: str) -> None:
        name, arguments, right = added(backend, next(self.numbers))
        began = time.monotonic()
        try:
            result = await client.call_tool(name, arguments)
            if not result.is_error and right(result.content[0].text):
                self.answered[backend] += 1
            else:
                self.wrong.append(f"{name} {arguments} gives {result}")
        except Exception as error:  # noqa: BLE001
            self.wrong.append(f"{name} {arguments} fails: {error!r}")
        self.longest = max(self.longest, (time.monotonic() - began, name, began - self.began))

    async def caller(self, url: str, mode: str, until: float, pause: float) -> None:
        async with Client(url, mode=mode, read_timeout_seconds=20) as client:
            next_call = time.monotonic()
            while next_call < until:
                await self.call(client, next(self.backends))
                next_call += pause
                await anyio.sleep(max(0.0, next_call - time.monotonic()))


async def main(url: str, seconds: float, clients: int, rate: float, backends: list[str]) -> None:
    calm = Calm(backends)
    until = time.monotonic() + seconds
    async with anyio.create_task_group() as group:
        for number in range(clients):
            group.start_soon(calm.caller, url, "legacy" if number % 2 else "2026-07-28", until, clients / rate)
    print(json.dumps({"answered": calm.answered, "wrong": calm.wrong[:20], "longest": calm.longest}))


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), sys.argv[5:])
