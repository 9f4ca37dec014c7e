"""The image of the Dockerfile's last stage, run by Debian's Docker as compose.yaml says.

The folder with its files is ARGUS_IMAGE_FILES; scripts/image-files.sh makes it, and scripts/test.sh calls that."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import harness
from engine import IMAGE, Composition, Engine, eventually, own_network

CONFIG = """
backends:
  own: {type: stdio, command: /argus-mcp, args: [example, echo]}
  neighbour: {type: streamable-http, url: "http://neighbour:9000/mcp"}
"""
# A debug build without its symbols.
MOST = 60_000_000


@pytest.fixture(scope="module")
def engine(tmp_path_factory: Any, direct_only: bool) -> Any:
    files = os.environ.get("ARGUS_IMAGE_FILES")
    if direct_only or not files:
        pytest.skip("no image: scripts/image-files.sh DIR makes its files, ARGUS_IMAGE_FILES names them")
    missing = [tool for tool in ("dockerd", "docker", "docker-compose", "unshare", "ip") if not shutil.which(tool)]
    assert not missing, f"{missing} missing; scripts/docker.sh installs what is needed"
    # The name of a socket may have 100 characters only.
    folder = Path(tmp_path_factory.mktemp("d", numbered=True))
    with own_network():
        engine = Engine(folder)
        try:
            engine.build(Path(files))
            yield engine
        finally:
            engine.stop()


@pytest.fixture(scope="module")
def composed(engine: Engine, tmp_path_factory: Any) -> Any:
    composition = Composition(engine, tmp_path_factory.mktemp("composed"), CONFIG)
    try:
        # Read-only and with nothing else said: the data folder is a volume by itself.
        hardened = ["--read-only", "--cap-drop=ALL", "--network=argus_default", "--name=neighbour", "--detach"]
        engine.run("run", *hardened, IMAGE, "server", "--demo", "--host=0.0.0.0", "--log-dir=none")
        yield composition
    finally:
        engine.run("rm", "--force", "--volumes", "neighbour")
        composition.run("down", "--volumes")


def health(composition: Composition) -> Any:
    try:
        with urllib.request.urlopen(f"{composition.url}/manage/v1/health", timeout=5) as answer:
            return json.load(answer)
    except OSError:
        return None


def all_connected(composition: Composition) -> bool:
    return (health(composition) or {}).get("status") == "healthy"


def test_the_image_is_small_and_runs_as_nobody(engine: Engine) -> None:
    image = engine.inspect(IMAGE)
    print(f"the image has {image['Size'] / 1e6:.0f} MB")
    assert image["Size"] < MOST
    config = image["Config"]
    assert config["User"] == "65532:65532"
    assert list(config["ExposedPorts"]) == ["9000/tcp"]
    assert config["Healthcheck"]["Test"] == ["CMD", "/argus-mcp", "healthcheck"]


def test_the_engine_meets_no_other_one(engine: Engine) -> None:
    """It would take the rules of the firewall, and the mounts, of another engine for its own."""
    for kind in ("net", "mnt"):
        # The main thread is in the engine's network now, so what is elsewhere is asked: who started this process.
        ours = os.readlink(f"/proc/{engine.process.popen.pid}/ns/{kind}")
        assert ours != os.readlink(f"/proc/{os.getppid()}/ns/{kind}"), kind


def test_tools_are_called_through_it(composed: Composition) -> None:
    eventually("all backends are connected", 60, lambda: all_connected(composed))
    # A backend that is a process, and one that is found by DNS.
    steps = [
        {"do": "call", "name": "echo", "arguments": {"message": "through the container"}},
        {"do": "call", "name": "neighbour_echo", "arguments": {"message": "through two"}},
    ]
    seen = harness.observe("ts1", f"{composed.url}/mcp", {"steps": steps})
    for step, text in zip(seen.report["steps"], ("through the container", "through two"), strict=True):
        assert text in json.dumps(step), step


def test_nothing_is_given_to_it(composed: Composition) -> None:
    host = composed.engine.inspect(composed.container)["HostConfig"]
    assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"]
    processes = composed.processes()
    assert len(processes) >= 4, "init, gateway, guard and backend"
    for status in processes.values():
        assert status["Uid"].split() == ["65532"] * 4, status
        assert int(status["CapEff"], 16) == 0 and status["NoNewPrivs"] == "1", status
    logs = composed.logs()
    assert "data folder" not in logs and "log file" not in logs, logs


def test_the_health_check_tells_both(composed: Composition) -> None:
    eventually("healthy", 30, lambda: composed.state()["Health"]["Status"] == "healthy")
    check = ["exec", composed.container, "/argus-mcp", "healthcheck"]
    assert '"status"' in composed.engine.run(*check)
    nobody = subprocess.run(
        ["docker", *check, "--url=http://127.0.0.1:1"], env=composed.engine.env, capture_output=True, timeout=30
    )
    assert nobody.returncode == 1 and b"127.0.0.1:1" in nobody.stderr


def test_orphans_are_waited_for(composed: Composition) -> None:
    eventually("all backends are connected", 60, lambda: all_connected(composed))

    def guards() -> set[int]:
        return {pid for pid, status in composed.processes().items() if status["Name"] == "argus-guard"}

    before = guards()
    assert before
    for guard in before:
        os.kill(guard, signal.SIGKILL)
    eventually("another guard", 15, lambda: guards() - before)
    eventually("all backends are connected", 60, lambda: all_connected(composed))

    def ended() -> list[str]:
        return [status["Name"] for status in composed.processes().values() if status["State"].startswith("Z")]

    eventually("what has ended is waited for", 15, lambda: not ended())


def test_it_reloads_and_stops(composed: Composition) -> None:
    composed.engine.run("start", composed.container)  # a first attempt stopped it
    eventually("all backends are connected", 60, lambda: all_connected(composed))
    config = composed.folder / "config" / "config.yaml"
    config.write_text(CONFIG + "  second: {type: stdio, command: /argus-mcp, args: [example, time]}\n")
    composed.engine.run("kill", "--signal=HUP", composed.container)
    eventually("the signal is handed on", 15, lambda: "SIGHUP: the configuration is read" in composed.logs())
    eventually("three backends", 15, lambda: (health(composed) or {}).get("backends", {}).get("total") == 3)
    began = time.monotonic()
    composed.engine.run("stop", composed.container)
    took = time.monotonic() - began
    state = composed.state()
    assert state["ExitCode"] == 0, composed.logs()
    # After twenty seconds it would have been killed.
    assert took < 9 * harness.slow(), f"docker stop took {took:.1f} s"
