"""The content book has everything that is said and everything that decides, on one page that needs nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from milia import cli, readable_rules
from milia.content import When, load_content
from milia.content_book import content_book, content_version
from milia.safety_case import load_safety_case
from milia.sign_catalog import DERIVED_ATOMS, load_signs
from milia.triage import OUTCOMES, QUESTIONS, REASONS, ROWS, TYPES, VALUES
from milia.triage_table import load_table

ROOT = Path(__file__).resolve().parents[1]
CONTENT = ROOT / "data" / "content"
CATALOG = load_signs(CONTENT / "warning_signs.yml")
# Keys whose strings are neither said nor shown: codes, conditions, and settings.
CODES = frozenset("id level group blocking version facts when who not_who area type before follow_ups ws topic status section".split())
VOID = frozenset("meta br col wbr".split())


class Page(HTMLParser):
    """Text, ids, links and attributes of a page; raises where tags do not close in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.ids, self.links, self.tags = "", [], [], Counter[str]()
        self.sections: dict[str, str] = {}
        self.attributes: list[tuple[str, str]] = []
        self._open: list[tuple[str, str, int]] = []
        self.feed(html)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.tags[tag] += 1
        self.attributes += values.items()
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if "href" in values else []
        if tag == "br":
            self.text += " "
        if tag not in VOID:
            self._open.append((tag, values.get("id", ""), len(self.text)))

    def handle_endtag(self, tag: str) -> None:
        opened, name, start = self._open.pop()
        assert opened == tag, f"<{opened}> is closed by </{tag}>"
        if name:
            self.sections[name] = _flat(self.text[start:])

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1][0] == "style":
            return
        self.text += data


def _flat(text: str) -> str:
    return " ".join(text.split())


@cache
def html() -> str:
    return content_book(ROOT)


@cache
def page() -> Page:
    return Page(html())


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def strings(value: Any, skipped: frozenset[str]) -> Iterator[str]:
    if isinstance(value, str):
        yield _flat(value)
    elif isinstance(value, dict):
        for key, one in value.items():
            if key not in skipped:
                yield from strings(one, skipped)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one, skipped)


# --------------------------------------------------------------------------------------------------- nothing is missing
def test_every_id_is_there() -> None:
    content, case = load_content(CONTENT), load_safety_case(ROOT)
    anchors = [
        *(f"t-{topic}" for topic in content.topics),
        *content.unanswered.themes,
        *CATALOG,
        *(f"q-{question}" for question in (*QUESTIONS, "baby")),
        *(f"o-{outcome}" for outcome in OUTCOMES),
        *(f"facts-after-{name}" for name in (*TYPES, "does_not_fit", "cannot_tell")),
        *REASONS,
        *(f"f-{fact}" for fact in content.facts),
        *(f"s-{source}" for source in CATALOG.sources),
        *(one.id for records in (case.hazards, case.questions, case.sign_offs) for one in records),
        *read(ROOT / "domain.yml")["responses"],
    ]
    assert [one for one in anchors if one not in page().ids] == []
    assert {name: codes for name, codes in VALUES.items() if not all(code in page().sections[f"q-{name}"] for code in codes)} == {}


def test_no_wording_is_missing() -> None:
    """Every string of the content is printed, but for codes and for the rules' patterns, which are printed readably."""
    rules = frozenset({"patterns", "concepts", "atoms", "cues", "spellings", "fillers", "combinations", "regions"})
    signs = read(CONTENT / "warning_signs.yml")["warning_signs"]
    domain = read(ROOT / "domain.yml")["responses"]
    triage = read(CONTENT / "triage.yml")["triage"]
    lists = frozenset({"allowed", "withheld", "provider_of", "where", "ages", "signs", "code", "look", "after", "read"})
    files = [
        strings(signs, CODES | rules | {"sources", "default_region", "grade"}),
        strings({region: numbers for region, numbers in signs["regions"].items()}, CODES),
        strings(signs["sources"], frozenset({"grade"})),
        strings(triage, (CODES | lists) - {"type"}),
        strings(read(CONTENT / "replies.yml")["replies"], CODES | {"contexts"}),
        strings(read(CONTENT / "unanswered.yml"), CODES),
        strings(read(CONTENT / "sources.yml"), CODES),
        strings([domain], CODES),
        *(strings(read(path), CODES) for path in sorted((CONTENT / "topics").glob("*.yml"))),
        *(strings(read(path), frozenset()) for path in sorted((ROOT / "milia" / "channels").glob("*.yml"))),
    ]
    text, texts = _flat(page().text), [one for file in files for one in file]
    assert len(texts) > 3000
    assert [one for one in texts if one not in text] == []


def test_every_sentence_stands_beside_its_facts() -> None:
    content = load_content(CONTENT)
    for topic in content.topics.values():
        section = page().sections[f"t-{topic.id}"]
        said = [s for answer in topic.answers for s in (answer.lead, *answer.more, *answer.details)]
        for sentence in [*said, *(focus.sentence for focus in topic.focus)]:
            assert all(wording in section for wording in sentence.wordings), topic.id
            assert all(f"{one} {content.facts[one].text}" in section for one in sentence.facts), topic.id


def test_every_rule_of_a_sign_is_printed_with_it() -> None:
    """Each word of its patterns, the names of the word lists too, and each combination that sets it."""
    for sign in CATALOG.values():
        section = page().sections[sign.id]
        printed = set(re.findall(r"[\w'#]+", section))
        for pattern in sign.patterns:
            spelled = re.sub(r"<([a-z_0-9]+)>", lambda hit: hit[1].replace("_", " "), pattern.replace("NUM", "#"))
            spelled = re.sub(r"\b(unless|not-with) ([^|]*)", lambda hit: hit[2].replace("_", " "), spelled)
            assert set(re.findall(r"[\w'#]+", spelled)) <= printed, (sign.id, pattern)
        for row in CATALOG.combinations:
            if sign.id in row.sets:
                assert re.sub(r"[<>]", "", readable_rules.combination(row)).replace("_", " ") in section, row


