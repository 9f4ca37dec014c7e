"""The file changes again and again while clients call, with servers and clients that are not ours: no call fails, and
nothing is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

import harness

SECONDS = float(os.environ.get("ARGUS_RELOAD_SECONDS", "30"))
CHANGES = 20
# Together; that of the clients of one process, which share a core with everything else here.
CALLS_PER_SECOND = 50
CLIENTS = 6


def get(gateway: harness.Gateway, path: str) -> Any:
    url = gateway.url.replace("/mcp", f"/manage/v1/{path}")
    with urllib.request.urlopen(url, timeout=5) as answer:
        return json.load(answer)


class Held:
    """What the gateway holds."""

    def __init__(self, gateway: harness.Gateway) -> None:
        process = Path(f"/proc/{gateway.popen.pid}")
        resident = [line for line in (process / "status").read_text().splitlines() if line.startswith("VmRSS:")]
        self.memory = int(resident[0].split()[1])
        self.descriptors = len(os.listdir(process / "fd"))
        self.processes = len(gateway.children())

    def __str__(self) -> str:
        return f"{self.memory} KiB, {self.descriptors} descriptors, {self.processes} processes"


def write(file: Path, config: Any) -> None:
    """As editors do: a new file in the place of the old one."""
    fresh = file.with_suffix(".new")
    fresh.write_text(config if isinstance(config, str) else yaml.safe_dump(config, sort_keys=False))
    fresh.rename(file)


def change(number: int, config: dict[str, Any], coming: dict[str, Any]) -> dict[str, Any] | str:
    backends = config["backends"]
    match number % 5:
        case 0:
            backends["coming"] = coming
        case 1:  # with a new process
            backends["changing"]["env"] |= {"CHANGE": str(number)}
        case 2:  # without
            backends["changing"] |= {"labels": {"change": str(number)}, "timeouts": {"call": 60 + number}}
        case 3:
            return "backends: ["
        case _:  # and whole again
            del backends["coming"]
    return config


@pytest.mark.alone
@pytest.mark.timeout(SECONDS + 120)
def test_no_call_fails_while_the_file_changes(tmp_path: Path, direct_only: bool) -> None:
    if direct_only:
        pytest.skip("no gateway in a direct run")
    started = {"steady": harness.fixture_stdio(), "changing": harness.fixture_stdio()}
    gateway = harness.Gateway(tmp_path / "gateway", started, conflict_resolution={"strategy": "prefix"})
    try:
        storm_of_changes(gateway)
        gateway.finish()
    finally:
        gateway.kill()


def storm_of_changes(gateway: harness.Gateway) -> None:
    file = harness.Gateway.configs[gateway.url]
    config = yaml.safe_load(file.read_text())
    coming = harness.everything_stdio() | {"env": {"ARGUS_E2E_MARK": gateway.mark}}
    healthy = harness.eventually(lambda: get(gateway, "health")["status"] == "healthy", 20)
    assert healthy, get(gateway, "health")
    # All links are there before anything is counted.
    finish(start(gateway, 4))
    before = Held(gateway)
    callers = start(gateway, SECONDS + 4)
    try:
        time.sleep(2)
        began = time.monotonic()
        for number in range(CHANGES):
            write(file, change(number, config, coming))
            # Each change is seen for itself.
            seen = harness.eventually(lambda: len(reloads(gateway)) > number, 20)
            assert seen, f"change {number}: {reloads(gateway)}"
            if number == 5:
                middle = Held(gateway)
            time.sleep(max(0.0, began + SECONDS * (number + 1) / CHANGES - time.monotonic()))
        report = finish(callers)
    finally:
        callers.kill()
    found = reloads(gateway)
    print(f"{report}; {len(found)} reloads; {before}; {middle}; {Held(gateway)}")
    assert not report["wrong"], report["wrong"]
    assert set(report["answered"]) == {"steady", "changing"}, report
    assert sum(report["answered"].values()) > 0.7 * CALLS_PER_SECOND * SECONDS, report
    assert len(found) == CHANGES, found
    assert sum(event["severity"] == "error" for event in found) == CHANGES // 5, found
    settled = harness.eventually(lambda: Held(gateway).processes <= before.processes, 15)
    assert settled, gateway.children()
    settled = harness.eventually(lambda: Held(gateway).descriptors <= before.descriptors, 15)
    assert settled, f"{before} became {Held(gateway)}"
    settled = harness.eventually(lambda: Held(gateway).memory < middle.memory + 6144, 15)
    assert settled, f"{middle} became {Held(gateway)}"


def reloads(gateway: harness.Gateway) -> list[dict[str, Any]]:
    return [event for event in get(gateway, "events?limit=1000")["events"] if event["stage"] == "reload"]


def start(gateway: harness.Gateway, seconds: float) -> subprocess.Popen[str]:
    script = harness.HERE / "clients" / "calm.py"
    command = [harness.PY2, script, gateway.url, seconds, CLIENTS, CALLS_PER_SECOND, "steady", "changing"]
    words = [str(word) for word in command]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, preexec_fn=harness.die_with_parent)


def finish(callers: subprocess.Popen[str]) -> dict[str, Any]:
    said, _ = callers.communicate(timeout=60)
    assert callers.returncode == 0, f"the callers ended with {callers.returncode}: {said[-2000:]}"
    return json.loads(said.splitlines()[-1])
