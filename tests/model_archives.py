"""Model archives made of a trained one: whole and loadable, in seconds."""

from __future__ import annotations

import json
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def repacked(archive: Path, made: Path, change: Callable[[Path], None]) -> Path:
    """Unpack an archive, change its files, and pack it under another name; returns that."""
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(archive) as packed:
            packed.extractall(scratch)
        change(Path(scratch))
        # Little compression: it is read once or twice.
        with tarfile.open(made, "w:gz", compresslevel=1) as packed:
            packed.add(scratch, arcname="")
    return made


def set_component(folder: Path, name: str, **settings: Any) -> None:
    """Change settings of a component in the graph that the model answers with."""
    path = folder / "metadata.json"
    metadata = json.loads(path.read_text(encoding="utf-8"))
    nodes = [
        node for key, node in metadata["predict_schema"]["nodes"].items() if key.startswith("run_") and node["uses"].endswith(name)
    ]
    assert nodes, f"no component {name} in {path}"
    for node in nodes:
        node["config"].update(settings)
    path.write_text(json.dumps(metadata), encoding="utf-8")


def that_understands_nothing(archive: Path, made: Path) -> Path:
    """Make a model that is never sure enough: the same one with another threshold."""
    return repacked(archive, made, lambda folder: set_component(folder, "TopicClassifier", unsure_below=1.1))
