"""Starts and stops what the tests need: the gateway, the servers behind it, the clients in front of it."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[1]
PARTS = Path(os.environ.get("ARGUS_PARTS") or REPO / ".parts").resolve()
NODE = PARTS / "node" / "bin" / "node"
MODULES = PARTS / "npm" / "node_modules"
PY2 = PARTS / "py2" / "bin" / "python"
PY1 = PARTS / "py1" / "bin" / "python"
PY16 = PARTS / "py16" / "bin" / "python"
FIXTURE = HERE / "fixture" / "server.py"
SERVER1 = HERE / "fixture" / "server1.py"
SUITE1 = HERE / "fixture" / "suite1.py"
SERVER16 = HERE / "fixture" / "server16.py"

READY = re.compile(r"Argus MCP \S+ listening on (http://127\.0\.0\.1:\d+/mcp)")
START = 60.0  # seconds for a program to start, beside others that do the same
STOP_WITHIN = 25.0  # shutdown_timeout is 10 s; then the backends have to end too, within 5 s


def remembered(function: Any, keep: bool = False) -> Any:
    """Remembers outcomes, failures too: what took its whole time limit once is not tried again by each test. With `keep`
    a good one is never forgotten."""
    outcomes: dict[Any, tuple[bool, Any]] = {}

    @functools.wraps(function)
    def wrapper(*key: Any) -> Any:
        if key not in outcomes:
            try:
                outcomes[key] = (True, function(*key))
            except Exception as error:  # noqa: BLE001
                outcomes[key] = (False, error)
        good, outcome = outcomes[key]
        if not good:
            raise AssertionError(str(outcome)) from None
        return outcome

    def forget() -> None:
        for key in [key for key, (good, _) in outcomes.items() if not (good and keep)]:
            del outcomes[key]

    FORGETFUL.append(forget)
    return wrapper


FORGETFUL: list[Any] = []


def forget() -> None:
    """For a test that is tried once more: what it looks at is looked at anew."""
    for one in FORGETFUL:
        one()


def slow() -> float:
    """A factor for every time limit; a loaded machine sets ARGUS_E2E_SLOW=3."""
    return float(os.environ.get("ARGUS_E2E_SLOW", "1"))


def die_with_parent() -> None:
    """Also a killed test run leaves nothing behind."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


