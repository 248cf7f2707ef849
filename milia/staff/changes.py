"""What an accepted review changes in the project's files: one sentence or one wording, as a patch for `git apply`.

A new sentence goes to a place that its words settle, not to the end: so two patches of the same file seldom meet.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from milia import content_check
from milia.content import LOADER
from milia.labels import intents_of
from milia.staff.checkout import Checkout
from milia.staff.knowledge import Knowledge

MOST_CHARACTERS = 300
SIGN_FILE, HELD_OUT = "data/signs/sentences.yml", "tests/heldout"
# Marks of entities in Rasa's format, and controls.
_FORBIDDEN = re.compile(r"[\[\]{}\x00-\x1f\x7f]")


class ChangeError(ValueError):
    """A change that cannot be made.

    Attributes:
        faults: what is wrong, one sentence each.
    """

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))
        self.faults = list(faults)


@dataclass(frozen=True)
class Change:
    """One changed file: its path, its text before and after."""

    file: str
    before: str
    after: str

    @property
    def patch(self) -> str:
        """The change for `git apply`."""
        before, after = self.before.splitlines(keepends=True), self.after.splitlines(keepends=True)
        lines = difflib.unified_diff(before, after, f"a/{self.file}", f"b/{self.file}")
        return f"diff --git a/{self.file} b/{self.file}\n" + "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
        )


def training_sentence(
    checkout: Checkout, known: Knowledge, sentence: str, labels: Sequence[str], signs: Sequence[str] | None
) -> Change:
    """Return the change that adds a sentence to the training data: for topics by labels, for warning signs by signs.

    Raises:
        ChangeError: The sentence, a label or a sign is not allowed.
    """
    text = _sentence(sentence)
    _check(known, labels, signs)
    if signs is not None:
        return _sign_sentence(checkout, text, signs)
    main, *also = intents_of(list(labels))
    file = f"data/nlu/{main}.yml"
    before = _read(checkout, file)
    after = _into_block(before, main, also, text)
    _check_only_added(before, after, text, file)
    return Change(file, before, after)


def held_out_sentence(
    checkout: Checkout, known: Knowledge, sentence: str, labels: Sequence[str], signs: Sequence[str] | None
) -> Change:
    """Return the change that adds a sentence to the held-out ones.

    Raises:
        ChangeError: The sentence, a label or a sign is not allowed.
    """
    text = _sentence(sentence)
    _check(known, labels, signs)
    row: dict[str, Any]
    if signs is not None:
        file, row = f"{HELD_OUT}/signs.jsonl", {"text": text, "signs": sorted(signs), "trap": not signs}
    else:
        topics = set(labels) <= set(known.content.topics)
        file, row = f"{HELD_OUT}/{'topics' if topics else 'kinds'}.jsonl", {"text": text, "labels": list(labels)}
    before = _read(checkout, file)
    lines = before.splitlines(keepends=True)
    lines.insert(_place(text, len(lines)), json.dumps(row, ensure_ascii=False) + "\n")
    return Change(file, before, "".join(lines))


def wording(checkout: Checkout, file: str, old: str, new: str) -> Change:
    """Return the change of one wording of the content.

    Args:
        checkout: the project.
        file: below data/content.
        old, new: the wording as it stands in the file, and what takes its place.

    Raises:
        ChangeError: The file or the wording is not there, or `milia content check` refuses what comes of it.
    """
    folder = "data/content"
    allowed = sorted(
        path.relative_to(checkout.root / folder).as_posix() for path in (checkout.root / folder).rglob("*.yml")
    )
    name = file.removeprefix(f"{folder}/")
    if name not in allowed:
        raise ChangeError(f"file: unknown {file!r}; allowed: {', '.join(allowed)}")
    new = " ".join(new.split())
    if not new or _FORBIDDEN.search(new.replace("{provider}", "")):
        raise ChangeError("new: needs words, without brackets other than {provider}")
    path = f"{folder}/{name}"
    before = _read(checkout, path)
    count = before.count(old) if old.strip() else 0
    if count != 1:
        raise ChangeError(f"old: stands {count} times in {name}; needed: a wording that stands there once, as in the file")
    after = before.replace(old, _as_in(before, old, new))
    problems = _content_problems(checkout, name, after)
    if problems:
        raise ChangeError(*problems)
    return Change(path, before, after)


def _as_in(before: str, old: str, new: str) -> str:
    """Escape the new wording as the quotes need it in which the old one stands."""
    at = before.index(old)
    quote = before[at - 1] if at else ""
    if quote == '"':
        return new.replace("\\", "\\\\").replace('"', '\\"')
    return new.replace("'", "''") if quote == "'" else new


def _content_problems(checkout: Checkout, name: str, text: str) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="milia-content-") as folder:
        copy = Path(folder) / "content"
        shutil.copytree(checkout.root / "data" / "content", copy)
        (copy / name).write_text(text, encoding="utf-8")
        try:
            return [str(problem) for problem in content_check.check(copy)][:20]
        except (ValueError, yaml.YAMLError) as error:
            return [str(error)]


def _sentence(sentence: str) -> str:
    text = " ".join(sentence.split())
    if not text or len(text) > MOST_CHARACTERS:
        raise ChangeError(f"sentence: has {len(text)} characters; allowed: 1 to {MOST_CHARACTERS}")
    if _FORBIDDEN.search(text):
        raise ChangeError("sentence: brackets and braces mark entities in training data and are not allowed")
    if text.startswith(("-", "/", "#")):
        raise ChangeError(f"sentence: may not start with {text[0]!r}")
    return text


def _check(known: Knowledge, labels: Sequence[str], signs: Sequence[str] | None) -> None:
    faults = [f"labels: unknown {one!r}; allowed: {', '.join(known.labels())}" for one in labels if one not in known.labels()]
    faults += [f"signs: unknown {one!r}" for one in signs or () if one not in known.catalog.signs]
    if signs is None and not labels:
        faults.append("labels: at least one is needed, the main one first; or signs")
    if faults:
        raise ChangeError(*faults)


def _into_block(before: str, main: str, also: Sequence[str], text: str) -> str:
    """Return a file of training data with a sentence more, in the block of its intents, or in a new one at the end."""
    lines = before.splitlines(keepends=True)
    starts = [at for at, line in enumerate(lines) if re.match(r"\s*- intent:", line)] + [len(lines)]
    for start, end in zip(starts, starts[1:], strict=False):
        block = lines[start:end]
        if _also(block) == sorted(also) and re.match(rf"\s*- intent:\s*{re.escape(main)}\s*$", block[0]):
            examples = [at for at in range(start, end) if re.match(r"\s+- ", lines[at]) and at != start]
            if not examples:
                continue
            indent = re.match(r"\s*", lines[examples[0]])
            assert indent is not None
            at = examples[_place(text, len(examples))]
            lines.insert(at + 1, f"{indent.group()}- {text}\n")
            return "".join(lines)
    metadata = f"    metadata: {{also: [{', '.join(sorted(also))}]}}\n" if also else ""
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join(lines) + f"  - intent: {main}\n{metadata}    examples: |\n      - {text}\n"


def _also(block: Sequence[str]) -> list[str]:
    for line in block:
        found = re.match(r"\s*metadata:\s*(\{.*\})\s*$", line)
        if found:
            return sorted((yaml.load(found.group(1), Loader=LOADER) or {}).get("also") or ())
    return []


def _sign_sentence(checkout: Checkout, text: str, signs: Sequence[str]) -> Change:
    before = _read(checkout, SIGN_FILE)
    lines = before.splitlines(keepends=True)
    quoted = "'" + text.replace("'", "''") + "'"
    starts = [at for at, line in enumerate(lines) if re.match(r"\s*- signs:", line)] + [len(lines)]
    for start, end in zip(starts, starts[1:], strict=False):
        named = (yaml.load(lines[start].strip()[2:], Loader=LOADER) or {}).get("signs")
        items = [at for at in range(start + 1, end) if re.match(r"\s+- ['\"]", lines[at])]
        if named is not None and sorted(named) == sorted(signs) and items:
            indent = re.match(r"\s*", lines[items[0]])
            assert indent is not None
            # Before an item: one may go on over several lines.
            lines.insert(items[_place(text, len(items))], f"{indent.group()}- {quoted}\n")
            break
    else:
        lines.append(f"  - signs: [{', '.join(sorted(signs))}]\n    sentences:\n      - {quoted}\n")
    after = "".join(lines)
    _check_only_added(before, after, text, SIGN_FILE)
    return Change(SIGN_FILE, before, after)


def _check_only_added(before: str, after: str, text: str, file: str) -> None:
    """Refuse a change that did anything but add the sentence."""
    try:
        old, new = (list(_texts(yaml.load(one, Loader=LOADER))) for one in (before, after))
    except yaml.YAMLError as error:
        raise ChangeError(f"{file}: the sentence would make it invalid: {' '.join(str(error).split())}") from None
    missing = list(new)
    for one in old:
        if one not in missing:
            raise ChangeError(f"{file}: cannot be changed safely; add the sentence by hand")
        missing.remove(one)
    if missing.count(text) != 1:
        raise ChangeError(f"{file}: cannot be changed safely; add the sentence by hand")


def _texts(value: Any) -> Any:
    if isinstance(value, str):
        yield from (line.strip().removeprefix("- ") for line in value.splitlines() if line.strip())
    elif isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)


def _place(text: str, count: int) -> int:
    return int(hashlib.sha256(text.encode()).hexdigest(), 16) % max(1, count)


def _read(checkout: Checkout, file: str) -> str:
    try:
        return checkout.read(file)
    except FileNotFoundError:
        raise ChangeError(f"{file}: there is no such file in this installation") from None
