"""`make setup` does nothing when nothing changed, and says what to do when it cannot go on."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = (
    "sh",
    "dirname",
    "sha256sum",
    "shasum",
    "cat",
    "mkdir",
    "grep",
    "date",
    "tail",
    "cut",
    "sed",
    "df",
    "awk",
    "uname",
)
INPUTS = ("requirements.lock", "pyproject.toml", ".python-version", "scripts/uv.lock")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what set-up reads, and a folder `bin` with the system's small tools and no Python."""
    for name in (*INPUTS, "scripts/setup.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        if found := shutil.which(tool):
            (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def set_up(project: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = {"PATH": str(project / "bin"), "HOME": str(project)}
    command = ["/bin/sh", "scripts/setup.sh"]
    return subprocess.run(
        command, check=False, cwd=project, env={**path, **environment}, text=True, capture_output=True, timeout=60
    )


def pretend_done(project: Path) -> None:
    """Make a `.venv` as set-up leaves it, with the stamp of the present files."""
    binaries = project / ".venv/bin"
    binaries.mkdir(parents=True)
    (binaries / "python").symlink_to(sys.executable)
    (binaries / "milia").write_text("#!/bin/sh\n", encoding="utf-8")
    (binaries / "milia").chmod(0o755)
    tool = "sha256sum" if shutil.which("sha256sum") else "shasum -a 256"
    hashes = subprocess.check_output([*tool.split(), *INPUTS], cwd=project, text=True)
    (project / ".venv/.milia-setup").write_text(f"folder {project.resolve()}\n{hashes}", encoding="utf-8")


def test_nothing_is_done_in_under_a_second_when_nothing_changed(project: Path) -> None:
    pretend_done(project)
    began = time.monotonic()
    done = set_up(project)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert time.monotonic() - began < 1
    assert not (project / "var").exists()


@pytest.mark.parametrize("name", INPUTS)
def test_a_change_of_any_input_sets_up_again(project: Path, name: str) -> None:
    pretend_done(project)
    with (project / name).open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    assert set_up(project).returncode != 0  # it began: there is no Python to go on with


def test_without_python_and_uv_it_says_what_to_install(project: Path) -> None:
    done = set_up(project)
    assert done.returncode == 1
    assert "Python 3.10 is needed" in done.stderr
    assert "install uv" in done.stderr
    assert "MILIA_PYTHON=" in done.stderr
    assert not (project / ".venv").exists()


def test_another_python_is_not_taken(project: Path) -> None:
    other = project / "bin/python3"
    other.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")  # what asking a 3.11 "are you 3.10?" gives
    other.chmod(0o755)
    assert "Python 3.10 is needed" in set_up(project, MILIA_PYTHON=str(other)).stderr


def test_a_failed_step_shows_the_log_and_what_to_do(project: Path) -> None:
    uv = project / "bin/uv"
    uv.write_text(
        "#!/bin/sh\necho 'error: failed: No space left on device (os error 28)' >&2\nexit 2\n", encoding="utf-8"
    )
    uv.chmod(0o755)
    (project / "bin/cc").symlink_to(uv)
    done = set_up(project)
    assert done.returncode == 1
    assert "[1/4] Virtual environment (uv) ... failed" in done.stdout
    assert "var/log/setup.log" in done.stderr
    assert "No space left on device" in done.stderr
    assert "the disk is full: free about 4 GB" in done.stderr
