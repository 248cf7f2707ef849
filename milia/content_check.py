"""The editor's check of `data/content`: every problem, with file and line.

Loading (`milia.content`) tells whether the files can be used; this module tells whether they may be published: only the
article's facts and figures, nothing that is forbidden, for nobody what is withheld from them, easy to read, and a
provider with every answer. The rules are data: `claims.yml`, `readability.yml`, and `figures` in `facts.yml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import yaml

from milia.content import (
    AREA,
    BEFORE,
    LOADER,
    TYPE,
    WHO,
    Answer,
    Content,
    Fault,
    Place,
    Sentence,
    Situation,
    Topic,
    When,
    read_content,
)

LONGEST = 220  # characters of one wording: a chat bubble on a phone
LONGEST_BUTTON = 30  # characters
FILL = "{provider}"
# Stands for the provider when a text is scored; the terms in it count one syllable each.
FILLED = "a dermatology provider"

_NUMBER = re.compile(
    r"\d[\d/.,]*\d|\d"
    r"|\b(?:half|third|quarter|once a|twice|thrice|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozens?"
    r"|twenty|thirty|forty|fifty|hundreds?|thousands?|percent|seconds?|minutes?|hours?|days?|weeks?|months?|years?"
    r"|decades?|daily|weekly|monthly|nightly|yearly)\b",
    re.IGNORECASE,
)


# "It says", where "it" can only be the article: a reader has to have met it in the sentence before.
_IT_SAYS = re.compile(
    r"\bits? (?:also |only )?(?:says|adds|gives|names|lists|speaks|puts|states|calls|counts|leaves|list\b"
    r"|does not (?:say|give|name|mention|speak|describe|go|cover|sort))"
    r"|, it (?:says|adds|suggests|does not|leaves)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something that keeps the content from being published, where it stands."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern with the reason for it; `unless` and `needs` are patterns of text that makes it right."""

    pattern: re.Pattern[str]
    reason: str = ""
    unless: re.Pattern[str] | None = None
    needs: re.Pattern[str] | None = None
    but_in: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Withheld:
    """Facts and words that are never offered in some situations."""

    id: str
    reason: str
    when: When
    facts: frozenset[str]
    words: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The contents of `claims.yml` and `readability.yml`."""

    claims: tuple[Rule, ...]
    with_: tuple[Rule, ...]
    together: Mapping[str, str]
    inferred: str
    unused: frozenset[str]
    withheld: tuple[Withheld, ...]
    grade: float
    terms: re.Pattern[str]
    syllables: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Said:
    """One wording, where it stands and which facts it may rest on."""

    file: str
    place: Place
    text: str
    facts: tuple[str, ...] = ()
    provider: bool = False
    before: tuple[str, ...] = ()  # the wordings of the lead, one of which is read before this


def check(root: Path) -> list[Problem]:
    """Return every problem of the content directory, in the order of files and lines."""
    content, faults = read_content(root)
    try:
        rules = load_rules(root)
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError, re.error) as error:
        return [Problem("claims.yml, readability.yml", 1, f"cannot be read: {error!r}")]
    found = [*faults]
    said = list(_all_said(content))
    for one in said:
        found += _wording(one, content, rules)
    for file, place, sentence in _all_sentences(content):
        found += _sentence(file, place, sentence, content, rules)
    for topic in content.topics.values():
        found += _topic(topic, content, rules)
    found += _themes(content, rules)
    used = {fact for _, _, s in _all_sentences(content, themes=False) for fact in s.facts}
    known = sorted(set(content.facts) - used - rules.unused)
    positions = {fact: position for position, fact in enumerate(content.facts)}
    found += [Fault("facts.yml", ("facts", positions[fact]), f"no answer uses the fact {fact!r}") for fact in known]
    lines = {file: _lines(root / file) for file in {fault.file for fault in found}}
    return sorted({Problem(fault.file, _line(lines[fault.file], fault.place), fault.message) for fault in found})


def load_rules(root: Path) -> Rules:
    """Read `claims.yml` and `readability.yml`; a missing or unknown key raises KeyError or TypeError."""
    claims = yaml.load((root / "claims.yml").read_text(encoding="utf-8"), Loader=LOADER)
    reading = yaml.load((root / "readability.yml").read_text(encoding="utf-8"), Loader=LOADER)["readability"]
    if unknown := set(claims) - {"claims", "with", "together", "inferred", "unused", "withheld"}:
        raise KeyError(f"claims.yml: unknown keys {sorted(unknown)}")
    terms = "|".join(re.escape(term) for term in sorted(reading["terms"], key=len, reverse=True))
    return Rules(
        claims=tuple(_rule(**one) for one in claims["claims"]),
        with_=tuple(_rule(**one) for one in claims["with"]),
        together={one["fact"]: one["needs"] for one in claims["together"]},
        inferred=claims["inferred"],
        unused=frozenset(one["fact"] for one in claims["unused"]),
        withheld=tuple(_withheld(**one) for one in claims["withheld"]),
        grade=float(reading["grade"]),
        terms=re.compile(rf"\b(?:{terms})\b", re.IGNORECASE),
        syllables={str(word): int(count) for word, count in reading["syllables"].items()},
    )


def _rule(
    pattern: str,
    reason: str = "",
    unless: str | None = None,
    needs: str | None = None,
    but_in: Sequence[str] = (),
) -> Rule:
    def words(text: str | None) -> re.Pattern[str] | None:
        # Not in the middle of a word, at either end; a pattern may be a mere "!".
        edge = r"(?:(?<!\w)|(?!\w))"
        return re.compile(f"{edge}(?:{text}){edge}", re.IGNORECASE) if text else None

    compiled = words(pattern)
    if compiled is None:
        raise ValueError("claims.yml: an empty pattern")
    return Rule(compiled, reason, words(unless), words(needs), frozenset(but_in))


def _withheld(
    id: str, reason: str, facts: Sequence[str], words: Sequence[dict[str, str]], **when: Sequence[str]
) -> Withheld:
    condition = When(**{key: frozenset(values) for key, values in when.items()})
    return Withheld(id, reason, condition, frozenset(facts), tuple(_rule(**one) for one in words))


# Where the words stand


def _all_sentences(content: Content, themes: bool = True) -> Iterator[tuple[str, Place, Sentence]]:
    """Yield each statement with the place of its list of wordings."""
    for topic in content.topics.values():
        file = f"topics/{topic.id}.yml"
        for number, answer in enumerate(topic.answers):
            yield file, ("answers", number, "lead"), answer.lead
            for part, sentences in (("more", answer.more), ("details", answer.details)):
                for position, sentence in enumerate(sentences):
                    yield file, ("answers", number, part, position, "text"), sentence
        for number, focus in enumerate(topic.focus):
            yield file, ("focus", number, "text"), focus.sentence
    for number, theme in enumerate(content.unanswered.themes.values() if themes else ()):
        place: Place = ("unanswered", "themes", number)
        yield "unanswered.yml", (*place, "lead"), Sentence(theme.lead)
        for position, sentence in enumerate(theme.nearest):
            yield "unanswered.yml", (*place, "nearest", position, "text"), sentence
    if themes:
        yield "unanswered.yml", ("unanswered", "default", "lead"), Sentence(content.unanswered.lead)


def _all_providers(content: Content) -> Iterator[tuple[str, Place, tuple[str, ...]]]:
    for topic in content.topics.values():
        for number, answer in enumerate(topic.answers):
            yield f"topics/{topic.id}.yml", ("answers", number, "provider"), answer.provider
    for number, theme in enumerate(content.unanswered.themes.values()):
        yield "unanswered.yml", ("unanswered", "themes", number, "provider"), theme.provider
    yield "unanswered.yml", ("unanswered", "default", "provider"), content.unanswered.provider


def _all_said(content: Content) -> Iterator[Said]:
    for file, place, sentence in _all_sentences(content):
        before: tuple[str, ...] = ()
        if place[0] == "answers" and place[2] != "lead":
            before = content.topics[Path(file).stem].answers[int(place[1])].lead.wordings
        for position, text in enumerate(sentence.wordings):
            yield Said(file, (*place, position), text, sentence.facts, before=before)
    for file, place, lines in _all_providers(content):
        for position, text in enumerate(lines):
            yield Said(file, (*place, position), text, provider=True)


def _lines(path: Path) -> dict[Place, int]:
    """Return the line, from 1, of every value in a YAML file; an alias has the line of what it stands for."""
    lines: dict[Place, int] = {}
    if not path.is_file():
        return lines
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        return {(): error.problem_mark.line + 1 if error.problem_mark else 1}

    def walk(node: yaml.Node, place: Place) -> None:
        lines.setdefault(place, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                walk(value, (*place, key.value))
                lines[place + (key.value,)] = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode):
            for position, value in enumerate(node.value):
                walk(value, (*place, position))

    if root is not None:
        walk(root, ())
    return lines


def _line(lines: Mapping[Place, int], place: Place) -> int:
    """Return the line of the place, or of what it would stand in."""
    while place not in lines and place:
        place = place[:-1]
    return lines.get(place, 1)


# What a wording may say


def _wording(said: Said, content: Content, rules: Rules) -> Iterator[Fault]:
    def fault(message: str) -> Fault:
        return Fault(said.file, said.place, f"{message}: {said.text!r}")

    if len(said.text) > LONGEST:
        yield fault(f"{len(said.text)} characters, more than {LONGEST}")
    if said.provider and FILL not in said.text:
        yield fault(f"no {FILL} in a provider line")
    if "{" in (said.text.replace(FILL, "") if said.provider else said.text):
        yield fault("braces outside a provider line, or an unknown name in them")
    for rule in rules.claims:
        text = rule.unless.sub("", said.text) if rule.unless else said.text
        if hit := rule.pattern.search(text):
            yield fault(f"forbidden claim {hit.group()!r} ({rule.reason})")
    for rule in rules.with_:
        hit = rule.pattern.search(said.text)
        needs = rule.needs
        if (
            hit
            and needs
            and not (needs.search(said.text) or (said.before and all(needs.search(lead) for lead in said.before)))
        ):
            yield fault(f"{hit.group()!r} without what has to go with it ({rule.reason})")
    for number in _NUMBER.finditer(said.text):
        spans = [
            (figure, match.span())
            for figure in content.figures
            for match in figure.pattern.finditer(said.text)
            if match.start() <= number.start() and number.end() <= match.end()
        ]
        if not spans:
            yield fault(f"the figure {number.group()!r} is not one of the article's (figures in facts.yml)")
        elif not any(set(figure.facts) & set(said.facts) for figure, _ in spans):
            needed = sorted({fact for figure, _ in spans for fact in figure.facts})
            yield fault(f"the figure {number.group()!r} needs a fact of its subject: {', '.join(needed)}")


def _sentence(file: str, place: Place, sentence: Sentence, content: Content, rules: Rules) -> Iterator[Fault]:
    if not sentence.wordings:
        yield Fault(file, place, "no wording")
    figures = [
        {figure.pattern.pattern for figure in content.figures if figure.pattern.search(text)}
        for text in sentence.wordings
    ]
    for position, one in enumerate(figures):
        if one != figures[0]:
            yield Fault(file, (*place, position), "gives other figures than the first wording: wordings say the same")
    inferred = any(content.facts[fact].status == "I" for fact in sentence.facts)
    for position, text in enumerate(sentence.wordings):
        if inferred and rules.inferred not in text:
            yield Fault(file, (*place, position), f"an inferred fact needs {rules.inferred!r}: {text!r}")
    if len(set(sentence.wordings)) < len(sentence.wordings):
        yield Fault(file, place, "the same wording twice")


# What a topic, an answer, a theme needs


def _topic(topic: Topic, content: Content, rules: Rules) -> Iterator[Fault]:
    file = f"topics/{topic.id}.yml"
    if len(topic.button) > LONGEST_BUTTON:
        yield Fault(file, ("button",), f"{len(topic.button)} characters, more than {LONGEST_BUTTON}: {topic.button!r}")
    if not 2 <= len(topic.follow_ups) <= 3 or topic.id in topic.follow_ups:
        yield Fault(file, ("follow_ups",), "two or three other topics are needed")
    for number, answer in enumerate(topic.answers):
        yield from _answer(file, ("answers", number), topic, answer, rules)
    for number, focus in enumerate(topic.focus):
        place: Place = ("focus", number)
        if not focus.cues:
            yield Fault(file, (*place, "cues"), "no cue")
        if any(cue != cue.lower() for cue in focus.cues):
            yield Fault(file, (*place, "cues"), "cues are written in lower case")
        if focus.leads and not any(fact.partition(".")[0] == topic.id for fact in focus.sentence.facts):
            yield Fault(file, (*place, "facts"), f"the lead states no fact of {topic.id!r}")
        for position, text in enumerate(focus.sentence.wordings):
            yield from _hard(file, (*place, "text", position), (text,), rules)
        stands_with = topic.answer_for(Situation()).lead.facts if topic.answers and not focus.leads else ()
        yield from _apart(file, (*place, "text"), focus.sentence, stands_with, rules)
    yield from _offered(file, topic, rules)


def _answer(file: str, place: Place, topic: Topic, answer: Answer, rules: Rules) -> Iterator[Fault]:
    if len(answer.lead.wordings) < 3:
        yield Fault(file, (*place, "lead"), f"{len(answer.lead.wordings)} wordings of the lead, 3 are needed")
    if not any(fact.partition(".")[0] == topic.id for fact in answer.lead.facts):
        yield Fault(file, (*place, "facts"), f"the lead states no fact of {topic.id!r}")
    if len(answer.more) > 3:
        yield Fault(file, (*place, "more"), f"{len(answer.more)} sentences, more than 3")
    if not 2 <= len(answer.provider) <= 3:
        yield Fault(file, (*place, "provider"), f"{len(answer.provider)} provider lines, 2 or 3 are needed")
    seen: set[str] = set()
    for text in (
        *answer.lead.wordings,
        *(t for s in (*answer.more, *answer.details) for t in s.wordings),
        *answer.provider,
    ):
        if text in seen:
            yield Fault(file, place, f"the same wording twice: {text!r}")
        seen.add(text)
    for sentence in (*answer.more, *answer.details):
        yield from _apart(file, place, sentence, answer.lead.facts, rules)
    yield from _apart(file, place, answer.lead, (), rules)
    for texts in product(answer.lead.wordings, *(s.wordings for s in answer.more)):
        yield from _hard(file, (*place, "lead"), texts, rules)
    for texts in product(answer.lead.wordings, *(s.wordings for s in answer.more[:1])):
        yield from _hard(file, (*place, "lead"), texts, rules)
    for position, lead in enumerate(answer.lead.wordings):
        yield from _unowned(file, (*place, "lead", position), "", lead)
        for number, sentence in enumerate(answer.more):
            for wording, text in enumerate(sentence.wordings):
                yield from _unowned(file, (*place, "more", number, "text", wording), lead, text)
        if "article" not in lead and any("article" not in t for s in answer.more[:1] for t in s.wordings):
            yield Fault(file, (*place, "lead", position), f"never says that the article says so: {lead!r}")
    for position, sentence in enumerate(answer.details):
        for text in sentence.wordings:
            yield from _hard(file, (*place, "details", position), (text,), rules)
    for position, text in enumerate(answer.provider):
        yield from _hard(file, (*place, "provider", position), (text,), rules)


def _themes(content: Content, rules: Rules) -> Iterator[Fault]:
    file = "unanswered.yml"
    owner: dict[tuple[str, str], str] = {}
    for number, theme in enumerate(content.unanswered.themes.values()):
        place: Place = ("unanswered", "themes", number)
        for part, values, least, most in (
            ("lead", theme.lead, 1, 4),
            ("provider", theme.provider, 1, 4),
            ("cues", theme.cues, 1, 99),
            ("examples", theme.examples, 8, 12),
            ("nearest", theme.nearest, 0, 2),
        ):
            if not least <= len(values) <= most:
                yield Fault(file, (*place, part), f"{len(values)} entries of {part!r}, {least} to {most} are needed")
        for part, values in (("cues", theme.cues), ("examples", theme.examples)):
            for position, value in enumerate(values):
                first = owner.setdefault((part, value.lower()), theme.id)
                if first != theme.id or values.index(value) < position:
                    yield Fault(file, (*place, part, position), f"{value!r} is in {first} already")
        for sentence in theme.nearest:
            yield from _apart(file, (*place, "nearest"), sentence, (), rules)
        for lead in theme.lead:
            for near in product(*(s.wordings for s in theme.nearest)):
                yield from _hard(file, (*place, "lead"), (lead, *near), rules)
        for position, text in enumerate(theme.provider):
            yield from _hard(file, (*place, "provider", position), (text,), rules)
        for rule in rules.withheld:
            for position, sentence in enumerate(theme.nearest):
                if any(sentence.when.holds(situation) for situation in _situations(rule.when)):
                    where: Place = (*place, "nearest", position, "text")
                    yield from _kept_back(file, where, "unanswered", sentence, rule)
    for part, texts in (("lead", content.unanswered.lead), ("provider", content.unanswered.provider)):
        if len(texts) < 2:
            yield Fault(file, ("unanswered", "default", part), f"{len(texts)} wordings, 2 or more are needed")
        for position, text in enumerate(texts):
            yield from _hard(file, ("unanswered", "default", part, position), (text,), rules)


def _unowned(file: str, place: Place, before: str, text: str) -> Iterator[Fault]:
    """Yield "it says" where no article has been named."""
    hit = _IT_SAYS.search(text)
    if hit and "article" not in before and "article" not in text[: hit.start()]:
        yield Fault(file, place, f"{hit.group()!r}, but the article is not named before it: {before!r} {text!r}")


def _apart(file: str, place: Place, sentence: Sentence, lead: Iterable[str], rules: Rules) -> Iterator[Fault]:
    """Yield the facts that stand without the fact that has to go with them."""
    for fact in sentence.facts:
        needed = rules.together.get(fact)
        if needed and needed not in sentence.facts and needed not in lead:
            yield Fault(file, place, f"the fact {fact!r} is only said together with {needed!r}")


@cache
def _situations(when: When) -> tuple[Situation, ...]:
    """Return every situation in which the condition holds."""
    everything = product(when.who or WHO, when.area or AREA, (None, *TYPE), (None, *BEFORE))
    return tuple(Situation(who, area, type_, before) for who, area, type_, before in everything)


def _offered(file: str, topic: Topic, rules: Rules) -> Iterator[Fault]:
    """Yield what is offered to people from whom it is withheld."""
    if not topic.answers or not topic.answers[-1].when.always:
        return
    for rule in rules.withheld:
        situations = _situations(rule.when)
        reached = {topic.answers.index(topic.answer_for(situation)) for situation in situations}
        for number in sorted(reached):
            answer = topic.answers[number]
            place: Place = ("answers", number)
            yield from _kept_back(file, (*place, "lead"), topic.id, answer.lead, rule)
            yield from _kept_back(file, (*place, "provider"), topic.id, Sentence(answer.provider), rule)
            for part, sentences in (("more", answer.more), ("details", answer.details)):
                for position, sentence in enumerate(sentences):
                    yield from _kept_back(file, (*place, part, position, "text"), topic.id, sentence, rule)
        for number, focus in enumerate(topic.focus):
            if any(focus.sentence.when.holds(situation) for situation in situations):
                yield from _kept_back(file, ("focus", number, "text"), topic.id, focus.sentence, rule)


def _kept_back(file: str, place: Place, topic: str, sentence: Sentence, rule: Withheld) -> Iterator[Fault]:
    for fact in sentence.facts:
        if fact in rule.facts:
            yield Fault(file, place, f"the fact {fact!r} is withheld from {rule.id} ({rule.reason})")
    for position, text in enumerate(sentence.wordings):
        for word in rule.words:
            if topic not in word.but_in and (hit := word.pattern.search(text)):
                yield Fault(file, (*place, position), f"{hit.group()!r} is withheld from {rule.id} ({rule.reason})")


# How hard it is to read


def _hard(file: str, place: Place, texts: Sequence[str], rules: Rules) -> Iterator[Fault]:
    text = " ".join(texts)
    grade = reading_grade(text, rules)
    if grade > rules.grade:
        yield Fault(file, place, f"reading grade {grade:.1f}, above {rules.grade}: {text!r}")


def reading_grade(text: str, rules: Rules) -> float:
    """Return the Flesch-Kincaid grade of a text, with each of the article's terms as a word of one syllable.

    Own arithmetic: textstat fetches a pronouncing dictionary from the network on first use.
    """
    text = rules.terms.sub("term", text.replace(FILL, FILLED))
    sentences = max(1, len(re.findall(r"[.!?]+(?=\s|$|[\"'])", text)))
    words = re.findall(r"[A-Za-z]+(?:'[A-Za-z]+)?|\d+", text)
    if not words:
        return 0.0
    syllables = sum(count_syllables(word, rules.syllables) for word in words)
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


def count_syllables(word: str, exceptions: Mapping[str, int]) -> int:
    """Count the syllables of an English word by its vowels; rather one too many than one too few."""
    word = word.lower()
    stem = re.sub(r"'\w+$", "", word)
    return exceptions.get(word) or exceptions.get(stem) or _spoken(stem)


@cache
def _spoken(word: str) -> int:
    count = len(re.findall(r"[aeiouy]+", word))
    count += len(re.findall(r"i[ao](?!u)|ua|eo|uou", word)) - len(re.findall(r"[tsc]i[ao]", word))
    silent = r"(?<![aeiouyl])e$|[^aeiouytd]ed$|(?:[^aeiouycgsxz]|[^sc]h)es$|[aeiouy]le$"
    return max(1, count - 1) if re.search(silent, word) else max(1, count)
