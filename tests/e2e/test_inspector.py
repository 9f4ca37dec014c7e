"""The Inspector's command line, through the gateway."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

import harness


def inspect(target: Any, manner: str, tmp_path: Any, *arguments: str) -> Any:
    launcher = harness.MODULES / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"
    era, _, sse = manner.partition("-")
    url, transport = (f"{target.url.removesuffix('/mcp')}/sse", "sse") if sse else (target.url, "http")
    command = [harness.NODE, launcher, "--cli", "--server-url", url, "--transport", transport]
    command += ["--protocol-era", era, "--format", "json", *arguments]
    env = {**os.environ, "HOME": str(tmp_path), "PATH": f"{harness.NODE.parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, capture_output=True, text=True, timeout=40 * harness.slow(), env=env)
    assert done.returncode == 0, f"the Inspector ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)["result"]


pytestmark = [
    pytest.mark.parametrize("manner", ["legacy", "auto", "modern", "legacy-sse", "auto-sse", "modern-sse"]),
    pytest.mark.parametrize("target", ["fixture-http", "fixture-stdio", "fixture-sse"], indirect=True),
]


def test_list_tools(target: Any, manner: str, tmp_path: Any) -> None:
    names = [tool["name"] for tool in inspect(target, manner, tmp_path, "--method", "tools/list")["tools"]]
    assert names[0] == "test_simple_text" and "json_schema_2020_12_tool" in names


def test_call_tool(target: Any, manner: str, tmp_path: Any) -> None:
    arguments = ["--tool-name", "add", "--tool-arg", "a=20", "--tool-arg", "b=22"]
    result = inspect(target, manner, tmp_path, "--method", "tools/call", *arguments)
    assert result["structuredContent"] == {"sum": 42}


def test_read_resource(target: Any, manner: str, tmp_path: Any) -> None:
    result = inspect(target, manner, tmp_path, "--method", "resources/read", "--uri", "test://template/7/data")
    assert json.loads(result["contents"][0]["text"])["data"] == "Data for ID: 7"


def test_get_prompt(target: Any, manner: str, tmp_path: Any) -> None:
    arguments = ["--prompt-name", "test_prompt_with_arguments", "--prompt-args", "arg1=x", "--prompt-args", "arg2=y"]
    result = inspect(target, manner, tmp_path, "--method", "prompts/get", *arguments)
    assert result["messages"][0]["content"]["text"] == "Prompt with arguments: arg1='x', arg2='y'"
