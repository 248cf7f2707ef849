"""The benchmark's arithmetic, and how the stock pipeline is put together."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from milia.evaluation import bench, stock
from milia.evaluation.bench import OURS, STOCK, Row
from milia.evaluation.overlap import training_examples
from milia.evaluation.stock import Trained
from milia.reading import Reading

ROOT = Path(__file__).parents[1]
CONFIG = yaml.safe_load((ROOT / "config.yml").read_text())


def test_percentile() -> None:
    """Nearest rank."""
    assert bench.percentile(range(1, 101), 50) == 50
    assert bench.percentile(range(1, 101), 99) == 99
    assert bench.percentile([3.0, 1.0, 2.0], 99) == 3.0
    assert bench.percentile([7.0], 50) == 7.0
    with pytest.raises(ValueError, match="no values"):
        bench.percentile([], 50)


def test_a_row_compares() -> None:
    """The ratio is ours over the stock's; without a bound there is nothing to reach."""
    assert Row("p50", 6, 10, 0.6).reached
    assert not Row("p50", 7, 10, 0.6).reached
    assert Row("p99", 7, 10).reached is None
    assert math.isnan(Row("errors", 1, 0, 0.3).ratio)
    table = bench.bench_table([Row("p50", 7, 10, 0.6), Row("p99", 7, 10), Row("errors", 1, 0)])
    assert "| p50 | 7.0 | 10.0 | 0.70 | ratio at most 0.6 | **missed** |" in table
    assert "| p99 | 7.0 | 10.0 | 0.70 |  |  |" in table
    assert "| errors | 1.0 | 0.0 | - |  |  |" in table


def message(topics: list[str], asked: list[str]) -> dict[str, Any]:
    """Return a message as a worker writes it."""
    return {"text": "secret", "asked": asked, "topics": topics, "level": "provider_routine", "asked_which": False}


@pytest.fixture
def found() -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Measurements of both models: the stock one twice as slow, and worse."""

    def measured(factor: float, topics: list[list[str]]) -> dict[str, list[dict[str, Any]]]:
        starts = [
            {"started_at": 0.0, "answered_at": at * factor, "memory_mb": 500.0 * factor} for at in (4.0, 9.0, 5.0)
        ]
        asked = [["duration"], ["causes"], ["no_answer"]]
        return {
            "start": starts,
            "speed": [{"ms": [factor * value for value in range(1, 51)]}, {"ms": [factor * v for v in range(51, 101)]}],
            "long": [{"ms": [[factor * turn for turn in range(1, 101)]]}],
            "profile": [{"total_ms": 10.0 * factor, "parts_ms": {"Encoder": 2.0, "Classifier": 5.0}}],
            "score": [{"messages": [message(t, a) for t, a in zip(topics, asked, strict=True)], "left_out": 0}],
        }

    return {
        OURS: measured(1.0, [["duration"], ["causes"], ["no_answer"]]),
        STOCK: measured(2.0, [["duration"], ["types"], ["causes"]]),
    }


@pytest.fixture
def models(tmp_path: Path) -> dict[str, Trained]:
    """Both models, as files."""
    paths = {name: tmp_path / f"{name}.tar.gz" for name in (OURS, STOCK)}
    for path in paths.values():
        path.write_bytes(b"x" * 1000)
    return {OURS: Trained(paths[OURS], 30, "cpu", 2), STOCK: Trained(paths[STOCK], 600, "cpu", 2)}


def test_speed_figures(found: dict[str, dict[str, list[dict[str, Any]]]]) -> None:
    """Medians of the starts, all rounds together for the messages."""
    assert bench.speed_figures(found[OURS]) == {
        "start_s": 5.0,
        "memory_mb": 500.0,
        "p50_ms": 50.0,
        "p99_ms": 99.0,
        "turn_2_ms": 2.0,
        "turn_100_ms": 98.0,
    }


def test_rows_and_report(found: dict[str, dict[str, list[dict[str, Any]]]], models: dict[str, Trained]) -> None:
    """The table has every figure; the results hold no message's text; a trial says that it is one."""
    sizes = {OURS: 1000, STOCK: 2000}
    made = bench.rows(models, sizes, found)
    by_name = {row.name: row for row in made}
    assert by_name["held-out: errors (right, strict)"].stock == 2
    assert by_name["held-out: errors (right, strict)"].reached
    assert by_name["training, s"].ratio == 0.05
    assert by_name["a message, p50, ms"].ratio == 0.5
    assert by_name["model, MB"].ratio == 0.5
    origin = {"commit": {"id": "abc", "dirty": False}, "at": "now", "cpu": "cpu", "cores": 2, "quick": True, "examples": 300}
    data = bench.results(origin, models, sizes, found, made)
    assert data["only_right"] == (2, 0)
    assert "secret" not in json.dumps(data)
    text = bench.report(data, made)
    assert "**QUICK: a trial" in text
    assert "| Classifier | 5.00 | 50% |" in text
    assert "QUICK" not in bench.report({**data, "quick": False}, made)
    assert "same sample of 300" in bench.report({**data, "quick": False}, made)
    assert "same sample" not in bench.report({**data, "examples": None}, made)


