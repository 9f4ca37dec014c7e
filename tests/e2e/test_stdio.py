"""Real SDK clients over stdio: `argus-mcp stdio`, in front of a running gateway or with one of its own. What they see has
to be what they see over HTTP+SSE, so the tests are the same ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import harness
from test_clients import (  # noqa: F401
    FIXTURE_PLAN,
    Seen,
    can,
    numbered,
    test_backend_is_told_what_the_client_declared,
    test_calls,
    test_completion_with_context,
    test_elicitation,
    test_errors,
    test_lists,
    test_progress_comes_in_order_and_before_the_result,
    test_prompt,
    test_reads,
    test_roots,
    test_sampling,
    test_several_questions,
    test_url_elicitation,
    test_version_and_identity,
)

OWN = ["py1", "py16", "ts1", "py2-legacy", "ts2-legacy", "py2-auto", "ts2-auto", "ts2-modern"]
RELAY = ["py1", "py16", "ts1", "py2-legacy", "ts2-legacy", "py2-auto", "ts2-modern"]
CASES = [
    *(f"{client}-own fixture-stdio" for client in OWN),
    *(f"{client}-own fixture-http" for client in ["py1", "ts2-modern"]),
    *(f"{client}-relay fixture-stdio" for client in RELAY),
    *(f"{client}-sse-relay fixture-http" for client in ["py1", "py16", "ts2-modern"]),
    # A server that is not ours, without the gateway: it compares all headers.
    *(f"{client}-relay direct" for client in ["py1", "py2-auto", "ts2-modern"]),
]


@harness.remembered
def on_fixture(client: str, twin: str, url: str) -> tuple[harness.Observed, dict[str, int]]:
    plan = can(twin, FIXTURE_PLAN)
    return harness.observe(client, url, {"logLevel": "info", "steps": list(plan.values())}), numbered(plan)


@harness.remembered
def meets_modern_clients(url: str) -> None:
    """A gateway of a client's own finds out that the server speaks both eras while a second process starts, and meets it
    in the legacy one until then. The next gateway knows."""
    who = {"do": "call", "name": "who_am_i"}

    def is_modern() -> bool:
        seen = harness.observe("py2-modern-own", url, {"steps": [who, {"do": "sleep", "seconds": 3}, who]})
        return seen.result(2)["structuredContent"]["protocolVersion"] == "2026-07-28"

    assert harness.eventually(is_modern, harness.START)


@pytest.fixture(params=CASES)
def fixture(request: Any, targets: Any) -> Seen:
    client, behind = request.param.split()
    # Over HTTP+SSE, too, all that answers comes on one stream, and there are no headers.
    twin = client.removesuffix("-own").removesuffix("-relay").removesuffix("-sse") + "-sse"
    target = targets.get(behind)
    modern = "auto" in client or "modern" in client
    if modern and client.endswith("-own") and behind == "fixture-stdio":
        meets_modern_clients(target.url)
    seen = Seen(*on_fixture(client, twin, target.url), twin, target)
    seen.modern = modern
    return seen


def test_mirrored_arguments_of_a_tool_that_was_not_listed(targets: Any) -> None:
    call = {"do": "call", "name": "test_x_mcp_header", "arguments": {"region": "eu ä", "count": 3, "note": "n"}}
    observed = harness.observe("py2-modern-relay", targets.get("direct").url, {"steps": [call]})
    assert '"count": 3' in observed.text(0)


@pytest.mark.parametrize("client", ["py1", "ts1", "py2-legacy", "py2-modern", "ts2-modern"])
def test_nothing_is_left_when_the_client_has_ended(client: str, tmp_path: Path, direct_only: bool) -> None:
    if direct_only:
        pytest.skip("there is no gateway")
    mark = f"argus-e2e-{tmp_path}"
    backends = {"everything": harness.everything_stdio(), "time": harness.time_stdio()}
    for backend in backends.values():
        backend["env"] = {"ARGUS_E2E_MARK": mark}
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({"version": "1", "server": {"startup_wait": harness.START}, "backends": backends}))
    plan = {"steps": [{"do": "list"}, {"do": "call", "name": "get-sum", "arguments": {"a": 40, "b": 2}}]}
    plan |= harness.over_stdio(["--config", str(config)], config)
    observed = harness.observe(client, "http://127.0.0.1/unused", plan)
    assert observed.text(1) == "The sum of 40 and 2 is 42."
    assert {"echo", "convert_time"} <= {tool["name"] for tool in observed.result(0)["tools"]}
    assert harness.eventually(lambda: not harness.marked(mark), 20), harness.marked(mark)