def test_every_combination_and_every_row_is_printed() -> None:
    table = load_table(CONTENT / "triage.yml")
    text = _flat(page().text)
    for combination in CATALOG.combinations:
        assert combination.why in text
    for row in ROWS:
        assert all(_flat(clause) in text for clause in readable_rules.row(row, table)), row


def test_every_warning_is_printed_word_for_word_in_each_region() -> None:
    from milia.sign_messages import escalation

    text = _flat(page().text)
    for sign in CATALOG:
        if CATALOG[sign].level.value >= 3:
            for region in CATALOG.regions:
                assert _flat(escalation((sign,), CATALOG, region).text) in text, (sign, region)


def test_the_examples_show_every_outcome_and_form() -> None:
    examples = " ".join(text for name, text in page().sections.items() if name.startswith("example-"))
    assert [name for name in (*TYPES, *OUTCOMES) if name.replace("_", " ") not in examples] == []


def test_each_entry_can_be_signed() -> None:
    """A line with a box for right, one for the change, a name and a date."""
    content, case = load_content(CONTENT), load_safety_case(ROOT)
    entries = [*CATALOG, *content.unanswered.themes, *(h.id for h in case.hazards), *(q.id for q in case.questions)]
    for name in entries:
        assert f"{name}rightchange tobydate" in page().sections[name], name
    for topic in content.topics.values():
        section = page().sections[f"t-{topic.id}"]
        assert section.count("rightchange tobydate") == len(topic.answers) + bool(topic.focus)


def test_it_says_that_nobody_has_reviewed_it() -> None:
    assert "No clinician has reviewed this yet." in page().text


# ---------------------------------------------------------------------------------------------------- one page, the same page
def test_it_needs_nothing_from_outside_and_no_script() -> None:
    assert not {"script", "link", "img", "iframe", "object", "form", "button", "input"} & set(page().tags)
    assert not [name for name, _ in page().attributes if name.startswith("on") or name in ("src", "srcset")]
    assert not re.search(r"url\(|@import|https?:|javascript:", html())
    assert page().tags["details"] == 0  # closed ones are not printed


def test_its_links_lead_somewhere_and_ids_are_there_once() -> None:
    doubled = [name for name, count in Counter(page().ids).items() if count > 1]
    assert doubled == []
    assert sorted({link for link in page().links if not link.startswith("#") or link[1:] not in page().ids}) == []


def test_it_is_readable_by_a_machine_that_reads_aloud() -> None:
    assert '<html lang="en">' in html() and page().tags["title"] == 1 and page().tags["h1"] == 1 and page().tags["main"] == 1
    assert page().tags["th"] > 100 and 'scope="col"' in html()


def test_the_same_content_gives_the_same_bytes() -> None:
    assert content_book(ROOT) == html()


def test_the_version_follows_the_content(tmp_path: Path) -> None:
    for name in ("data/content/topics/duration.yml", "domain.yml", "milia/triage.py", "docs/safety/hazards.yml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a", encoding="utf-8")
    versions = [content_version(tmp_path), content_version(tmp_path)]
    for name in ("data/content/topics/duration.yml", "domain.yml", "milia/triage.py", "docs/safety/hazards.yml"):
        (tmp_path / name).write_text("b", encoding="utf-8")
        versions.append(content_version(tmp_path))
    (tmp_path / "README.md").write_text("no content", encoding="utf-8")
    versions.append(content_version(tmp_path))
    assert versions[0] == versions[1] and versions[-1] == versions[-2] and len(set(versions)) == 5


def test_the_command_writes_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "sub" / "book.html"
    assert cli.main(["content", "book", "--root", str(ROOT), "--out", str(out)]) == 0
    assert out.read_text(encoding="utf-8") == html()
    assert content_version(ROOT) in capsys.readouterr().out


def test_the_command_names_what_is_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["content", "book", "--root", str(tmp_path)]) == 1
    assert "facts.yml: file is missing" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


# ------------------------------------------------------------------------------------------------------- rules in words
@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("a | (b|c d) e", ["a", "(b/c d) e"]),
        ("chest .. (tight|heavy)", ["chest \u2026 (tight/heavy)"]),
        ("a ... b", ["a \u2026 \u2026 b"]),
        ("(noisy|hard) (with)? breathe unless x_idiom", ["(noisy/hard) [with] breathe (not where it is <x_idiom>)"]),
        ("word? or (a b)? c", ["[word] or [a b] c"]),
        ("<cannot_x> + NUM hour not-with p, q", ["<cannot_x> + # hour (not in a sentence with <p> or <q>)"]),
    ],
)
def test_a_pattern_in_words(pattern: str, said: list[str]) -> None:
    assert readable_rules.phrases(pattern) == said


def test_conditions_and_ranges_in_words() -> None:
    assert readable_rules.condition(When()) == "Everyone else"
    both = When(who=frozenset({"teen", "child"}), area=frozenset({"eye"}))
    assert readable_rules.condition(both) == "Person: child or teen; Place: eye"
    assert readable_rules.ranges(["b.2", "a.1", "a.10", "a.9", "b.1", "b.5"]) == "a.1, a.9-10, b.1-2, b.5"
    assert readable_rules.ranges([]) == "none"


def test_everything_that_the_program_works_out_is_explained() -> None:
    assert set(readable_rules.DERIVED) == set(DERIVED_ATOMS)
