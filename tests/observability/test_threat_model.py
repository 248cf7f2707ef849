"""The threat model holds: each control has a test that exists, each place is looked at by all six kinds, each package is pinned as said."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from milia.safety_evidence import evidence_fault

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
SECTIONS = {
    part.partition("\n")[0]: re.findall(r"^\| ([A-Z]-\d+) \| ([A-Z]) \| (.+?) \| (.+?) \| (.*?) ?\|$", part, re.MULTILINE)
    for part in PAGE.split("\n## ")[1:]
}
THREATS = [row for rows in SECTIONS.values() for row in rows]
OPEN = PAGE.partition("## Open")[2].partition("\n## ")[0]


def named_tests(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("row", THREATS, ids=lambda row: row[0])
def test_each_threat_has_a_control_whose_test_exists_or_stands_under_open(row: tuple[str, ...]) -> None:
    identifier, _, _, control, cell = row
    named = named_tests(cell)
    assert [fault for one in named if (fault := evidence_fault(f"tests/{one}", ROOT))] == []
    if not named:
        assert "**no control**" in control and re.search(rf"\b{identifier}\b", OPEN), "without a test it is open, and says so there"


def test_each_way_in_and_each_store_is_looked_at_by_all_six_kinds() -> None:
    looked_at = {name: {row[1] for row in rows} for name, rows in SECTIONS.items() if rows}
    assert len(looked_at) >= 8
    assert {name: set("STRIDE") - kinds for name, kinds in looked_at.items() if kinds != set("STRIDE")} == {}


def test_each_row_is_read_and_each_id_is_there_once() -> None:
    ids = [row[0] for row in THREATS]
    assert len(ids) == len(set(ids)) == len(re.findall(r"^\| [A-Z]-\d+ ", PAGE, re.MULTILINE))


def test_a_test_that_was_renamed_is_found_out() -> None:
    assert "has no" in evidence_fault("tests/observability/test_threat_model.py::test_nobody_wrote_this", ROOT)


def test_the_versions_of_the_advisories_are_those_of_the_lock() -> None:
    table = PAGE.partition("| package | known |")[2].partition("\n\n")[0]
    named = re.findall(r"\b([a-z][a-z-]+) (\d+\.\d+(?:\.\d+)?)\b", "\n".join(line.split("|")[1] for line in table.splitlines() if "|" in line))
    assert len(named) >= 11
    pins = {name.lower().replace("_", "-"): version for name, version in re.findall(r"^([A-Za-z0-9._-]+)==([^ ]+)", LOCK, re.MULTILINE)}
    pins |= {"tensorflow": pins["tensorflow-cpu"]}
    # Not in the lock: pip comes with the virtual environment.
    assert {name: version for name, version in named if pins.get(name, version) != version} == {}


def test_the_list_of_licences_is_that_of_the_lock_and_none_binds_this_project() -> None:
    script = runpy.run_path(str(ROOT / "scripts/licences.py"))
    written = (ROOT / "docs/licences.md").read_text(encoding="utf-8")
    assert written == script["page"](LOCK), "run `.venv/bin/python scripts/licences.py`"
    licences = set(re.findall(r"^\| ([^|]+?) \|", written, re.MULTILINE)) - {"licence", "---"}
    for licence in licences:
        assert not re.search(r"\bA?GPL\b|unknown", licence), licence
        assert "LGPL" not in licence or f"| {licence} | psycopg2-binary |" in written