class Process:
    """A child in a process group of its own, its output kept line by line."""

    def __init__(self, name: str, command: list[Any], env: dict[str, str] | None = None, cwd: Path | None = None) -> None:
        self.name = name
        self.lines: list[str] = []
        self.popen = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            cwd=cwd,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self.lines.append(line.rstrip("\n"))

    def log(self) -> str:
        return f"--- {self.name} said:\n" + "\n".join(self.lines[-200:])

    def wait_for(self, pattern: re.Pattern[str], seconds: float) -> str:
        until = time.monotonic() + seconds * slow()
        seen = 0
        while time.monotonic() < until:
            ended = self.popen.poll() is not None
            if ended:
                self.reader.join(1)
            while seen < len(self.lines):
                if found := pattern.search(self.lines[seen]):
                    return found[found.re.groups and 1 or 0]
                seen += 1
            if ended:
                raise AssertionError(f"{self.name} ended with {self.popen.returncode} before it was ready\n{self.log()}")
            time.sleep(0.01)
        raise AssertionError(f"{self.name} was not ready within {seconds} s\n{self.log()}")

    def stop(self, seconds: float = 5.0) -> int:
        """SIGTERM, then, when it does not end in time, SIGKILL to its group. The exit code."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(seconds * slow())
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.name} did not end within {seconds} s of SIGTERM\n{self.log()}") from None
        return self.popen.returncode

    def kill(self) -> None:
        try:
            os.killpg(self.popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait(5)


# --- servers that are not ours ---------------------------------------------------------------------------------------


class FixtureServer(Process):
    """Our fixture over Streamable HTTP (`http`) or HTTP+SSE (`sse`)."""

    def __init__(self, journal: Path | None = None, *options: str, transport: str = "http") -> None:
        env = {"FIXTURE_JOURNAL": str(journal)} if journal else {}
        super().__init__(f"fixture-{transport}", [PY2, FIXTURE, transport, *options], env)
        self.journal = journal
        self.url = self.wait_for(re.compile(r"^(http://\S+/(?:mcp|sse))$"), START)


def fixture_stdio(journal: Path | None = None, *options: str) -> dict[str, Any]:
    env = {"FIXTURE_JOURNAL": str(journal)} if journal else {}
    return {"type": "stdio", "command": str(PY2), "args": [str(FIXTURE), "stdio", *options], "env": env}


def fixture_started() -> dict[str, Any]:
    """Our fixture over HTTP+SSE, started by the gateway."""
    port = free_port()
    args = [str(FIXTURE), "sse", "--port", str(port)]
    return {"type": "sse", "url": f"http://127.0.0.1:{port}/sse", "command": str(PY2), "args": args}


class ScriptServer(Process):
    """A script of the folder `fixture` over Streamable HTTP."""

    def __init__(self, python: Path, script: str) -> None:
        super().__init__(script, [python, HERE / "fixture" / script, "http"])
        self.url = self.wait_for(re.compile(r"^(http://\S+/mcp)$"), START)


def script_stdio(python: Path, script: str) -> dict[str, Any]:
    """The same over stdio."""
    return {"type": "stdio", "command": str(python), "args": [str(HERE / "fixture" / script), "stdio"]}


class Server16(Process):
    """The server of 2024-11-05 over HTTP+SSE."""

    def __init__(self) -> None:
        super().__init__("server16", [PY16, SERVER16, "sse"])
        self.url = self.wait_for(re.compile(r"^(http://\S+/sse)$"), START)


class Server1(Process):
    """The server that knows no revision after 2025-11-25, over Streamable HTTP (`http`) or HTTP+SSE (`sse`)."""

    def __init__(self, transport: str, journal: Path) -> None:
        super().__init__("server1", [PY1, SERVER1, transport], {"SERVER1_JOURNAL": str(journal)})
        self.url = self.wait_for(re.compile(r"^(http://\S+/(?:mcp|sse))$"), START)


def server1_stdio(journal: Path) -> dict[str, Any]:
    env = {"SERVER1_JOURNAL": str(journal)}
    return {"type": "stdio", "command": str(PY1), "args": [str(SERVER1), "stdio"], "env": env}


class Suite1(Process):
    """What the conformance suite asks for, from a server that knows no revision after 2025-11-25."""

    def __init__(self, transport: str) -> None:
        super().__init__("suite1", [PY1, SUITE1, transport])
        self.url = self.wait_for(re.compile(r"^(http://\S+/(?:mcp|sse))$"), START)


def suite1_stdio() -> dict[str, Any]:
    return {"type": "stdio", "command": str(PY1), "args": [str(SUITE1), "stdio"], "max_processes": 64}


def server16_stdio() -> dict[str, Any]:
    return {"type": "stdio", "command": str(PY16), "args": [str(SERVER16), "stdio"]}


def server16_started() -> dict[str, Any]:
    """The server of 2024-11-05 over HTTP+SSE, started by the gateway."""
    port = free_port()
    args = [str(SERVER16), "sse", "--port", str(port)]
    return {"type": "sse", "url": f"http://127.0.0.1:{port}/sse", "command": str(PY16), "args": args}


def free_port() -> int:
    """A port for what takes no port 0, below those that Linux gives to whoever binds port 0 or connects."""
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def everything_started() -> dict[str, Any]:
    """server-everything over HTTP+SSE, started by the gateway; it binds all interfaces."""
    port = free_port()
    started = {**everything_stdio(), "type": "sse", "url": f"http://127.0.0.1:{port}/sse"}
    return {**started, "args": [*started["args"][:-1], "sse"], "env": {"PORT": str(port)}}


def everything_stdio() -> dict[str, Any]:
    script = MODULES / "@modelcontextprotocol" / "server-everything" / "dist" / "index.js"
    return {"type": "stdio", "command": str(NODE), "args": [str(script), "stdio"]}


def filesystem_stdio(folder: Path) -> dict[str, Any]:
    script = MODULES / "@modelcontextprotocol" / "server-filesystem" / "dist" / "index.js"
    return {"type": "stdio", "command": str(NODE), "args": [str(script), str(folder)]}


def time_stdio() -> dict[str, Any]:
    args = ["-m", "mcp_server_time", "--local-timezone", "Europe/Berlin"]
    return {"type": "stdio", "command": str(PY2), "args": args}


class EverythingServer(Process):
    """server-everything over HTTP. It binds all interfaces and takes no port 0."""

    def __init__(self, port: int = 0) -> None:
        self.port = port = port or free_port()
        script = MODULES / "@modelcontextprotocol" / "server-everything" / "dist" / "index.js"
        super().__init__("server-everything", [NODE, script, "streamableHttp"], {"PORT": str(port)})
        self.wait_for(re.compile("listening on port"), START)
        self.url = f"http://127.0.0.1:{port}/mcp"


# --- the gateway -----------------------------------------------------------------------------------------------------


def binary() -> Path:
    given = os.environ.get("ARGUS_BIN")
    if not given:
        raise AssertionError("ARGUS_BIN is not set: name the argus-mcp binary, or run with --hop direct")
    path = Path(given).resolve()
    if not path.is_file():
        raise AssertionError(f"ARGUS_BIN names {path}, which is not there; build it first (cargo build)")
    return path


class Gateway(Process):
    configs: dict[str, Path] = {}

    def __init__(self, folder: Path, backends: dict[str, Any], port: int = 0, **more: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.mark = f"argus-e2e-{uuid.uuid4()}"
        for backend in backends.values():
            if "command" in backend:
                backend["env"] = {**backend.get("env", {}), "ARGUS_E2E_MARK": self.mark}
            if backend["type"] == "sse" and "command" in backend:
                backend["timeouts"] = {"sse_startup": START, **backend.get("timeouts", {})}
        # Clients are to see all backends, however long they take to start.
        more["server"] = {"startup_wait": START, **more.get("server", {})}
        config = folder / "config.yaml"
        config.write_text(yaml.safe_dump({"version": "1", "backends": backends, **more}, sort_keys=False))
        command = [binary(), "server", "--config", config, "--port", port, "--log-dir", "none", "--log-level", "debug"]
        env = {"ARGUS_STATE_DIR": str(folder / "state"), "RUST_BACKTRACE": "1"}
        super().__init__("argus-mcp", command, env, cwd=folder)
        try:
            self.url = self.wait_for(READY, START)
            Gateway.configs[self.url] = config
        except AssertionError:
            self.kill()
            raise

    def children(self) -> list[str]:
        """What runs with this gateway's mark: the processes of its backends and whatever they started."""
        return marked(self.mark)

    def finish(self) -> None:
        """SIGTERM; it has to exit 0 in bounded time and leave nobody behind."""
        started = time.monotonic()
        code = self.stop(STOP_WITHIN)
        took = time.monotonic() - started
        # What was just being started is ended by its guard.
        eventually(lambda: not self.children(), 10)
        left = self.children()
        assert code == 0, f"argus-mcp exited with {code} after SIGTERM ({took:.1f} s)\n{self.log()}"
        assert not left, f"argus-mcp left processes behind: {left}\n{self.log()}"
        panics = [line for line in self.lines if "panicked at" in line]
        assert not panics, f"argus-mcp panicked: {panics}\n{self.log()}"


