#!/usr/bin/env python3
"""Runs the official conformance suite against a server and scores it as the suite does.

    conformance.py --url URL --requirements 2026-07-28 [--label direct] [--out DIR]

What is scored is what the suite's own requirement set lists under `server`; its `not_scored` scenarios run too and
are reported apart. INFO entries are remarks, not checks. Of a scored scenario every check must be SUCCESS: a WARNING
(a SHOULD that is not met, which the suite itself lets pass) and a SKIPPED check (nothing was shown) count against it.
There is no baseline of expected failures.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import yaml

REVISIONS = ["2025-11-25", "2026-07-28"]
STAMP = re.compile(r"^server-(.*)-\d{4}-\d{2}-\d{2}T[\d-]+Z$")


@dataclass
class Scenario:
    name: str
    scored: bool
    checks: list[dict] = field(default_factory=list)
    ran: bool = False

    def count(self, *statuses: str) -> int:
        return sum(check["status"] in statuses for check in self.checks)

    @property
    def passed(self) -> int:
        return self.count("SUCCESS")

    @property
    def total(self) -> int:
        return self.count("SUCCESS", "FAILURE", "WARNING", "SKIPPED")

    @property
    def good(self) -> bool:
        return self.ran and self.passed > 0 and self.passed == self.total

    def complaints(self) -> list[str]:
        if not self.ran:
            return [f"{self.name}: did not run"]
        if not self.total:
            return [f"{self.name}: no check"]
        return [
            f"{self.name}: {check['id']} is {check['status']}: {check.get('errorMessage') or check.get('description')}"
            for check in self.checks
            if check["status"] not in ("SUCCESS", "INFO")
        ]


@dataclass
class Report:
    label: str
    revision: str
    scenarios: list[Scenario]
    output: str

    def select(self, scored: bool) -> list[Scenario]:
        return [scenario for scenario in self.scenarios if scenario.scored == scored]

    def score(self, scored: bool = True) -> tuple[int, int]:
        chosen = self.select(scored)
        return sum(one.passed for one in chosen), sum(one.total for one in chosen)

    @property
    def good(self) -> bool:
        return bool(self.select(True)) and all(scenario.good for scenario in self.select(True))

    def complaints(self) -> list[str]:
        return [line for scenario in self.select(True) for line in scenario.complaints()]

    def summary(self) -> str:
        passed, total = self.score()
        other, others = self.score(False)
        good = sum(scenario.good for scenario in self.select(True))
        return (
            f"{self.revision} {self.label}: {passed}/{total} scored checks "
            f"({good}/{len(self.select(True))} scenarios), {other} unscored passed of {others}"
        )

    def lines(self) -> list[str]:
        lines = []
        for scenario in self.scenarios:
            mark = "ok  " if scenario.good else ("FAIL" if scenario.scored else "--  ")
            note = "" if scenario.scored else "  (not scored)"
            counted = collections.Counter(check["status"] for check in scenario.checks)
            rest = ", ".join(f"{n} {s.lower()}" for s, n in sorted(counted.items()) if s != "SUCCESS")
            lines.append(f"{mark} {scenario.name}: {scenario.passed}/{scenario.total}{f', {rest}' if rest else ''}{note}")
        return lines


def suite(parts: Path) -> Path:
    return parts / "npm" / "node_modules" / "@modelcontextprotocol" / "conformance"


def requirements(parts: Path, revision: str) -> list[Scenario]:
    wanted = yaml.safe_load((suite(parts) / "requirements" / f"{revision}.yaml").read_text())
    scenarios = [Scenario(name, True) for name in wanted["server"]]
    return scenarios + [Scenario(one["scenario"], False) for one in wanted["not_scored"] if one["leg"] == "server"]


def run(parts: Path, url: str, revision: str, label: str, out: Path, timeout: float = 240) -> Report:
    scenarios = requirements(parts, revision)
    command = [parts / "node" / "bin" / "node", suite(parts) / "dist" / "index.js"]
    command += ["server", "--url", url, "--requirements", revision, "-o", out, "--timeout", "20000"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
        output = done.stdout + done.stderr
    except subprocess.TimeoutExpired as error:
        output = f"the suite did not end within {timeout} s\n{(error.stdout or b'').decode(errors='replace')}"
    by_name = {scenario.name: scenario for scenario in scenarios}
    for folder in sorted(out.glob("server-*")):
        match = STAMP.match(folder.name)
        checks = folder / "checks.json"
        if match and checks.exists() and match[1] in by_name:
            scenario = by_name[match[1]]
            scenario.ran = True
            scenario.checks += json.loads(checks.read_text())
    return Report(label, revision, scenarios, output)


def one(parts: Path, url: str, name: str, out: Path, timeout: float = 60) -> Scenario:
    """Runs one scenario, whatever the requirements say of it."""
    command = [parts / "node" / "bin" / "node", suite(parts) / "dist" / "index.js"]
    command += ["server", "--url", url, "--scenario", name, "-o", out / name, "--timeout", "20000"]
    subprocess.run(command, capture_output=True, timeout=timeout)
    scenario = Scenario(name, False)
    for checks in (out / name).glob("server-*/checks.json"):
        scenario.ran = True
        scenario.checks += json.loads(checks.read_text())
    return scenario


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--requirements", choices=REVISIONS, required=True)
    parser.add_argument("--label", default="direct")
    parser.add_argument("--out", type=Path, help="where the suite writes its results (default: a temporary folder)")
    options = parser.parse_args()
    default = Path(__file__).resolve().parents[2] / ".parts"
    parts = Path(os.environ.get("ARGUS_PARTS", default))
    with tempfile.TemporaryDirectory() as temporary:
        out = options.out or Path(temporary)
        report = run(parts, options.url, options.requirements, options.label, out)
    print("\n".join(report.lines()))
    for line in report.complaints():
        print(f"  {line}")
    print(report.summary())
    return 0 if report.good else 1


if __name__ == "__main__":
    sys.exit(main())
