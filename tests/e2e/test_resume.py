"""SDK clients whose connection is cut in the middle of an answer come back for the rest by themselves."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

import cutting
import harness

TOOL = "slow_count"


@pytest.mark.parametrize("client", ["py1", "py2-legacy", "ts1", "ts2-legacy"])
@pytest.mark.parametrize(
    ("target", "bounds"),
    [("fixture-http", [120]), ("fixture-http", [500]), ("fixture-stdio", [120, 300])],
    ids=["early", "late", "twice"],
    indirect=["target"],
)
def test_an_answer_survives_a_cut(target: Any, client: str, bounds: list[int]) -> None:
    if target.direct:
        pytest.skip("the fixture alone keeps no streams")
    proxy = cutting.Cutting(target.url, TOOL.encode(), bounds)
    key = str(uuid.uuid4())
    try:
        call = {"do": "call", "name": TOOL, "arguments": {"steps": 6, "delay": 0.3, "key": key}}
        seen = harness.observe(client, proxy.url, {"steps": [call, {"do": "ping"}]})
    finally:
        proxy.stop()
    assert proxy.cuts == len(bounds), "the proxy did not cut all it should"
    assert seen.text(0) == "counted to 6"
    progress = [one["progress"] for one in seen.during(0, "progress")]
    if client.startswith("py") and len(bounds) > 1:
        # A Python client whose second stream breaks asks again from where the first one broke.
        progress = list(dict.fromkeys(progress))
    assert progress == [1, 2, 3, 4, 5, 6]
    assert seen.result(1) == {}
    journal = [entry["event"] for entry in harness.journal(target.journal) if entry.get("key") == key]
    assert journal == ["slow_count started", "slow_count finished"]
