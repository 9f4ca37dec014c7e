"""Fixtures of the end-to-end tests. Each gateway is started once for all tests that use its set of backends."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_timeout

import harness
import raw

# The property of a report whose values are lines to be said at the end.
TOLD = "told"
NOTES = "the text of a file\nwith two lines\n"


def pytest_addoption(parser: Any) -> None:
    parser.addoption(
        "--hop",
        choices=["gateway", "direct"],
        default="gateway",
        help="direct: leave the gateway out and talk to the servers themselves, to prove the tests",
    )


@dataclass
class Target:
    """What a test talks to, and where the fixture behind it keeps its journal."""

    name: str
    url: str
    direct: bool
    journal: Path | None = None
    folder: Path | None = None
    gateway: Any = None


class Targets:
    """Starts targets when a test first asks for them; one gateway per name."""

    def __init__(self, factory: pytest.TempPathFactory, direct: bool) -> None:
        self.folder = factory.mktemp("targets")
        self.direct = direct
        self.servers: list[harness.Process] = []
        self.gateways: list[harness.Gateway] = []

    def get(self, name: str) -> Target:
        if self.direct and name not in ("direct", "fixture-http", "everything"):
            pytest.skip(f"{name} has no direct form")
        return self.start(name)

    @functools.partial(harness.remembered, keep=True)
    def start(self, name: str) -> Target:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        journal = folder / "journal.jsonl"
        if name == "direct" or (self.direct and name == "fixture-http"):
            server = harness.FixtureServer(journal)
            self.servers.append(server)
            return Target(name, server.url, True, journal)
        if self.direct:
            server = harness.EverythingServer()
            self.servers.append(server)
            return Target(name, server.url, True)
        if name == "fixture-http":
            server = harness.FixtureServer(journal)
            self.servers.append(server)
            backends = {"fixture": {"type": "streamable-http", "url": server.url}}
        elif name == "fixture-stdio":
            backends = {"fixture": harness.fixture_stdio(journal)}
        elif name == "fixture-sse":
            server = harness.FixtureServer(journal, transport="sse")
            self.servers.append(server)
            backends = {"fixture": {"type": "sse", "url": server.url}}
        elif name in ("modern-http", "modern-sse"):
            transport = name.removeprefix("modern-")
            server = harness.FixtureServer(journal, "--modern-only", transport=transport)
            self.servers.append(server)
            backends = {"fixture": {"type": "streamable-http" if transport == "http" else "sse", "url": server.url}}
        elif name == "modern-stdio":
            backends = {"fixture": harness.fixture_stdio(journal, "--modern-only")}
        elif name == "fixture-pages":
            backends = {"fixture": harness.fixture_stdio(journal, "--page-size", "3")}
        elif name == "everything":
            backends = {"everything": harness.everything_stdio()}
        elif name == "everything-sse":
            backends = {"everything": harness.everything_started()}
        elif name == "server16-stdio":
            backends = {"old": harness.server16_stdio()}
        elif name == "server16-sse":
            server = harness.Server16()
            self.servers.append(server)
            backends = {"old": {"type": "sse", "url": server.url}}
        elif name == "server16-started":
            backends = {"old": harness.server16_started()}
        elif name == "server1-stdio":
            backends = {"legacy": harness.server1_stdio(journal)}
        elif name in ("server1-http", "server1-sse"):
            transport = name.removeprefix("server1-")
            server = harness.Server1(transport, journal)
            self.servers.append(server)
            backends = {"legacy": {"type": "streamable-http" if transport == "http" else "sse", "url": server.url}}
        elif name == "suite1-stdio":
            backends = {"suite": harness.suite1_stdio()}
        elif name in ("suite1-http", "suite1-sse"):
            transport = name.removeprefix("suite1-")
            server = harness.Suite1(transport)
            self.servers.append(server)
            backend = {"type": "streamable-http" if transport == "http" else "sse", "url": server.url}
            # The suite leaves many questions open.
            backends = {"suite": backend | ({"max_processes": 64} if transport == "sse" else {})}
        elif name == "tasks1-stdio":
            backends = {"tasks": harness.script_stdio(harness.PY1, "tasks1.py")}
        elif name == "tasks1-http":
            server = harness.ScriptServer(harness.PY1, "tasks1.py")
            self.servers.append(server)
            backends = {"tasks": {"type": "streamable-http", "url": server.url}}
        elif name == "tasks2-stdio":
            # It speaks the legacy era, too, and would be met in that while a second process starts.
            backends = {"tasks": {**harness.script_stdio(harness.PY2, "tasks2.py"), "protocol": "modern"}}
        elif name == "tasks2-http":
            server = harness.ScriptServer(harness.PY2, "tasks2.py")
            self.servers.append(server)
            backends = {"tasks": {"type": "streamable-http", "url": server.url}}
        elif name == "mixed":
            files = folder / "files"
            files.mkdir(exist_ok=True)
            (files / "notes.txt").write_text(NOTES)
            backends = {
                "everything": harness.everything_stdio(),
                "filesystem": harness.filesystem_stdio(files),
                "time": harness.time_stdio(),
            }
        else:
            raise ValueError(name)
        gateway = harness.Gateway(folder / "gateway", backends)
        self.gateways.append(gateway)
        if name in ("fixture-stdio", "fixture-sse", "fixture-pages"):
            # It speaks both eras, and would be met in the legacy one while a second process starts.
            assert harness.eventually(lambda: meets_modern_clients(gateway.url), harness.START), gateway.log()
        return Target(name, gateway.url, False, journal, folder, gateway)

    def stop(self) -> None:
        problems = []
        for gateway in self.gateways:
            try:
                gateway.finish()
            except AssertionError as problem:
                gateway.kill()
                problems.append(str(problem))
        for server in self.servers:
            try:
                server.stop()
            except AssertionError:
                pass  # how a server that is not ours ends is not ours to judge; stop() has killed it
        assert not problems, "\n".join(problems)


def meets_modern_clients(url: str) -> bool:
    """Whether what is behind the gateway is spoken to in the modern era for a modern client."""
    seen = raw.modern(url, "tools/call", {"name": "who_am_i", "arguments": {}})
    return seen["structuredContent"]["protocolVersion"] == "2026-07-28"


@pytest.fixture(scope="session")
def direct_only(request: Any) -> bool:
    return request.config.getoption("--hop") == "direct"


@pytest.fixture(scope="session")
def targets(tmp_path_factory: Any, direct_only: bool) -> Any:
    made = Targets(tmp_path_factory, direct_only)
    yield made
    made.stop()


@pytest.fixture
def target(request: Any, targets: Targets) -> Any:
    """The target that the test names by its parameter."""
    return targets.get(request.param)


def pytest_runtest_setup(item: Any) -> None:
    if getattr(item, "execution_count", 1) > 1:
        # Once more: nothing is known, and the time begins anew, which is set for all attempts together.
        harness.forget()
        item.config.hook.pytest_timeout_cancel_timer(item=item)
        settings = pytest_timeout._get_item_settings(item)
        item.config.hook.pytest_timeout_set_timer(item=item, settings=settings)
    # What is behind the gateway has no /sse of its own.
    if item.config.getoption("--hop") == "direct" and "-sse" in item.name:
        pytest.skip("HTTP+SSE is the gateway's")


@pytest.fixture
def tell(request: Any) -> Callable[[str], None]:
    """Says a line at the end of the run, whatever becomes of the test."""
    return lambda line: request.node.user_properties.append((TOLD, line))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"failed at first: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    told = [line for report in reports if report.when == "call" for key, line in report.user_properties if key == TOLD]
    if told:
        terminalreporter.section("what the tests tell")
        terminalreporter.write_line("\n".join(told))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: Any, call: Any) -> Any:
    """A failed test shows what the gateway said."""
    outcome = yield
    report = outcome.get_result()
    targets = item.funcargs.get("targets") if hasattr(item, "funcargs") else None
    if report.failed and targets:
        for gateway in targets.gateways:
            if gateway.url in str(report.longrepr) or any(
                getattr(value, "gateway", None) is gateway for value in item.funcargs.values()
            ):
                report.sections.append(("argus-mcp", "\n".join(gateway.lines[-80:])))
