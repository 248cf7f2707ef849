"""The editor's check finds each kind of problem, with its file and line, and has nothing against what is published."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from milia.content import UNDER_18
from milia.content_check import check, count_syllables, load_rules, reading_grade

ROOT = Path(__file__).parents[1] / "data" / "content"
DURATION = "In newborns, milia mostly clear on their own within the first weeks of life."
HARMLESS = "The article describes milia as harmless. Whether your bumps are milia is for a provider to say."
PROVIDER = "For your own bumps, {provider} can tell you more."
SUN = "The article says to use sunblock of SPF 30 or more every day."


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT, tmp_path / "content"))


def test_what_is_published_has_no_problem() -> None:
    """The content in the repository passes its own check."""
    assert [str(problem) for problem in check(ROOT)] == []


BROKEN = [
    # What cannot be loaded
    ("topics/duration.yml", "facts: [duration.1]", "facts: [duration.9]", "unknown fact 'duration.9'"),
    ("topics/duration.yml", "title: How", "titel: How", "unknown key 'titel'"),
    ("topics/duration.yml", "follow_ups: [harmless", "follow_ups: [harmful", "unknown topic 'harmful'"),
    ("topics/duration.yml", "topic: duration", "topic: time", "is not the file's name"),
    # Figures
    ("topics/duration.yml", DURATION, DURATION.replace("first weeks", "first 6 weeks"), "figure '6'"),
    ("topics/duration.yml", DURATION, DURATION.replace("first weeks", "two or three years"), "figure 'two'"),
    (
        "topics/duration.yml",
        DURATION,
        DURATION.replace("the first weeks of life", "a few months"),
        "figure 'months' needs",
    ),
    ("topics/prevention_sun.yml", SUN, SUN.replace("30", "50"), "figure '50'"),
    ("topics/prevention_sun.yml", SUN, SUN.replace(" every day", ""), "other figures than the first"),
    ("topics/prevention_wash.yml", "twice a day, in", "three times a day, in", "figure 'three'"),
    ("unanswered.yml", "The article gives no size for milia.", "Milia are up to 2 mm wide.", "figure '2'"),
    # Claims
    ("topics/harmless.yml", "If you're worried, or", "You have milia, so", "forbidden claim 'You have'"),
    ("topics/harmless.yml", "If you're worried, or", "It's nothing to worry about, or", "nothing to worry about"),
    ("topics/harmless.yml", HARMLESS, "Milia are harmless.", "without what has to go with it"),
    (
        "topics/treatment_home.yml",
        " Whether these bumps are milia is for a provider to say.",
        "",
        "without what has to",
    ),
    ("topics/definition.yml", "Milia are little hard bumps", "This is milia: little hard bumps", "forbidden claim"),
    ("topics/diagnosis.yml", "If it stays unclear,", "To rule out cancer,", "forbidden claim 'rule out'"),
    ("topics/diagnosis.yml", "If it stays unclear,", "To rule out cancer,", "forbidden claim 'cancer'"),
    ("topics/types.yml", "To find out which form it is, see", "Definitely see", "forbidden claim 'Definitely'"),
    ("topics/causes.yml", "In newborns it's because", "In newborns it's no wonder! And", "forbidden claim '!'"),
    ("topics/types.yml", "the article implies that secondary milia is", "secondary milia is", "an inferred fact needs"),
    ("unanswered.yml", '- "Other things can look similar;', '- "It may be a wart;', "forbidden claim 'wart'"),
    ("topics/prevention.yml", 'is what the article suggests."', 'prevents milia."', "forbidden claim 'prevents milia'"),
    # Hard to read
    (
        "topics/duration.yml",
        DURATION,
        "In newborns, spontaneous resolution characteristically occurs throughout the first weeks of life.",
        "reading grade",
    ),
    (
        "topics/duration.yml",
        PROVIDER,
        "Individual deliberation necessitates consultation: {provider}.",
        "reading grade",
    ),
    ("topics/duration.yml", DURATION, DURATION + " It is so." * 20, "characters, more than 220"),
    # What an answer needs
    ("topics/duration.yml", PROVIDER, "For your own bumps, ask someone.", "no {provider} in a provider line"),
    ("topics/duration.yml", DURATION, DURATION + " Ask {provider}.", "braces outside a provider line"),
    ("topics/duration.yml", PROVIDER, "For your own bumps, {provider} or {clinic} can help.", "unknown name"),
    ("topics/duration.yml", 'button: "How long do they last?"', f'button: "{"How long " * 4}?"', "more than 30"),
    ("topics/duration.yml", 'button: "How long do they last?"', 'button: ""', "expected text"),
    ("topics/duration.yml", "[harmless, treatment_professional, see_provider]", "[harmless]", "two or three other"),
    ("topics/causes.yml", "    facts: [causes.5]", "    facts: [definition.2]", "no fact of 'causes'"),
    (
        "topics/milia_vs_acne.yml",
        "And acne, too, should never be popped.",
        "Acne should never be popped either.",
        "twice",
    ),
    (
        "topics/definition.yml",
        "facts: [definition.3]\n    lead: true",
        "facts: [causes.2]\n    lead: true",
        "no fact of 'definition'",
    ),
    ("topics/removal_self.yml", "cues: [needle,", "cues: [Needle,", "lower case"),
    (
        "topics/duration.yml",
        "In one place the article says",
        "In one place it says",
        "the article is not named before it",
    ),
    ("topics/prevention_sun.yml", SUN, "Use sunblock of SPF 30 or more every day.", "never says that the article"),
    # Facts that belong together, and facts for nobody
    (
        "topics/prevention_exfoliate.yml",
        "    facts: [prevention_exfoliate.1, prevention_exfoliate.2, prevention_exfoliate.3]",
        "    facts: [prevention_exfoliate.1, prevention_exfoliate.3]",
        "only said together with 'prevention_exfoliate.2'",
    ),
    (
        "topics/treatment_home.yml",
        "    facts: [treatment_home.5, treatment_home.7]",
        "    facts: [treatment_home.5]",
        "only said together with 'treatment_home.7'",
    ),
    # What is withheld
    (
        "topics/treatment_home.yml",
        "What suits a baby's skin is",
        "Which scrub suits a baby is",
        "'scrub' is withheld from",
    ),
    (
        "topics/prevention_sun.yml",
        "How to keep the sun off a baby",
        "Which SPF to use on a baby",
        "'SPF' is withheld from",
    ),
    (
        "topics/prevention_wash.yml",
        "It sets no routine",
        "wash twice a day, no routine",
        "'twice' is withheld from under_18",
    ),
    ("topics/treatment_home.yml", "leave it to {provider}.", "leave the retinoid to {provider}.", "withheld from eye"),
    ("topics/treatment_home.yml", "let {provider} look at it first.", "let {provider} laser it.", "mouth_genital"),
    (
        "topics/treatment_professional.yml",
        "    who: [adult, unknown]",
        "    not_who: [newborn]",
        "withheld from under_18",
    ),
    (
        "unanswered.yml",
        "facts: [treatment_home.4, treatment_home.5, treatment_home.7]\n          who: [adult, unknown]",
        "facts: [treatment_home.4, treatment_home.5, treatment_home.7]\n          who: [teen, unknown]",
        "the fact 'treatment_home.4' is withheld from under_18",
    ),
    # Themes
    ("unanswered.yml", '- "how big can a milium get"', '- "is this milia on my nose"', "is in unanswered.1 already"),
    ("unanswered.yml", "cues: [itch,", "cues: [red flag,", "'red flag' is in unanswered.4 already"),
    ("unanswered.yml", "[red flag, red flags,", "[red flag, red flag,", "'red flag' is in unanswered.4 already"),
]


@pytest.mark.parametrize(("file", "old", "new", "message"), BROKEN)
def test_a_problem_is_found_where_it_stands(copy: Path, file: str, old: str, new: str, message: str) -> None:
    """One thing is broken in a copy, and the check names the file, a line of that very answer and the reason."""
    text = (copy / file).read_text(encoding="utf-8")
    assert old in text, f"{old!r} is no longer in {file}"
    changed = text.replace(old, new, 1)
    (copy / file).write_text(changed, encoding="utf-8")
    line = text[: text.index(old)].count("\n") + 1
    found = [problem for problem in check(copy) if message in problem.message and problem.file == file]
    assert found, [str(problem) for problem in check(copy)]
    # A list of wordings is reported at its key or at the wording, an answer at its first line: a few lines apart.
    assert min(abs(problem.line - line) for problem in found) <= 9, (line, [str(problem) for problem in found])


def test_a_wording_is_reported_on_its_own_line(copy: Path) -> None:
    """A problem of one wording carries the line of that wording."""
    path = copy / "topics" / "duration.yml"
    path.write_text(path.read_text(encoding="utf-8").replace(DURATION, DURATION + " Surely 7."), encoding="utf-8")
    line = 1 + next(n for n, text in enumerate(path.read_text(encoding="utf-8").splitlines()) if "Surely 7" in text)
    assert {(p.file, p.line) for p in check(copy) if "figure '7'" in p.message} == {("topics/duration.yml", line)}


def test_a_fact_that_no_answer_uses(copy: Path) -> None:
    """A new fact that is in no answer is reported on its line; the two that are left out on purpose are not."""
    path = copy / "facts.yml"
    path.write_text(
        path.read_text(encoding="utf-8").replace(
            "facts:\n", 'facts:\n  - {id: definition.99, section: "S2", status: E, text: "New."}\n', 1
        ),
        encoding="utf-8",
    )
    (problem,) = check(copy)
    assert problem.message == "no answer uses the fact 'definition.99'"
    assert "definition.99" in path.read_text(encoding="utf-8").splitlines()[problem.line - 1]


def test_too_many_sentences_and_too_few_wordings(copy: Path) -> None:
    """An answer has at most three sentences after its lead, three wordings of the lead, two or three provider lines."""
    path = copy / "topics" / "types.yml"
    text = path.read_text(encoding="utf-8")
    extra = '      - text: ["So the article says."]\n        facts: []\n' * 2
    text = text.replace("    provider:\n", f"{extra}    provider:\n", 1)
    text = text.replace('      - "There are six forms of milia in the article."\n', "", 1)
    text = text.replace('      - "For bumps at this age, ask {provider}."\n', "", 1)
    path.write_text(text, encoding="utf-8")
    messages = " | ".join(problem.message for problem in check(copy))
    assert "4 sentences, more than 3" in messages
    assert "2 wordings of the lead, 3 are needed" in messages
    assert "1 provider lines, 2 or 3 are needed" in messages


def test_missing_parts_are_all_found_at_once(copy: Path) -> None:
    """An answer without lead and provider, a missing file and a broken theme are reported together."""
    path = copy / "topics" / "see_provider.yml"
    path.write_text(
        path.read_text(encoding="utf-8")
        .replace("    lead:", "    laed:", 1)
        .replace("    provider:", "    porvider:", 1),
        encoding="utf-8",
    )
    (copy / "topics" / "types.yml").unlink()
    theme = copy / "unanswered.yml"
    theme.write_text(theme.read_text(encoding="utf-8").replace("      ws: true\n", "", 1), encoding="utf-8")
    messages = [str(problem) for problem in check(copy)]
    for part in (
        "'laed'",
        "key 'lead' is missing",
        "key 'provider' is missing",
        "topics/types.yml:1",
        "'ws' is missing",
    ):
        assert any(part in message for message in messages), part


def test_yaml_that_does_not_parse_has_its_line(copy: Path) -> None:
    """A file that is not YAML is one problem, on the line where reading stopped."""
    path = copy / "topics" / "types.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("answers:", "answers: ]", 1), encoding="utf-8")
    (problem,) = [p for p in check(copy) if "not valid YAML" in p.message]
    assert (problem.file, problem.line) == ("topics/types.yml", 5)


def test_rules_that_cannot_be_read_are_a_problem(copy: Path) -> None:
    """Without its rules the check does not pass."""
    (copy / "claims.yml").write_text("claims: [\n", encoding="utf-8")
    (problem,) = check(copy)
    assert "cannot be read" in problem.message


def test_every_rule_is_reasoned_and_covers_the_young() -> None:
    """A clinician can see why each rule is there, and nobody under 18 is left out."""
    rules = load_rules(ROOT)
    assert all(rule.reason for rule in (*rules.claims, *rules.with_))
    young = next(rule for rule in rules.withheld if rule.id == "under_18")
    assert young.when.who == set(UNDER_18)
    assert {f"treatment_home.{n}" for n in range(1, 7)} <= young.facts


@pytest.mark.parametrize(
    ("word", "count"),
    [("a", 1), ("bumps", 1), ("cysts", 1), ("treated", 2), ("removed", 2), ("clears", 1), ("article", 3), ("people", 2)]
    + [("baby", 2), ("usual", 3), ("places", 2), ("little", 2), ("skin's", 1), ("medical", 3), ("irritated", 4)],
)
def test_syllables_are_counted(word: str, count: int) -> None:
    """The words of the answers are counted as they are spoken."""
    assert count_syllables(word, load_rules(ROOT).syllables) == count


def test_the_reading_grade_is_that_of_flesch_and_kincaid() -> None:
    """The formula gives the grade that one computes by hand; a term of the article counts one syllable."""
    rules = load_rules(ROOT)
    # 7 words, 1 sentence, 8 syllables
    assert reading_grade("The little bumps sit on the face.", rules) == pytest.approx(0.39 * 7 + 11.8 * 8 / 7 - 15.59)
    assert reading_grade("See a provider.", rules) == reading_grade("See a term.", rules)
