"""Who may import whom: the pure core knows nothing of Rasa, and nothing imports the actions."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RASA_ADAPTERS = {"action_calls.py", "nlg.py", "rasa_tuning.py", "warm_up.py"}
CORE = sorted(path for path in (ROOT / "milia").glob("*.py") if path.name not in RASA_ADAPTERS)


def imported(path: Path) -> set[str]:
    """Return the modules that a file imports when it is imported itself."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", CORE, ids=lambda path: path.name)
def test_the_core_imports_no_rasa(path):
    names = imported(path)
    assert not {name for name in names if name.split(".")[0] in ("rasa", "rasa_sdk", "tensorflow")}
    if path.name not in ("cli.py",):
        assert not {name for name in names if name.startswith(("milia.nlu", "milia.policies", "milia.evaluation", "actions"))}


def test_actions_import_the_core_only():
    for path in (ROOT / "actions").glob("*.py"):
        assert not {n for n in imported(path) if n.startswith(("milia.nlu", "milia.policies", "milia.evaluation", "rasa."))}
