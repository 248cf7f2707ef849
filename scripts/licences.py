"""Write docs/licences.md: the licence of each installed dependency, as its own metadata states it. Run it after the lock changed.

    .venv/bin/python scripts/licences.py
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "licences.md"
# Whose metadata names no licence (read from the licence file that it comes with), and builds of one package for other systems.
BY_HAND = {
    "axe-playwright-python": "MIT / MPL-2.0",  # it contains axe-core, which is MPL-2.0
    **dict.fromkeys(("tensorflow", "tensorflow-cpu", "tensorflow-cpu-aws", "tensorflow-macos"), "Apache-2.0"),
}
# Words by which a licence is known, the narrower ones first.
_FAMILIES = (
    ("AGPL", r"affero|\bagpl"),
    ("LGPL", r"lesser general public|\blgpl"),
    ("GPL", r"(?<!lesser )general public|\bgpl"),
    ("MPL-2.0", r"mozilla|\bmpl"),
    ("Apache-2.0", r"apache"),
    ("PSF", r"\bpsf|python software foundation"),
    ("ISC", r"\bisc\b"),
    ("MIT", r"\bmit\b"),
    ("BSD", r"\bbsd"),
)
_NOTES = {
    "LGPL": "psycopg2-binary is used as a library that anybody can replace, unchanged: its licence asks for no more.",
    "MPL-2.0": "Files of these packages that are changed would have to be published; none is changed.",
}


def pinned(lock: str) -> list[str]:
    """Return the names that a lock file pins."""
    return sorted({name.lower().replace("_", "-") for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)})


def licence_of(name: str) -> str | None:
    """Return the licence of a package, families joined by ` / `; None if it is not installed here."""
    if name in BY_HAND:
        return BY_HAND[name]
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return None
    said = [found.get("License-Expression") or "", (found.get("License") or "").partition("\n")[0]]
    said += [one for one in found.get_all("Classifier") or () if one.startswith("License ::")]
    text = " ".join(said).lower()
    families = [family for family, words in _FAMILIES if re.search(words, text)]
    return " / ".join(families) or "unknown"


def page(lock: str) -> str:
    """Return docs/licences.md."""
    rows = {name: licence_of(name) for name in pinned(lock)}
    lines = [
        "# Licences of the dependencies", "",
        "Made by `scripts/licences.py` from what each package says of itself. Models and data of others stand in `NOTICE`.", "",
        "| licence | packages |", "| --- | --- |",
    ]  # fmt: skip
    groups: dict[str, list[str]] = {}
    for name, licence in rows.items():
        groups.setdefault(licence or "not installed on this system", []).append(name)
    lines += [f"| {licence} | {', '.join(groups[licence])} |" for licence in sorted(groups)]
    lines += ["", *(f"- **{family}**: {note}" for family, note in sorted(_NOTES.items()))]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page((ROOT / "requirements.lock").read_text(encoding="utf-8")), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
