"""The cluster, started once for all tests that need it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster_servers import Cluster
from local_services import require

REPORT = Path(__file__).resolve().parents[2] / "results/cluster/report.json"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    require("redis-server", "rabbitmq-server", "epmd", "nginx")
    running = Cluster()
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def report(pytestconfig: pytest.Config) -> Callable[..., None]:
    """Keeps figures in results/cluster/report.json, and prints them."""
    figures: dict[str, Any] = {}

    def add(name: str, **values: Any) -> None:
        figures[name] = values
        REPORT.parent.mkdir(parents=True, exist_ok=True)
        REPORT.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
        reporter = pytestconfig.pluginmanager.getplugin("terminalreporter")
        reporter.write_line(f"\n{name}: {json.dumps(values)}")

    return add
