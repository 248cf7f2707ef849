"""Whether the safety case holds: ratings by the matrix, owners, and evidence that exists.

The two rules that make a hazard log worth reading: a risk is what the matrix gives for severity and likelihood, and a
control counts only with a test that is there and is not skipped.
"""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import yaml

from milia.content import LOADER
from milia.safety_case import READINGS, STATUSES, UNDESIRABLE, Hazard, SafetyCase


def find_faults(case: SafetyCase, root: Path, signs: Iterable[str]) -> list[str]:
    """Return what is wrong with the case, one sentence each: ratings, owners, evidence and places that do not exist.

    Args:
        case: The safety case.
        root: The project folder, in which the evidence is looked up.
        signs: Ids of all warning signs, which clinical questions may name.
    """
    faults = [f"{twice!r} is there twice" for twice in _twice(_ids(case))]
    for hazard in case.hazards:
        faults += [f"{hazard.id}: {fault}" for fault in _hazard_faults(hazard, case, root)]
    known = set(signs)
    for question in case.questions:
        if question.reading not in READINGS:
            faults.append(f"{question.id}: unknown reading {question.reading!r}; allowed: {', '.join(READINGS)}")
        for place in question.seen_in:
            if place not in known and not (root / place).is_file():
                faults.append(f"{question.id}: {place!r} is neither a warning sign nor a file of the project")
    return faults


def evidence_fault(reference: str, root: Path) -> str:
    """Return why a piece of evidence is none, or an empty text.

    Args:
        reference: `tests/test_x.py::test_name`, `tests/dialogs/x.yml::Name of a dialog` (also the held-out dialogs and
            `behaviour.yml`), or `tests/heldout/x.jsonl::label` for the sentences with a sign or label.
        root: The project folder.
    """
    file, _, name = reference.partition("::")
    path = root / file
    if not path.is_file():
        return f"{reference!r}: there is no file {file!r}"
    if not name:
        return f"{reference!r}: names no test; write {file}::name"
    reader = _READERS.get(path.suffix)
    if reader is None:
        return f"{reference!r}: a {path.suffix!r} file is no evidence; known: {', '.join(_READERS)}"
    there = reader(path)
    if name not in there:
        return f"{reference!r}: {file} has no {name!r}"
    return f"{reference!r}: is skipped, so it proves nothing" if there[name] else ""


def passes_or_fails(reference: str) -> bool:
    """Tell whether the evidence fails a build; a held-out suite is only measured (`milia eval`)."""
    return not reference.startswith("tests/heldout/")


def _ids(case: SafetyCase) -> Iterator[str]:
    for records in (case.hazards, case.questions, case.sign_offs):
        yield from (record.id for record in records)


def _twice(ids: Iterable[str]) -> list[str]:
    return [one for one, count in Counter(ids).items() if count > 1]


def _hazard_faults(hazard: Hazard, case: SafetyCase, root: Path) -> Iterator[str]:
    for name, rating in (("before", hazard.before), ("after", hazard.after)):
        right = case.matrix[rating.likelihood][rating.severity]
        if rating.risk != right:
            yield f"{name}: risk {rating.risk}, but the matrix gives {right}"
    if hazard.after.severity > hazard.before.severity or hazard.after.likelihood > hazard.before.likelihood:
        yield "after: a control made it worse"
    if hazard.owner not in case.owners:
        yield f"unknown owner {hazard.owner!r}; known: {', '.join(case.owners)}"
    if hazard.status not in STATUSES:
        yield f"unknown status {hazard.status!r}; allowed: {', '.join(STATUSES)}"
    if hazard.status == "controlled" and hazard.after.risk >= UNDESIRABLE:
        yield f"status 'controlled' with a residual risk of {hazard.after.risk}; it is open until somebody accepts it"
    if (hazard.status == "accepted") != bool(hazard.accepted_by):
        yield "'accepted' needs accepted_by: a name, a role and a date; and nothing else has it"
    evidence = [one for control in hazard.controls for one in control.proved_by]
    for control in hazard.controls:
        if not control.proved_by:
            yield f"no test proves the control {control.text!r}; until there is one it is an open point"
    if not any(map(passes_or_fails, evidence)):
        yield "no control is proved by a test that can fail a build"
    yield from (fault for one in evidence if (fault := evidence_fault(one, root)))


def _python_tests(path: Path) -> dict[str, bool]:
    """Return the tests of a file by name, and whether each, or the whole file, is skipped or expected to fail."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    whole = any(_skips(ast.unparse(node)) for node in tree.body if ast.unparse(node).startswith("pytestmark"))
    return {
        node.name: whole or any(_skips(ast.unparse(mark)) for mark in node.decorator_list)
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test_")
    }


def _skips(code: str) -> bool:
    return re.search(r"\bmark\.(?:skip|skipif|xfail)\b", code) is not None


def _dialogs(path: Path) -> dict[str, bool]:
    """Return the dialogs of a file, or the pairs of the behavioural suite, by name."""
    document = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
    entries = document.get("pairs", [document]) if isinstance(document, dict) else document
    return {str(entry["name"]): False for entry in entries}


def _sentences(path: Path) -> dict[str, bool]:
    """Return the signs or labels of which a held-out file has sentences; `trap` where it has traps."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    names = {name for line in lines for name in (*line.get("signs", ()), *line.get("labels", ()))}
    return dict.fromkeys(sorted(names | {"trap"} if any(line.get("trap") for line in lines) else names), False)


_READERS: Mapping[str, Callable[[Path], dict[str, bool]]] = {
    ".py": _python_tests,
    ".yml": _dialogs,
    ".jsonl": _sentences,
}
