"""The answers as editors look at them: wordings, facts, how hard they are to read, from where they are offered."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from milia import content_check
from milia.content import Answer, Sentence, Topic, When
from milia.content_book import content_version
from milia.content_check import Rules, load_rules, reading_grade
from milia.staff.knowledge import Knowledge


@lru_cache(maxsize=4)
def faults_of(root: Path, version: str) -> tuple[str, ...]:
    """Return what `milia content check` finds; `version` is that of the content, so that it is looked at once."""
    return tuple(str(problem) for problem in content_check.check(root / "data" / "content"))[:100]


@lru_cache(maxsize=4)
def _rules(folder: Path, version: str) -> Rules:
    return load_rules(folder)


class ContentView:
    """Describes the content.

    Args:
        root: the project's folder.
        known: the content.
    """

    def __init__(self, root: Path, known: Knowledge) -> None:
        self._root, self._known = root, known
        self.version = content_version(root)
        self._grading = _rules(root / "data" / "content", self.version)

    @property
    def faults(self) -> list[str]:
        """What is wrong with the content."""
        return list(faults_of(self._root, self.version))

    def row(self, topic: Topic, asked: int, not_helpful: int) -> dict[str, Any]:
        """Return one line of the list of answers."""
        sentences = [sentence for answer in topic.answers for sentence in _sentences(answer)]
        sentences += [focus.sentence for focus in topic.focus]
        return {
            "id": topic.id,
            "title": topic.title,
            "facts": len({fact for sentence in sentences for fact in sentence.facts}),
            "answers": len(topic.answers),
            "wordings": sum(len(sentence.wordings) for sentence in sentences),
            "grade": max((self._grade(sentence) for sentence in sentences), default=0.0),
            "asked": asked,
            "not_helpful": not_helpful,
        }

    def topic(self, topic: Topic, asked: int) -> dict[str, Any]:
        """Return all about one answer."""
        answers = []
        named: dict[str, None] = {}
        for answer in topic.answers:
            lines = [self._line("lead", answer.lead)]
            lines += [self._line("more", one) for one in answer.more]
            lines += [self._line("detail", one) for one in answer.details]
            lines.append(self._line("provider", Sentence(answer.provider)))
            answers.append({"when": _when(answer.when), "sentences": lines})
            named |= dict.fromkeys(fact for one in _sentences(answer) for fact in one.facts)
        for focus in topic.focus:
            line = self._line("focus", focus.sentence, focus.cues)
            answers.append({"when": _when(focus.sentence.when), "sentences": [line]})
            named |= dict.fromkeys(focus.sentence.facts)
        facts = [self._known.content.facts[fact] for fact in named]
        return {
            "id": topic.id,
            "title": topic.title,
            "button": topic.button,
            "file": f"data/content/topics/{topic.id}.yml",
            "grade": self.row(topic, 0, 0)["grade"],
            "follow_ups": list(topic.follow_ups),
            "linked_from": [one.id for one in self._known.content.topics.values() if topic.id in one.follow_ups],
            "facts": [{"id": f.id, "text": f.text, "section": f.section, "status": f.status} for f in facts],
            "answers": answers,
            "asked": asked,
            "article": self._known.article,
        }

    def _line(self, role: str, sentence: Sentence, cues: tuple[str, ...] = ()) -> dict[str, Any]:
        return {
            "role": role,
            "wordings": list(sentence.wordings),
            "facts": list(sentence.facts),
            "grade": self._grade(sentence),
            "cues": list(cues),
        }

    def _grade(self, sentence: Sentence) -> float:
        return round(max((reading_grade(text, self._grading) for text in sentence.wordings), default=0.0), 1)


def _sentences(answer: Answer) -> tuple[Sentence, ...]:
    return (answer.lead, *answer.more, *answer.details)


def _when(when: When) -> str:
    parts: Mapping[str, frozenset[str]] = {
        "who": when.who, "not who": when.not_who, "area": when.area, "type": when.type, "before": when.before,
    }  # fmt: skip
    return "; ".join(f"{name}: {', '.join(sorted(values))}" for name, values in parts.items() if values)
