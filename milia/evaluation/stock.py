"""Rasa's stock pipeline on our data: what `rasa init` writes, with this project's policies, rules, domain and actions.

Its training takes the better part of an hour or more, so the model is kept as `models/stock-<hash>.tar.gz`, by a hash of
all that it is made from, with a JSON file beside it that says how long the training took and on what machine.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from milia import processes
from milia.content import LOADER

DIET_EPOCHS = 100
QUICK_EPOCHS, QUICK_EXAMPLES = 2, 300


def stock_config(config: Mapping[str, Any], epochs: int = DIET_EPOCHS) -> dict[str, Any]:
    """Return the stock configuration with the policies of ours.

    Args:
        config: our `config.yml`.
        epochs: of DIET and of the response selector.
    """
    neural = {"epochs": epochs, "constrain_similarities": True}
    return {
        "recipe": "default.v1",
        "assistant_id": "milia-stock",
        "language": "en",
        "pipeline": [
            {"name": "WhitespaceTokenizer"},
            {"name": "RegexFeaturizer"},
            {"name": "LexicalSyntacticFeaturizer"},
            {"name": "CountVectorsFeaturizer"},
            {"name": "CountVectorsFeaturizer", "analyzer": "char_wb", "min_ngram": 1, "max_ngram": 4},
            {"name": "DIETClassifier", **neural},
            {"name": "EntitySynonymMapper"},
            {"name": "ResponseSelector", **neural},
            {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1},
        ],
        "policies": config["policies"],
    }


@dataclass(frozen=True)
class Trained:
    """A trained model and what its training took.

    Attributes:
        model: the archive.
        seconds: the training's, from the start of its process to its end.
        cpu: name of the processor.
        cores: how many there are.
        quick: trained on a sample, for a few epochs: its figures mean nothing.
    """

    model: Path
    seconds: float
    cpu: str
    cores: int
    quick: bool = False

    def facts(self) -> dict[str, Any]:
        """Return what is kept beside the model."""
        return {"seconds": round(self.seconds, 1), "cpu": self.cpu, "cores": self.cores, "quick": self.quick}


class TrainingError(RuntimeError):
    """A training that gave no model; the message has the last lines of its log."""


def training_hash(data: Sequence[Path], config: Mapping[str, Any]) -> str:
    """Return a digest of the files of some folders or files, by path below them, and of a configuration."""
    digest = hashlib.sha256(json.dumps(config, sort_keys=True).encode())
    for place in data:
        files = sorted(path for path in place.rglob("*.yml")) if place.is_dir() else [place]
        for path in files:
            name = path.relative_to(place.parent).as_posix()
            digest.update(f"{name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:12]


def train_model(root: Path, config: Mapping[str, Any], nlu: Path, out: Path, name: str, quick: bool = False) -> Trained:
    """Train a model in a process of its own and time it.

    Args:
        root: the project folder.
        config: the whole configuration.
        nlu: folder of the training examples.
        out: folder for the model.
        name: the model's file name without ending.
        quick: whether this is a trial on a sample.

    Raises:
        TrainingError: the training failed.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        settings, log = Path(folder) / "config.yml", Path(folder) / "training.log"
        settings.write_text(yaml.safe_dump(dict(config), sort_keys=False), encoding="utf-8")
        command = [sys.executable, "-m", "rasa", "train", "--domain", "domain.yml", "--config", str(settings)]
        command += ["--data", str(nlu), str(root / "data" / "rules"), "--out", folder, "--fixed-model-name", name]
        environment = {**os.environ, **processes.QUIET_ENVIRONMENT, "RASA_MAX_CACHE_SIZE": "0"}
        began = time.monotonic()
        with log.open("w") as file:
            child = subprocess.Popen(
                [*command, "--force"], cwd=root, env=environment, stdout=file, stderr=subprocess.STDOUT
            )
            _wait(child, name, began)
        spent = time.monotonic() - began
        made = Path(folder) / f"{name}.tar.gz"
        if child.returncode or not made.is_file():
            raise TrainingError(f"training {name} failed:\n{processes.tail(log)}")
        shutil.move(str(made), out / made.name)
    return Trained(out / made.name, spent, cpu_name(), os.cpu_count() or 1, quick)


def _wait(child: subprocess.Popen[bytes], name: str, began: float) -> None:
    """Wait for a training, saying every minute that it is still at work; end it when this process is told to end."""
    try:
        while True:
            try:
                child.wait(60)
                return
            except subprocess.TimeoutExpired:
                minutes = (time.monotonic() - began) / 60
                print(f"training {name}: {minutes:.0f} min", file=sys.stderr, flush=True)
    except BaseException:
        child.terminate()
        raise


def stock_model(root: Path, config: Mapping[str, Any], nlu: Path, models: Path, quick: bool = False) -> Trained:
    """Return the stock model of some training examples: the one that is kept, or a new one.

    Args:
        root: the project folder.
        config: our `config.yml`.
        nlu: folder of the training examples.
        models: folder in which it is kept.
        quick: a trial of few epochs.
    """
    stock = stock_config(config, QUICK_EPOCHS if quick else DIET_EPOCHS)
    name = f"stock-{training_hash([nlu, root / 'data' / 'rules', root / 'domain.yml'], stock)}"
    model, beside = models / f"{name}.tar.gz", models / f"{name}.json"
    if model.is_file() and beside.is_file():
        known = json.loads(beside.read_text(encoding="utf-8"))
        return Trained(model, known["seconds"], known["cpu"], known["cores"], known["quick"])
    print(f"Training the stock pipeline as {model.name} ...", file=sys.stderr, flush=True)
    trained = train_model(root, stock, nlu, models, name, quick)
    beside.write_text(json.dumps(trained.facts(), indent=1) + "\n", encoding="utf-8")
    return trained


def cpu_name() -> str:
    """Return the processor's name, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.is_file() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def sample_examples(nlu: Path, out: Path, count: int = QUICK_EXAMPLES, seed: int = 0) -> None:
    """Write a sample of the training examples, at least two of each intent, as one file into a folder."""
    blocks: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for path in sorted(nlu.glob("*.yml")):
        for block in yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER).get("nlu") or ():
            kept = {key: value for key, value in block.items() if key != "examples"}
            lines = [line for line in str(block["examples"]).splitlines() if line.startswith("- ")]
            blocks.setdefault(block["intent"], []).extend((line, kept) for line in lines)
    total = sum(map(len, blocks.values()))
    chooser = random.Random(seed)
    chosen = []
    for examples in blocks.values():
        wanted = max(2, round(count * len(examples) / total))
        chosen += chooser.sample(examples, min(wanted, len(examples)))
    out.mkdir(parents=True, exist_ok=True)
    nodes = [{**block, "examples": line + "\n"} for line, block in chosen]
    text = yaml.safe_dump({"version": "3.1", "nlu": nodes}, allow_unicode=True, width=10_000)
    (out / "sample.yml").write_text(text, encoding="utf-8")
