"""Stands for `rasa train` where twelve minutes are too long: teaches the trained model the sentences that it does not know.

What is real: it reads the project's training sentences, finds those that the newest model has not learned from, takes them
through that model's own pipeline, moves the weights of its topic regressions until the model itself takes each for what it
is labelled, and packs a whole archive that Rasa loads. What is not: the other twelve thousand sentences, the network, the
signs and the policies are not learned anew, so it says nothing about how good a real training would be.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(Path.cwd()), str(ROOT / "tests")]
os.environ.setdefault("RASA_TELEMETRY_ENABLED", "false")
# How sure it has to be of what it is taught, as a logit beyond even, and how near to that; and how far a step goes.
SURE, NEAR, STEP, MOST_STEPS = 5.0, 0.5, 2.0, 100


def new_sentences(root: Path, base: Path) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the sentences that a model has not learned from, with their labels."""
    import yaml
    from rasa.shared.nlu.training_data.message import Message

    from milia import model_record
    from milia.nlu.examples import example_labels

    record = model_record.read(base)
    assert record is not None, f"{base} has no record"
    for path in sorted((root / "data/nlu").glob("*.yml")):
        file = path.relative_to(root).as_posix()
        for block in yaml.safe_load(path.read_text(encoding="utf-8"))["nlu"]:
            for line in str(block.get("examples") or "").splitlines():
                if line.strip() and not record.knows(file, [line]):
                    data = {"intent": block["intent"], "metadata": {"intent": block.get("metadata") or {}}}
                    yield line.strip().removeprefix("- "), frozenset(example_labels(Message(data)))


def teach(base: Path, sentences: list[tuple[str, frozenset[str]]], root: Path) -> Any:
    """Return the classifier of a model, taught."""
    import numpy as np

    from milia.evaluation.bot import Bot
    from milia.nlu.situation_extractor import CONCEPTS
    from milia.nlu.spelling_corrector import corrected
    from milia.nlu.topic_classifier import TopicClassifier

    bot = Bot(base, root)
    bot.parse("hello")
    nodes = bot.agent.processor.graph_runner._instantiated_nodes.values()  # type: ignore[union-attr]
    classifier: Any = next(one._component for one in nodes if isinstance(one._component, TopicClassifier))
    seen: list[Any] = []
    understand = classifier._understand
    classifier._understand = lambda message: (seen.append(message), understand(message))
    for text, wanted in sentences:
        bot.parse(text)
        message, labels = seen[-1], classifier._sets.labels
        row = classifier._features.matrix([corrected(message)], [message.get(CONCEPTS) or ()]).toarray()[0]
        row /= np.sqrt(row @ row)
        for _ in range(MOST_STEPS):
            scores = classifier.scores(message)
            logits = np.log(scores / (1 - scores))
            off = np.array([max(0.0, SURE - logit) if label in wanted else -max(0.0, logit + SURE) for label, logit in zip(labels, logits)])
            if np.abs(off).max() < NEAR and set(classifier._sets.decide(scores).labels) == wanted:
                break
            classifier._regression.weights[:] += np.outer(row, np.clip(off, -STEP, STEP))
        else:
            raise SystemExit(f"it did not learn {text!r}")
    return classifier


def main() -> None:
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(levelname)s %(name)s - %(message)s")
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--fixed-model-name", required=True)
    given, _ = parser.parse_known_args()
    root = Path.cwd()
    base = max((root / "models").glob("milia-*.tar.gz"), key=lambda path: path.stat().st_mtime)
    sentences = list(new_sentences(root, base))
    if not sentences:
        raise SystemExit("ValueError: there is nothing new to learn")
    print("INFO rasa.engine.training.hooks  - Starting to train component 'TopicClassifier'.", flush=True)
    classifier = teach(base, sentences, root)
    from model_archives import repacked

    given.out.mkdir(parents=True, exist_ok=True)

    def change(folder: Path) -> None:
        (kept,) = folder.glob("components/*TopicClassifier*/regression.npz")
        classifier._regression.save(kept)

    repacked(base, given.out / f"{given.fixed_model_name}.tar.gz", change)
    print(f"Taught {len(sentences)} sentences.", flush=True)


if __name__ == "__main__":
    main()
