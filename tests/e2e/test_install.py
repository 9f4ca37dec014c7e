"""What scripts/install.sh does to the machine, with an apt-get that installs nothing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

import harness

APT = """#!/bin/sh
[ "$1" = install ] || exit 0
"$ARGUS_POLICY"; echo "$?" >"$SEEN"
[ "$WORKS" = yes ]
"""
OWN = "#!/bin/sh\nexit 104\n"


@pytest.mark.parametrize("works", ["yes", "no"])
@pytest.mark.parametrize("had", ["nothing", "file", "link"])
def test_no_service_starts_and_the_machines_policy_is_put_back(tmp_path: Path, had: str, works: str) -> None:
    tools, machine, seen = tmp_path / "tools", tmp_path / "machine", tmp_path / "seen"
    for folder in (tools, machine):
        folder.mkdir()
    for name, text in (("apt-get", APT), ("id", "#!/bin/sh\necho 0\n")):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    policy, target = machine / "policy-rc.d", tmp_path / "elsewhere"
    if had == "file":
        policy.write_text(OWN)
        policy.chmod(0o750)
    elif had == "link":
        policy.symlink_to(target)
    names = {"ARGUS_POLICY": str(policy), "SEEN": str(seen), "WORKS": works, "TMPDIR": str(tmp_path)}
    env = {**os.environ, **names, "PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run([harness.REPO / "scripts" / "install.sh", "something"], env=env, timeout=30)
    assert (done.returncode == 0) == (works == "yes")
    assert seen.read_text() == "101\n", "a service may start"
    assert list(machine.iterdir()) == ([] if had == "nothing" else [policy])
    if had == "file":
        assert policy.read_text() == OWN and policy.stat().st_mode & 0o777 == 0o750
    elif had == "link":
        assert policy.readlink() == target and not target.exists()