def test_profile_rows() -> None:
    """From the slowest part on, and what is left over last."""
    shown = bench.profile_rows({"total_ms": 10.0, "parts_ms": {"a": 1.0, "b": 4.0}})
    assert [(name, ms) for name, ms, _ in shown[:2]] == [("b", 4.0), ("a", 1.0)]
    assert shown[-1][1:] == (5.0, 0.5)


def test_the_stock_pipeline_has_our_policies_and_none_of_our_components() -> None:
    """What `rasa init` writes for the NLU, what config.yml says for the policies."""
    made = stock.stock_config(CONFIG)
    assert made["policies"] == CONFIG["policies"]
    assert not any("milia" in one["name"] for one in made["pipeline"])
    assert [one["epochs"] for one in made["pipeline"] if "epochs" in one] == [100, 100]
    assert [one["epochs"] for one in stock.stock_config(CONFIG, 2)["pipeline"] if "epochs" in one] == [2, 2]


def test_the_hash_follows_data_and_configuration(tmp_path: Path) -> None:
    """Another sentence, another name or another setting is another model; the folder's place is not."""
    for place in ("a", "b"):
        (tmp_path / place / "nlu").mkdir(parents=True)
        (tmp_path / place / "nlu" / "greet.yml").write_text("nlu: []\n")
    first = stock.training_hash([tmp_path / "a" / "nlu"], {"x": 1})
    assert first == stock.training_hash([tmp_path / "b" / "nlu"], {"x": 1})
    assert first != stock.training_hash([tmp_path / "a" / "nlu"], {"x": 2})
    (tmp_path / "b" / "nlu" / "greet.yml").write_text("nlu: [1]\n")
    assert first != stock.training_hash([tmp_path / "b" / "nlu"], {"x": 1})


def test_a_kept_stock_model_is_not_trained_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its training time and machine come from the file beside it."""
    calls = []

    def train(root: Path, config: Any, nlu: Path, out: Path, name: str, quick: bool = False) -> Trained:
        calls.append(name)
        (out / f"{name}.tar.gz").write_bytes(b"model")
        return Trained(out / f"{name}.tar.gz", 1234.0, "some cpu", 2, quick)

    monkeypatch.setattr(stock, "train_model", train)
    nlu = ROOT / "data" / "nlu"
    first = stock.stock_model(ROOT, CONFIG, nlu, tmp_path)
    assert stock.stock_model(ROOT, CONFIG, nlu, tmp_path) == first
    assert len(calls) == 1
    assert first.model.name.startswith("stock-")


def test_the_sample_has_every_intent(tmp_path: Path) -> None:
    """At least two examples of each, their other labels kept, the same ones each time."""
    stock.sample_examples(ROOT / "data" / "nlu", tmp_path / "a", count=150)
    stock.sample_examples(ROOT / "data" / "nlu", tmp_path / "b", count=150)
    assert (tmp_path / "a" / "sample.yml").read_text() == (tmp_path / "b" / "sample.yml").read_text()
    sample, everything = (list(training_examples(path)) for path in (tmp_path / "a", ROOT / "data" / "nlu"))
    assert {one.intent for one in sample} == {one.intent for one in everything}
    assert {one.text for one in sample} <= {one.text for one in everything}
    assert 120 < len(sample) < 300
    assert "also" in (tmp_path / "a" / "sample.yml").read_text()


def test_a_parse_of_the_stock_pipeline_is_read_by_its_intent() -> None:
    """The benchmark's bot answers with the same action: one intent, its labels; nothing when it fell back."""

    def labels(intent: str) -> tuple[str, ...]:
        parse = {"text": "how to get rid of it", "intent": {"name": intent, "confidence": 0.9}}
        return Reading.from_parse(parse, ()).labels

    assert labels("ask_treatment") == ("treatment_home", "treatment_professional")
    assert labels("describe_bumps") == ("triage",)
    assert labels("nlu_fallback") == ()
    assert (
        Reading.from_parse({"text": "x", "intent": {"name": "ask_types"}, "understanding": {"labels": []}}, ()).labels
        == ()
    )
