"""More clients that can be asked than a backend gets processes: who is asked is asked rightly, the others are not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import harness

CLIENTS = 12
CALLS = 3
PROCESSES = 8  # the preset of max_processes
NOT_FOUND = -32601


@pytest.mark.alone
def test_twelve_clients_are_asked_rightly_or_not_at_all(tmp_path: Path, direct_only: bool) -> None:
    if direct_only:
        pytest.skip("no gateway in a direct run")
    gateway = harness.Gateway(tmp_path / "gateway", {"fixture": harness.fixture_stdio()})
    command = [harness.PY1, harness.HERE / "clients" / "crowd.py", gateway.url, str(CLIENTS), str(CALLS)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=110)
        assert done.returncode == 0, f"{done.stderr[-4000:]}\n{gateway.log()}"
        gateway.finish()
    finally:
        gateway.kill()
    everybody = json.loads(done.stdout.splitlines()[-1])
    asked = [one for one in everybody if one["asked"]]
    assert len(asked) == PROCESSES, everybody
    for one in everybody:
        assert len(one["gave"]) == CALLS, one
        heard = [json.loads(gave)["heard"] for gave in one["gave"]]
        if one in asked:
            assert one["asked"] == one["said"]
            assert heard == [{"echo": message} for message in one["said"]]
        else:
            assert heard == [NOT_FOUND] * CALLS
    processes = [{json.loads(gave)["process"] for gave in one["gave"]} for one in everybody]
    assert all(len(one) == 1 for one in processes), f"a client was moved: {processes}"
    assert len(set.union(*processes)) == PROCESSES + 1, "one each, and one for those that share"
