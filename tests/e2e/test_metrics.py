"""What Prometheus makes of /metrics: its checker has nothing to say, and its server reads it."""

from __future__ import annotations

import json
import re
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import harness

TOKEN = "b6f5d1c44b0a4f0f9e3a"


@pytest.fixture
def gateway(tmp_path: Path, direct_only: bool) -> Any:
    if direct_only:
        pytest.skip("no gateway in a direct run")
    management = {"management": {"token": TOKEN}}
    one = harness.Gateway(tmp_path / "gateway", {"fixture": harness.fixture_stdio()}, server=management)
    call = {"do": "call", "name": "test_simple_text"}
    harness.observe("py2-legacy", one.url, {"steps": [call, {"do": "call", "name": "test_error_handling"}]})
    yield one
    one.finish()


def fetch(url: str, **headers: str) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return answer.read().decode()


def test_promtool_is_content(gateway: Any) -> None:
    url = f"{gateway.url.removesuffix('/mcp')}/metrics"
    page = fetch(url, Authorization=f"Bearer {TOKEN}", Accept="text/plain;version=0.0.4")
    assert 'argus_calls_total{backend="fixture",method="tools/call",outcome="ok"}' in page
    checked = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, text=True, timeout=30)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


class Prometheus(harness.Process):
    """A server that reads one page every two seconds."""

    def __init__(self, folder: Path, target: str) -> None:
        folder.mkdir()
        scraped = {
            "job_name": "argus",
            "scrape_interval": "2s",
            "scrape_timeout": "2s",
            "authorization": {"credentials": TOKEN},
            "static_configs": [{"targets": [target]}],
        }
        config = folder / "prometheus.json"  # JSON is YAML
        config.write_text(json.dumps({"scrape_configs": [scraped]}))
        command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
        address = f"127.0.0.1:{harness.free_port()}"
        self.url = f"http://{address}"
        super().__init__("prometheus", [*command, f"--web.listen-address={address}"])
        try:
            self.wait_for(re.compile("Server is ready"), 30)
        except AssertionError:
            self.kill()
            raise

    def ask(self, path: str, **parameters: str) -> Any:
        return json.loads(fetch(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"))["data"]

    def number(self, query: str) -> float | None:
        result = self.ask("query", query=query)["result"]
        return float(result[0]["value"][1]) if len(result) == 1 else None


def test_a_prometheus_server_reads_it(gateway: Any, tmp_path: Path) -> None:
    host = urllib.parse.urlsplit(gateway.url).netloc
    server = Prometheus(tmp_path / "prometheus", host)
    try:
        up = harness.eventually(lambda: server.number('up{job="argus"}') == 1, 20)
        assert up, f"{server.ask('targets')}\n{server.log()}"
        outcome = 'argus_calls_total{{backend="fixture",method="tools/call",outcome="{}"}}'
        assert (server.number(outcome.format("ok")), server.number(outcome.format("tool_error"))) == (1, 1)
        assert server.number("argus_backend_up") == 1
        assert server.number('argus_build_info{version=~".+"}') == 1
        resident = server.number("process_resident_memory_bytes")
        assert resident is not None and 1e6 < resident < 1e9
        waited = 'histogram_quantile(0.5, sum by (le) (argus_call_duration_seconds_bucket{outcome="ok"}))'
        median = server.number(waited)
        assert median is not None and 0 < median < 10
        kinds = {entry["metric"]: entry["type"] for entry in server.ask("targets/metadata")}
        assert kinds["argus_call_duration_seconds"] == "histogram" and kinds["argus_sessions"] == "gauge"
        # Without its suffix in OpenMetrics, which this server asks for.
        assert kinds["argus_calls"] == "counter"
    finally:
        server.stop(20)
