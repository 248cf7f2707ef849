"""The dashboard and the alerts ask for metrics that exist, with labels and values that these have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY

from milia.channels import platform_delivery, platform_health
from milia.channels.web_problems import CODES
from milia.observability import health, metrics
from milia.sign_catalog import Level

ROOT = Path(__file__).resolve().parents[2]
DASHBOARD, ALERTS, CONFIG = (ROOT / "deploy" / name for name in ("grafana/milia.json", "prometheus/alerts.yml", "prometheus/prometheus.yml"))
# Of Prometheus itself, and of each Python process.
GIVEN = {"up": {"job", "instance"}, "process_resident_memory_bytes": {"job", "instance"}}
ALWAYS = {"job", "instance", "le"}
_SELECTOR = re.compile(r"\b([a-z][a-z0-9_]*)\s*(\{[^}]*\})?")
_MATCHER = re.compile(r"(\w+)\s*(=~|=|!=|!~)\s*\"([^\"]*)\"")
_WORDS = {"sum", "by", "rate", "increase", "max", "min", "topk", "histogram_quantile", "and", "for", "m", "h", "s"}


def known() -> dict[str, set[str]]:
    """Return the names under which each of this project's metrics is exposed, with its labels."""
    assert platform_health is not None
    found: dict[str, set[str]] = dict(GIVEN)
    for collector, names in REGISTRY._collector_to_names.items():
        for name in names:
            if name.startswith("milia_"):
                found[name] = set(getattr(collector, "_labelnames", ()))
    return found


VALUES = {
    ("milia_levels_total", "level"): {level.id for level in Level},
    ("milia_fallbacks_total", "kind"): {
        metrics.UNAVAILABLE, metrics.NOT_UNDERSTOOD, metrics.OTHER_LANGUAGE, metrics.REJECTED, "no_answer", "out_of_scope",
    },
    ("milia_turns_total", "outcome"): {metrics.ANSWERED, metrics.FAILED, metrics.REPEATED, metrics.SILENT},
    ("milia_web_problems_total", "code"): set(CODES),
    ("milia_ready", "part"): set(health.PARTS),
    ("milia_action_seconds_count", "outcome"): {"ok", "failed"},
    ("milia_log_records_total", "level"): {"warning", "error", "critical"},
    ("milia_platform_sent_total", "outcome"): {
        one
        for one in ("sent", "retried", "undeliverable", "expired", "stopped", "misconfigured")
        if f'"{one}"' in Path(platform_delivery.__file__).read_text(encoding="utf-8")
    },
}  # fmt: skip


def panels() -> list[dict[str, Any]]:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for rule in rules():
        yield rule["alert"], rule["expr"]


def faults(expression: str) -> list[str]:
    """Return what an expression asks for that does not exist."""
    names, found = known(), []
    grouped = {label.strip() for part in re.findall(r"\bby \(([^)]*)\)", expression) for label in part.split(",")}
    text = re.sub(r"\bby \([^)]*\)|\[[^\]]*\]", " ", expression)
    asked: set[str] = set()
    for name, selector in _SELECTOR.findall(text):
        if name in _WORDS or re.fullmatch(r"\d+", name):
            continue
        if name not in names:
            found.append(f"unknown metric {name!r}")
            continue
        asked |= names[name] | ALWAYS
        for label, operator, value in _MATCHER.findall(selector):
            if label not in names[name] | ALWAYS:
                found.append(f"{name} has no label {label!r}")
            allowed = VALUES.get((name, label))
            for one in value.split("|") if operator in ("=~", "!~") else [value]:
                if allowed is not None and one not in allowed:
                    found.append(f"{name}: {label} is never {one!r}; known: {', '.join(sorted(allowed))}")
    return found + [f"no metric here has the label {label!r}" for label in sorted(grouped - asked)]


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_each_expression_asks_for_what_exists(where: str, expression: str) -> None:
    assert faults(expression) == []


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("sum(rate(milia_turn_total[5m]))", "unknown metric 'milia_turn_total'"),
        ('milia_ready{piece="store"}', "has no label 'piece'"),
        ('milia_ready{part=~"model|shop"}', "part is never 'shop'"),
        ("sum by (person) (milia_ready)", "no metric here has the label 'person'"),
    ],
)
def test_a_fault_would_be_found(expression: str, fault: str) -> None:
    assert any(fault in one for one in faults(expression))


def test_each_metric_of_the_bot_is_on_the_dashboard() -> None:
    shown = " ".join(target["expr"] for panel in panels() for target in panel["targets"])
    families = {re.sub(r"_(total|bucket|count|sum|created)$", "", name) for name in known() if name.startswith("milia_")}
    assert {family for family in families if family not in shown} == set()


def test_panels_have_titles_ids_and_places_of_their_own() -> None:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    ids = [panel["id"] for panel in board["panels"]]
    titles = [panel["title"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids) and len(set(titles)) == len(titles)
    cells = [
        (x, y)
        for panel in board["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(cells)) == len(cells), "panels lie over each other"
    assert max(x for x, _ in cells) < 24


def test_each_alert_says_what_people_notice_and_is_explained() -> None:
    page = (ROOT / "docs/operating.md").read_text(encoding="utf-8")
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "warn"), rule["alert"]
        assert all(rule["annotations"].get(name) for name in ("summary", "description")), rule["alert"]
        assert f"`{rule['alert']}`" in page, f"{rule['alert']} is not in docs/operating.md"


def test_prometheus_reads_the_alerts_and_shows_the_key() -> None:
    config = yaml.safe_load(CONFIG.read_text(encoding="utf-8"))
    assert config["rule_files"] == [ALERTS.name]
    for job in config["scrape_configs"]:
        assert job["job_name"] in ("milia-rasa", "milia-actions")
        assert job["authorization"] == {"credentials_file": "milia_metrics_key"}
