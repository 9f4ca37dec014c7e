"""Backends that die, stand still and come back, under load, without pause: clients get right answers or errors that
say why, and nothing is left behind."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import harness

SECONDS = float(os.environ.get("ARGUS_STORM_SECONDS", "60"))
CLIENTS = 10
BACKENDS = {"one", "two", "three", "four", "five"}
HEALED_WITHIN = 10.0
# No call takes longer: a process that stands still does so for 1.5 s, a new one needs a moment, a call is repeated once.
LONGEST = 15.0


class Victims:
    """The backends of one gateway, and what happens to them."""

    def __init__(self, gateway: harness.Gateway, port: int) -> None:
        self.gateway = gateway
        self.port = port
        self.server = self.serve()
        self.done: dict[str, int] = {}

    def serve(self) -> harness.FixtureServer:
        return harness.FixtureServer(None, "--port", str(self.port))

    def processes(self) -> list[int]:
        """What runs for the gateway, without the guards, which are the gateway's own."""
        return [int(line.split(":")[0]) for line in self.gateway.children()]

    def guards(self) -> set[int]:
        """The guards of the gateway, those too that wait to be collected."""
        everything = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return {process for process in everything if parent(process) == self.gateway.popen.pid}

    def idle_guards(self) -> set[int]:
        """Guards that have no process any more."""
        guards = self.guards()
        return guards - {parent(process) for process in self.processes()}

    def strike(self) -> None:
        blow = random.choices(["kill", "stop", "restart"], [6, 3, 1])[0]
        self.done[blow] = self.done.get(blow, 0) + 1
        if blow == "restart":
            self.server.kill()
            time.sleep(random.uniform(0, 1))
            self.server = self.serve()
            return
        processes = self.processes()
        if not processes:
            return
        victim = random.choice(processes)
        if blow == "kill":
            send(victim, signal.SIGKILL)
        else:
            send(victim, signal.SIGSTOP)
            time.sleep(random.uniform(0.1, 1.5))
            send(victim, signal.SIGCONT)


def send(process: int, what: signal.Signals) -> None:
    try:
        os.kill(process, what)
    except ProcessLookupError:
        pass


def health(gateway: harness.Gateway) -> dict[str, Any]:
    url = gateway.url.replace("/mcp", "/manage/v1/health")
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


def descriptors(gateway: harness.Gateway) -> int:
    return len(os.listdir(f"/proc/{gateway.popen.pid}/fd"))


def parent(process: int) -> int:
    """0 when the process is gone."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return 0
    return int(stat.rsplit(")", 1)[1].split()[1])


def belongs_to(process: int, ancestor: int) -> bool:
    while process > 1 and process != ancestor:
        process = parent(process)
    return process in (0, ancestor)


@pytest.mark.alone
@pytest.mark.timeout(SECONDS + 120)
def test_a_storm_of_deaths(tmp_path: Path, direct_only: bool) -> None:
    if direct_only:
        pytest.skip("no gateway in a direct run")
    seed = random.randrange(1 << 32)
    random.seed(seed)
    print(f"seed {seed}")
    port = harness.free_port()
    backends = {
        "one": harness.fixture_stdio(),
        "two": harness.fixture_started(),
        "three": harness.everything_stdio(),
        "four": harness.time_stdio(),
        "five": {"type": "streamable-http", "url": f"http://127.0.0.1:{port}/mcp"},
    }
    gateway = harness.Gateway(tmp_path / "gateway", backends, conflict_resolution={"strategy": "prefix"})
    victims = None
    try:
        victims = Victims(gateway, port)
        storm(gateway, victims)
        gateway.finish()
    finally:
        gateway.kill()
        if victims:
            victims.server.kill()


def storm(gateway: harness.Gateway, victims: Victims) -> None:
    healthy = harness.eventually(lambda: health(gateway)["status"] == "healthy", 20)
    assert healthy, f"not healthy at the start: {health(gateway)}"
    calm = load(gateway, 3)
    assert not calm["errors"], calm
    before = descriptors(gateway)

    callers = start_load(gateway, SECONDS)
    try:
        until = time.monotonic() + SECONDS - 2
        while time.monotonic() < until:
            victims.strike()
            time.sleep(random.uniform(0.05, 0.4))
        over = time.monotonic()
        healed = harness.eventually(lambda: health(gateway)["backends"]["connected"] == 5, HEALED_WITHIN)
        took = time.monotonic() - over
        assert healed, f"not healthy {HEALED_WITHIN} s after the end: {health(gateway)}\n{gateway.log()}"
        report = finish_load(callers)
    finally:
        callers.kill()
    print(f"{victims.done}, healed in {took:.1f} s, {json.dumps(report)}")
    assert not report["wrong"], report["wrong"]
    assert set(report["answered"]) == BACKENDS, report["answered"]
    assert sum(report["answered"].values()) > 10 * sum(victims.done.values()), report
    assert report["longest"] < LONGEST * harness.slow(), f"a call took {report['longest']:.1f} s"
    for said in report["errors"]:
        assert said.rstrip().split("`: ", 1)[-1], f"an error without a cause: {said}"

    orphans = [pid for pid in victims.processes() if not belongs_to(pid, gateway.popen.pid)]
    assert not orphans, f"orphans: {orphans} of {gateway.children()}"
    # The last kill may have been noticed after health was asked.
    harness.eventually(lambda: health(gateway)["backends"]["connected"] == 5, HEALED_WITHIN)
    calm = load(gateway, 3)
    assert not calm["errors"], f"after the storm: {calm}"
    assert len(victims.guards()) >= 4, f"the guards are not seen: {gateway.children()}"
    flat = harness.eventually(lambda: not victims.idle_guards(), 5)
    assert flat, f"guards without a process: {victims.idle_guards()} beside {gateway.children()}"
    flat = harness.eventually(lambda: descriptors(gateway) <= before + 25, 15)
    assert flat, f"{before} descriptors before, {descriptors(gateway)} after"


def start_load(gateway: harness.Gateway, seconds: float) -> subprocess.Popen[str]:
    command = [str(harness.PY2), str(harness.HERE / "clients" / "storm.py"), gateway.url, str(seconds), str(CLIENTS)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=harness.die_with_parent)


def finish_load(callers: subprocess.Popen[str]) -> dict[str, Any]:
    said, _ = callers.communicate(timeout=90)
    assert callers.returncode == 0, f"the callers ended with {callers.returncode}: {said[-2000:]}"
    return json.loads(said.splitlines()[-1])


def load(gateway: harness.Gateway, seconds: float) -> dict[str, Any]:
    return finish_load(start_load(gateway, seconds))