def marked(mark: str) -> list[str]:
    found = []
    wanted = f"ARGUS_E2E_MARK={mark}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if wanted in (entry / "environ").read_bytes().split(b"\0"):
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if command:  # a zombie has none
                    found.append(f"{entry.name}: {command}")
        except OSError:
            continue
    return found


# --- clients ---------------------------------------------------------------------------------------------------------

CLIENTS: dict[str, list[Any]] = {
    "py2": [PY2, HERE / "clients" / "py2.py"],
    "py1": [PY1, HERE / "clients" / "py1.py"],
    "py16": [PY16, HERE / "clients" / "py16.py"],
    "ts1": [NODE, HERE / "clients" / "ts1.mjs"],
    "ts2": [NODE, HERE / "clients" / "ts2.mjs"],
}


def over_stdio(where: list[str], config: Path | None = None) -> dict[str, Any]:
    """The part of a plan that makes a client start the gateway itself."""
    state = str(config.parent / "own-state") if config else ""
    env = {"ARGUS_STATE_DIR": state, "RUST_BACKTRACE": "1", "PATH": os.environ["PATH"]}
    return {"transport": "stdio", "command": [str(binary()), "stdio", *where], "env": env}


class Observed:
    """What a client saw while it ran a plan."""

    def __init__(self, report: dict[str, Any], said: str) -> None:
        self.report = report
        self.said = said
        self.timeline: list[dict[str, Any]] = report["timeline"]

    def result(self, number: int) -> Any:
        step = self.report["steps"][number]
        assert "result" in step, f"step {number} failed: {step['error']}\n{self.said}"
        return step["result"]

    def error(self, number: int) -> dict[str, Any]:
        step = self.report["steps"][number]
        assert "error" in step, f"step {number} should have failed, but gave {json.dumps(step['result'])[:500]}"
        return step["error"]

    def text(self, number: int) -> str:
        result = self.result(number)
        assert not result.get("isError"), f"step {number} is a tool error: {result}"
        return "\n".join(block["text"] for block in result["content"] if block["type"] == "text")

    def during(self, number: int, kind: str) -> list[dict[str, Any]]:
        """The entries of one kind that came between the end of the step before and the end of this one."""
        ends = [index for index, entry in enumerate(self.timeline) if entry["kind"] == "done"]
        by_step = {self.timeline[index]["step"]: index for index in ends}
        first = by_step[number - 1] + 1 if number else 0
        return [entry for entry in self.timeline[first : by_step[number]] if entry["kind"] == kind]

    def all(self, kind: str) -> list[dict[str, Any]]:
        return [entry for entry in self.timeline if entry["kind"] == kind]


