"""A Docker engine of our own, and the image of the Dockerfile's last stage in it.

An engine takes the firewall's chains of its machine for its own, also when they are another engine's. So this one has a
network (and mounts) of its own, and who talks to its containers is in that network, too."""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness

IMAGE = "argus-mcp"
# What the Dockerfile calls the stage that makes the files of the image.
FILES = "argus-files"
NEW_NETWORK = 0x40000000  # CLONE_NEWNET


def system(call: str, *arguments: int) -> None:
    """A call of the system that Python has only from 3.12 on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, call)(*arguments) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise AssertionError(f"{call}: {reason}. The tests of the container image need root")


@contextlib.contextmanager
def own_network() -> Iterator[None]:
    """Puts this thread, and every process that it starts meanwhile, into a new network that has a loopback only."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    try:
        system("unshare", NEW_NETWORK)
        try:
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            yield
        finally:
            system("setns", before, NEW_NETWORK)
    finally:
        os.close(before)


class Engine:
    """`dockerd` with everything in one folder, to be started within `own_network`. It is stopped by its id, and what it
    mounted goes with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        host = f"unix://{folder}/docker.sock"
        # The builder that needs no plugin.
        self.env = {**os.environ, "DOCKER_HOST": host, "DOCKER_BUILDKIT": "0", "DOCKER_CONFIG": str(folder)}
        places = [f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"]
        # Networks are made where they are needed.
        command = ["unshare", "--mount", "dockerd", f"--host={host}", "--bridge=none", *places]
        self.process = harness.Process("dockerd", command)
        self.process.wait_for(re.compile("API listen on"), 30)

    def run(self, *words: str, stdin: bytes | None = None, seconds: float = 60) -> str:
        """A docker command; gives what it said on stdout."""
        done = subprocess.run(
            ["docker", *words], env=self.env, input=stdin, capture_output=True, timeout=seconds * harness.slow()
        )
        said = done.stderr.decode(errors="replace")
        assert done.returncode == 0, f"docker {' '.join(words)}: {said}"
        return done.stdout.decode(errors="replace").strip()

    def inspect(self, name: str) -> dict[str, Any]:
        return json.loads(self.run("inspect", name))[0]

    def build(self, files: Path) -> None:
        """Builds the last stage as it stands in the Dockerfile. What it copies from the stage before is an image of the
        same name here, because no image can be pulled for that stage."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.add(files, arcname="files")
        self.run("import", "-", FILES, stdin=archive.getvalue())
        dockerfile = (harness.REPO / "Dockerfile").read_text()
        before, found, last = dockerfile.partition("\nFROM scratch\n")
        assert found and f" AS {FILES}\n" in before and "\nFROM " not in last
        self.run("build", "--tag", IMAGE, "-", stdin=f"FROM scratch\n{last}".encode())

    def stop(self) -> None:
        for container in self.run("ps", "--all", "--quiet").split():
            self.run("rm", "--force", "--volumes", container)
        for network in self.run("network", "ls", "--quiet", "--filter=type=custom").split():
            self.run("network", "rm", network)
        self.process.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Composition:
    """compose.yaml as it is, with another port on this machine."""

    def __init__(self, engine: Engine, folder: Path, config: str) -> None:
        self.engine, self.folder = engine, folder
        text = (harness.REPO / "compose.yaml").read_text()
        self.port = harness.free_port()
        published = "127.0.0.1:9000:9000"
        assert text.count(published) == 1
        (folder / "config").mkdir()
        (folder / "config" / "config.yaml").write_text(config)
        (folder / "compose.yaml").write_text(text.replace(published, f"127.0.0.1:{self.port}:9000"))
        self.run("up", "--no-build", "--detach")
        self.container = self.run("ps", "--quiet").split()[0]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *words: str) -> str:
        command = ["docker-compose", "--project-name", "argus", "--file", str(self.folder / "compose.yaml"), *words]
        done = subprocess.run(command, env=self.engine.env, capture_output=True, text=True, timeout=60 * harness.slow())
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
        return done.stdout

    def state(self) -> dict[str, Any]:
        return self.engine.inspect(self.container)["State"]

    def pid(self) -> int:
        return self.state()["Pid"]

    def logs(self) -> str:
        done = subprocess.run(
            ["docker", "logs", self.container],
            env=self.engine.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
        )
        return done.stdout

    def processes(self) -> dict[int, dict[str, str]]:
        """All processes of the container, as this machine sees them: by id, the fields of their status."""
        below, found = {self.pid()}, {}
        known = sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
        statuses = {pid: status_of(pid) for pid in known}
        while below:
            found |= {pid: statuses[pid] for pid in below if statuses.get(pid)}
            below = {pid for pid, status in statuses.items() if int(status.get("PPid", 0)) in below}
        return found


def status_of(pid: int) -> dict[str, str]:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return {}
    return {key: value.strip() for key, _, value in (line.partition(":") for line in text.splitlines())}


def eventually(what: str, seconds: float, holds: Any) -> Any:
    """Waits until something holds, and gives it."""
    until = time.monotonic() + seconds * harness.slow()
    while True:
        if found := holds():
            return found
        assert time.monotonic() < until, f"not within {seconds} s: {what}"
        time.sleep(0.05)
