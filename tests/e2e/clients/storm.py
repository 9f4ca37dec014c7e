"""Many clients of PyPI `mcp` 2.3 that call without pause while the backends die: `storm.py URL SECONDS CLIENTS`.

Every answer is checked against what was asked. Prints one JSON object at the end: how many calls were answered, what
the errors said, what was wrong, and how long the longest call took.
"""

from __future__ import annotations

import collections
import itertools
import json
import random
import sys
import time
import warnings
from typing import Any

import anyio
from mcp.client.client import Client

warnings.filterwarnings("ignore")
PATIENCE = 40.0


def added(prefix: str, number: int) -> tuple[str, dict[str, Any], Any]:
    return f"{prefix}_add", {"a": number, "b": 1}, lambda text: json.loads(text) == {"sum": number + 1}


def echoed(prefix: str, number: int) -> tuple[str, dict[str, Any], Any]:
    return f"{prefix}_echo", {"message": f"n{number}"}, lambda text: text == f"Echo: n{number}"


def told(prefix: str, number: int) -> tuple[str, dict[str, Any], Any]:
    minute = number % 60
    arguments = {"source_timezone": "Europe/Berlin", "target_timezone": "Europe/Berlin", "time": f"12:{minute:02}"}
    return f"{prefix}_convert_time", arguments, lambda text: f"T12:{minute:02}:00" in text


CALLS = {"one": added, "two": added, "three": echoed, "four": told, "five": added}


class Storm:
    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.answered: collections.Counter[str] = collections.Counter()
        self.errors: collections.Counter[str] = collections.Counter()
        self.wrong: list[str] = []
        self.longest = 0.0

    async def call(self, client: Client, backend: str) -> None:
        number = next(self.numbers)
        name, arguments, right = CALLS[backend](backend, number)
        began = time.monotonic()
        try:
            with anyio.fail_after(PATIENCE):
                result = await client.call_tool(name, arguments)
        except TimeoutError:
            self.wrong.append(f"{name} {arguments} hangs")
            return
        finally:
            self.longest = max(self.longest, time.monotonic() - began)
        text = result.content[0].text
        if result.is_error or not right(text):
            self.wrong.append(f"{name} {arguments} gives {text!r}")
        else:
            self.answered[backend] += 1

    async def caller(self, url: str, mode: str, until: float) -> None:
        while time.monotonic() < until:
            async with Client(url, mode=mode, read_timeout_seconds=PATIENCE) as client:
                while time.monotonic() < until:
                    backend = random.choice(list(CALLS))
                    try:
                        await self.call(client, backend)
                    except Exception as error:  # noqa: BLE001
                        said = str(error)
                        if f"backend `{backend}`: " not in said:
                            self.wrong.append(f"an error that names no backend: {said!r}")
                        self.errors[said[:160]] += 1
                        await anyio.sleep(0.02)


async def main(url: str, seconds: float, clients: int) -> None:
    storm = Storm()
    until = time.monotonic() + seconds
    async with anyio.create_task_group() as group:
        for number in range(clients):
            group.start_soon(storm.caller, url, "legacy" if number % 2 else "2026-07-28", until)
    report = {
        "answered": storm.answered,
        "errors": storm.errors,
        "wrong": storm.wrong[:20],
        "longest": storm.longest,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], float(sys.argv[2]), int(sys.argv[3]))
