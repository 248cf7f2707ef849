"""What a choice is called on its way to a platform and back: a reference in a button, or a number in a list.

A button carries no payload, only where it was offered and its place; so nothing that comes from a platform can be more
than one of the buttons that the conversation was really offered.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_LONGEST = 40  # characters of "I choose option number two, please"
_REFERENCE = re.compile(r"m\.([0-9a-f]{12})\.(\d{1,2})")
_NUMBERS = {
    word: number
    for number, words in enumerate(
        (
            "one first 1st", "two second 2nd", "three third 3rd", "four fourth 4th", "five fifth 5th", "six sixth 6th",
            "seven seventh 7th", "eight eighth 8th", "nine ninth 9th", "ten tenth 10th", "eleven eleventh 11th",
            "twelve twelfth 12th",
        ),
        1,
    )
    for word in words.split()
}  # fmt: skip
_CHOICE = re.compile(
    r"(?:(?:option|number|choice|answer|reply|no|nr|the|its|it is|i choose|i pick|i take)\b[ .:]*)*"
    r"[#(\[]?\s*(?P<number>\d{1,2}|[a-z0-9]+)\s*[)\].:!,]*"
    r"(?:\s*(?:one|option|choice|please|pls|thanks|thank you))*[ .!]*"
)


@dataclass(frozen=True)
class Choice:
    """A button that was offered: its title, its payload, and its place, from 0."""

    title: str
    payload: str
    place: int


def reference(message_id: str, place: int) -> str:
    """Return what a button carries: the turn that offers it (26 bytes at most, less than any platform allows).

    Args:
        message_id: of the turn, hexadecimal.
        place: of the button in the turn, from 0.
    """
    return f"m.{message_id[:12]}.{place}"


def read_reference(text: str) -> tuple[str, int] | None:
    """Return the start of the turn's message id, and the place; None for anything else than a reference."""
    found = _REFERENCE.fullmatch(text)
    return (found.group(1), int(found.group(2))) if found else None


def choices_of(replies: Sequence[Mapping[str, Any]]) -> list[Choice]:
    """Return the buttons of a stored turn, in order."""
    found: list[Choice] = []
    for reply in replies:
        for button in reply.get("buttons") or ():
            found.append(Choice(str(button["title"]), str(button["payload"]), len(found)))
    return found


def typed_number(text: str) -> int | None:
    """Return the number that a message consists of: "2", "2.", "(2)", "two", "option 2", "the second one"; else None."""
    if len(text) > _LONGEST:
        return None
    plain = unicodedata.normalize("NFKC", text)
    # An emoji digit is a digit with two marks; apostrophes are left out of "it's 2".
    plain = re.sub("[\ufe0f\u20e3'\u2019]", "", plain).strip().lower()
    found = _CHOICE.fullmatch(plain)
    if not found:
        return None
    number = found.group("number")
    return int(number) if number.isdecimal() else _NUMBERS.get(number)


def typed_choice(text: str, offered: Sequence[Choice]) -> Choice | None:
    """Return the choice that a message names, by its number in the list or by its whole title; None for other text."""
    number = typed_number(text)
    if number is not None:
        return offered[number - 1] if 1 <= number <= len(offered) else None
    said = " ".join(text.split()).rstrip(".!").casefold()
    named = [choice for choice in offered if choice.title.casefold() == said]
    return named[0] if len(named) == 1 else None
