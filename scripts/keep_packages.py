"""List the installed packages that a server of the bot does not need, and remove them: for images (deploy/Dockerfile).

    .venv/bin/python scripts/keep_packages.py rasa|actions [--remove]

All of requirements.lock was installed and checked against its hashes before; nothing is downloaded here.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
# Not as requirements of a package, so they are named: what the action server imports, and what any environment has.
_ACTIONS = ("rasa-sdk", "spacy", "prometheus-client", "structlog", "pyyaml", "setuptools")
_ALWAYS = ("milia", "pip", "setuptools")


def canonical(name: str) -> str:
    """Return a package's name as all write it alike."""
    return re.sub(r"[-_.]+", "-", name).lower()


def needed(roots: Iterable[str]) -> set[str]:
    """Return the packages, and all that these require on this machine."""
    found: set[str] = set()
    waiting = [Requirement(root) for root in roots]
    while waiting:
        requirement = waiting.pop()
        name = canonical(requirement.name)
        key = f"{name}[{','.join(sorted(requirement.extras))}]"
        if key in found:
            continue
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found |= {key, name}
        for text in distribution.requires or ():
            one = Requirement(text)
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in ("", *requirement.extras)):
                waiting.append(one)
    return {name for name in found if "[" not in name}


def kept(server: str) -> set[str]:
    """Return the packages that a server needs."""
    roots = ["milia[tracing]"] if server == "rasa" else [*_ACTIONS, "opentelemetry-sdk", "opentelemetry-exporter-otlp-proto-http"]
    return needed(roots) | set(_ALWAYS)


def unneeded(server: str) -> list[str]:
    """Return the names of the other packages that are installed."""
    installed = {canonical(one.metadata["Name"]) for one in metadata.distributions()}
    return sorted(installed - kept(server))


def main() -> int:
    """List, and remove if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("server", choices=("rasa", "actions"))
    parser.add_argument("--remove", action="store_true")
    arguments = parser.parse_args()
    names = unneeded(arguments.server)
    print("\n".join(names))
    if arguments.remove:
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "pip", "uninstall", "--python", sys.executable, *names], check=True, cwd=ROOT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
