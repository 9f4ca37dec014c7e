"""The official conformance suite: directly against the fixture, then through the gateway."""

from __future__ import annotations

from typing import Any

import pytest

import conformance
import harness

DIRECT: dict[str, conformance.Report] = {}


def measure(url: str, revision: str, label: str, tmp_path: Any, capsys: Any) -> conformance.Report:
    report = conformance.run(harness.PARTS, url, revision, label, tmp_path, 90 * harness.slow())
    with capsys.disabled():
        print(f"\n{report.summary()}")
        for line in report.lines():
            if not line.startswith("ok"):
                print(f"    {line}")
    return report


def direct(targets: Any, revision: str, tmp_path: Any, capsys: Any) -> conformance.Report:
    if revision not in DIRECT:
        DIRECT[revision] = measure(targets.get("direct").url, revision, "direct", tmp_path / "direct", capsys)
    return DIRECT[revision]


@pytest.mark.parametrize("revision", conformance.REVISIONS)
def test_fixture_scores_every_check_directly(targets: Any, revision: str, tmp_path: Any, capsys: Any) -> None:
    report = direct(targets, revision, tmp_path, capsys)
    assert report.good, "\n".join(report.complaints() or [report.output[-3000:]])


@pytest.mark.parametrize("revision", conformance.REVISIONS)
@pytest.mark.parametrize("behind", ["fixture-http", "fixture-stdio", "fixture-sse"])
def test_gateway_lowers_nothing(targets: Any, behind: str, revision: str, tmp_path: Any, capsys: Any) -> None:
    baseline = direct(targets, revision, tmp_path, capsys)
    if targets.direct:
        pytest.skip("no gateway in a direct run")
    target = targets.get(behind)
    report = measure(target.url, revision, f"gateway over {behind}", tmp_path / "gateway", capsys)
    assert report.good, "\n".join((report.complaints() or [report.output[-3000:]]) + [target.gateway.log()])
    # A check that is merely absent must not pass for one that succeeded. Whether lists come as JSON or SSE is free.
    free = {"server-sse-streams-functional"}
    for before, after in zip(baseline.select(True), report.select(True), strict=True):
        wanted = {check["id"] for check in before.checks if check["status"] == "SUCCESS"} - free
        have = {check["id"] for check in after.checks if check["status"] == "SUCCESS"}
        assert wanted <= have, f"{before.name}: {sorted(wanted - have)} succeed directly, but are absent here"


@pytest.mark.parametrize("behind", ["modern-http", "modern-stdio", "modern-sse"])
def test_legacy_requirements_in_front_of_a_modern_only_server(
    targets: Any, behind: str, tmp_path: Any, capsys: Any
) -> None:
    if targets.direct:
        pytest.skip("the server does not speak this revision")
    target = targets.get(behind)
    report = measure(target.url, "2025-11-25", f"gateway over {behind}", tmp_path / "gateway", capsys)
    assert report.good, "\n".join((report.complaints() or [report.output[-3000:]]) + [target.gateway.log()])
