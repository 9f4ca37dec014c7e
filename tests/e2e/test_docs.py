"""The page of the management API, in a real browser that reaches nothing but the gateway."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import harness

TOKEN = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: Any, request: Any) -> Any:
    if request.config.getoption("--hop") == "direct":
        pytest.skip("the page is the gateway's own")
    folder: Path = tmp_path_factory.mktemp("docs")
    gateway = harness.Gateway(folder, {}, server={"management": {"token": TOKEN}})
    try:
        address = gateway.url.removesuffix("/mcp")
        modules = harness.PARTS / "browser" / "node_modules"
        command = [harness.NODE, harness.HERE / "clients" / "docs.mjs", modules, address, TOKEN]
        env = {**os.environ, "HOME": str(folder)}
        done = subprocess.run(command, capture_output=True, text=True, timeout=120 * harness.slow(), env=env)
        assert done.returncode == 0, f"the browser ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
        with urllib.request.urlopen(f"{address}/manage/v1/docs/openapi.json") as answered:
            document = json.load(answered)
        yield json.loads(done.stdout), document
    finally:
        gateway.finish()


def test_every_operation_is_shown(seen: Any) -> None:
    found, document = seen
    assert found["status"] == 200 and document["info"]["title"] in found["title"]
    assert found["operations"] == sum(len(path) for path in document["paths"].values())


def test_nothing_else_is_asked_and_nothing_is_refused(seen: Any) -> None:
    found, _ = seen
    assert found["elsewhere"] == [] and found["problems"] == [] and found["refused"] == []


def test_an_operation_is_tried_out_with_the_token(seen: Any) -> None:
    found, _ = seen
    assert (found["before"], found["after"]) == (401, 200)
    assert '"name": "Argus MCP"' in found["body"]
    assert TOKEN not in found["stored"]