def observe(client: str, url: str, plan: dict[str, Any], seconds: float = 60) -> Observed:
    """Runs a client with a plan: `py2-modern` is the client py2 in its modern era, `py2-modern-sse` the same on /sse,
    `py2-modern-relay` over stdio through a relay to the gateway, `py2-modern-own` with a gateway of its own."""
    name, *manner = client.split("-")
    plan = {"transport": "http", **plan, "timeout": seconds * slow()}
    for word in manner:
        if word == "sse":
            plan["transport"] = word
            url = f"{url.removesuffix('/mcp')}/sse"
        elif word in ("relay", "own"):
            where = ["--config", str(Gateway.configs[url])] if word == "own" else ["--url", url]
            plan |= over_stdio(where, Gateway.configs.get(url))
        else:
            plan["era"] = word
    command = [str(part) for part in CLIENTS[name]] + [url, json.dumps(plan)]
    env = {**os.environ, "ARGUS_PARTS": str(PARTS), "PYTHONWARNINGS": "ignore"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds * slow() + 10, env=env)
    except subprocess.TimeoutExpired as error:
        raise AssertionError(f"{client} did not end within {seconds} s: {error.stderr!r}") from None
    lines = done.stdout.strip().splitlines()
    assert lines, f"{client} said nothing\n{done.stderr}"
    report = json.loads(lines[-1])
    said = f"--- {client} said:\n{done.stderr[-4000:]}"
    assert "fatal" not in report, f"{client} could not run its plan: {report['fatal']}\n{said}"
    return Observed(report, said)


def journal(path: Path) -> list[dict[str, Any]]:
    """What a server noted, without a line that it is writing."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text().split("\n")[:-1]]


def eventually(check: Any, seconds: float = 5) -> Any:
    """The first true value of `check`, or its last one when the time is over."""
    until = time.monotonic() + seconds * slow()
    while True:
        value = check()
        if value or time.monotonic() > until:
            return value
        time.sleep(0.05)
