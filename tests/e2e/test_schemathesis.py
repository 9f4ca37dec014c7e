"""The management API by its own OpenAPI document: schemathesis makes requests of it, good ones and bad ones, and holds
every answer against it. Whatever operations the document has are tested, but for
`shutdown`."""

from __future__ import annotations

import collections
import json
import os
import subprocess
import urllib.parse
from pathlib import Path
from typing import Any

import pytest

import harness

SCHEMATHESIS = harness.PARTS / "schemathesis" / "bin" / "schemathesis"
TOKEN = "5d0f9a3c7be14e8f9a60c2d1"
EXAMPLES = int(os.environ.get("ARGUS_SCHEMATHESIS_EXAMPLES", "60"))
SHUTDOWN = "^/shutdown$"
DISABLE = "/disable$"

# What the run has to have seen, among others.
REACHED = {
    "/tools/call": {200, 400, 404, 502, 503, 504},
    "/prompts/get": {200, 400, 404, 502, 504},
    "/resources/read": {200, 400, 404},
    "/events": {200, 400},
    "/events/stream": {200},
    "/registry/search": {400, 404},
    "/reload": {200},
    "/reauth": {200, 404},
}


def backends() -> dict[str, Any]:
    """One of each kind: well, failing, silent, dead, and away."""
    odd = str(harness.HERE / "fixture" / "odd.py")
    away = f"http://127.0.0.1:{harness.free_port()}/mcp"
    return {
        "demo": {"type": "stdio", "command": str(harness.binary()), "args": ["example", "echo"], "group": "odd"},
        "fixture": harness.fixture_stdio(),
        "silent": {"type": "stdio", "command": str(harness.PY2), "args": [odd, "silent"], "timeouts": {"call": 0.1}},
        "cross": {"type": "stdio", "command": str(harness.PY2), "args": [odd, "cross"]},
        "frail": {"type": "stdio", "command": str(harness.PY2), "args": [odd, "frail"]},
        "dead": {"type": "stdio", "command": "/bin/false"},
        "away": {"type": "streamable-http", "url": away},
    }


@pytest.mark.timeout(600)
@pytest.mark.parametrize("token", [None, TOKEN], ids=["local", "token"])
def test_every_answer_is_as_documented(token: str | None, tmp_path: Path, direct_only: bool) -> None:
    if direct_only:
        pytest.skip("no gateway in a direct run")
    server = {"management": {"token": token}} if token else {}
    strategy = {"strategy": "prefix"}
    gateway = harness.Gateway(tmp_path / "gateway", backends(), server=server, conflict_resolution=strategy)
    try:
        everything = run(gateway, token, tmp_path, "--exclude-path-regex", f"{SHUTDOWN}|{DISABLE}")
        print({path: dict(everything[path]) for path in REACHED})
        # A run that only ever finds nothing proves nothing.
        for path, wanted in REACHED.items() if token is None else []:
            assert wanted <= set(everything[path]), f"{path}: {wanted} wanted, {everything[path]} seen"
        # What it switches off answers nothing any more: this comes last.
        run(gateway, token, tmp_path, "--include-path-regex", DISABLE)
        gateway.finish()
    finally:
        gateway.kill()


def run(
    gateway: harness.Gateway, token: str | None, folder: Path, *options: str
) -> dict[str, collections.Counter[int]]:
    document = gateway.url.replace("/mcp", "/manage/v1/openapi.json")
    requests = folder / "requests.har"
    # The settings belong before the command.
    command = [SCHEMATHESIS, "--config-file", harness.HERE / "schemathesis.toml", "run", document, *options]
    command += ["--max-examples", EXAMPLES // 4 if token else EXAMPLES, "--no-color", "--warnings", "off"]
    command += ["--report", "har", "--report-har-path", requests]
    if token:
        command += ["--header", f"Authorization: Bearer {token}"]
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    print(done.stdout[-1200:])
    assert done.returncode == 0, f"schemathesis found something:\n{done.stdout[-20000:]}\n{done.stderr[-4000:]}"
    return answered(requests)


def answered(requests: Path) -> dict[str, collections.Counter[int]]:
    """How often each path, or all that begin like it, was answered with which status."""
    found: dict[str, collections.Counter[int]] = collections.defaultdict(collections.Counter)
    for entry in json.loads(requests.read_text())["log"]["entries"]:
        path = urllib.parse.urlsplit(entry["request"]["url"]).path.removeprefix("/manage/v1")
        if path not in REACHED:
            path = "/" + path.split("/")[1]
        found[path][entry["response"]["status"]] += 1
    return found
