"""The sentences that join answers into one reply, and how one of several wordings is chosen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from milia.content import LOADER, ContentError, Sentence


@dataclass(frozen=True, slots=True)
class FollowUpRule:
    """After one of these topics, a message with this label asks about a theme that the article does not answer."""

    after: frozenset[str]
    label: str
    theme: str


@dataclass(frozen=True)
class Phrases:
    """`data/content/replies.yml`, by dotted name ("describe.lead")."""

    texts: Mapping[str, tuple[str, ...]]
    describe_more: tuple[Sentence, ...]
    contexts: tuple[FollowUpRule, ...]

    def __getitem__(self, name: str) -> tuple[str, ...]:
        if name not in self.texts:
            raise ContentError(f"replies.yml: unknown phrase {name!r}; known: {', '.join(self.texts)}")
        return self.texts[name]


def load_phrases(path: Path) -> Phrases:
    """Read the joining sentences.

    Raises:
        ContentError: the file is not of the documented form.
    """
    root = yaml.load(path.read_text(encoding="utf-8"), Loader=LOADER)
    if not isinstance(root, dict) or list(root) != ["replies"]:
        raise ContentError(f"{path.name}: expected the one root key 'replies'")
    texts: dict[str, tuple[str, ...]] = {}
    more: tuple[Sentence, ...] = ()
    contexts: tuple[FollowUpRule, ...] = ()
    for key, value in root["replies"].items():
        if key == "contexts":
            contexts = tuple(FollowUpRule(frozenset(r["after"]), r["label"], r["theme"]) for r in value)
        elif isinstance(value, dict):
            for name, lines in value.items():
                if name == "more":
                    more = tuple(Sentence(tuple(one["text"]), tuple(one["facts"])) for one in lines)
                else:
                    texts[f"{key}.{name}"] = tuple(lines)
        else:
            texts[key] = (value,) if isinstance(value, str) else tuple(value)
    return Phrases(texts, more, contexts)


@dataclass(frozen=True, slots=True)
class Chooser:
    """Chooses a wording, by the conversation and the turn: varied for people, the same again in a replay."""

    conversation: str
    turn: int

    def of(self, wordings: Sequence[str]) -> str:
        """Return one of the wordings; the next turn takes the next one, so that no two in a row are alike."""
        seed = f"{self.conversation}\n{wordings[0]}".encode()
        start = int.from_bytes(hashlib.blake2b(seed, digest_size=4).digest(), "big")
        return wordings[(start + self.turn) % len(wordings)]
