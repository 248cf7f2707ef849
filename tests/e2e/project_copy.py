"""A copy of this project that a test may change: its own files, models and git checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from milia import training

ROOT = Path(__file__).resolve().parents[2]
_FOLDERS = ("milia", "actions", "data", "tests/dialogs", "tests/heldout", "web/console/dist", "web/widget/dist")
_FILES = ("config.yml", "domain.yml", "endpoints.yml", "credentials.yml", "requirements.lock", "pyproject.toml", ".gitignore")


def copy_project(folder: Path) -> Path:
    """Copy what runs, with the model of the present files; returns the folder.

    Raises:
        FileNotFoundError: There is no such model.
    """
    for name in _FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        shutil.copy(ROOT / name, folder / name)
    (folder / "models").mkdir()
    shutil.copy(training.model_path(ROOT), folder / "models")
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    me = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q", "-b", "main"], ["add", "."], [*me, "commit", "-q", "-m", "start"]):
        subprocess.run(["git", *command], cwd=folder, check=True, env=clean)
    return folder
