"""Corrects plain spelling mistakes before a message is understood; what the user wrote is kept as it is.

A general English word list settles what is a word; where several corrections are as near, one of the words that this
project's word lists name wins ("fevr" is fever, not fear). Only letters swapped, missing, doubled or wrong by one count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files

_TOKEN = re.compile(r"[A-Za-z]+(?:['\u2019][A-Za-z]+)?")
# Nobody can spell it, and it is the one word that matters; every form goes to one.
_MILIA = re.compile(r"\bm[aeiy]l+(?:[iey]{1,2}|ai|ie)[aehou]{0,2}h?s?\b", re.IGNORECASE)
_NOT_MILIA = frozenset("mile miles milo mils mill mills mall malls mali male males mel mela mole moles mule mules mila malia".split())
_SHORTEST, _LONG = 4, 7


class Speller:
    """A spelling corrector.

    Args:
        words: words and phrases of the project's own lists; they count as spelt right and win over others.
    """

    def __init__(self, words: Iterable[str]) -> None:
        from symspellpy import SymSpell, Verbosity

        self._closest = Verbosity.CLOSEST
        self._words = SymSpell(max_dictionary_edit_distance=1, prefix_length=7)
        source = files("symspellpy") / "frequency_dictionary_en_82_765.txt"
        if not self._words.load_dictionary(str(source), 0, 1):
            raise RuntimeError("the word list of symspellpy is missing; run `make setup` again")
        self._own = {part for word in words for part in re.findall(r"[a-z]+", word.lower()) if len(part) >= _SHORTEST}
        self._added = self._own - self._words.words.keys()
        for word in self._added:
            self._words.create_dictionary_entry(word, 1)
        self._contracted = {word.replace("'", "") for word in self._words.words if "'" in word}
        self._one = lru_cache(maxsize=10_000)(self._correct)

    def __call__(self, text: str) -> str:
        """Return the text with plain mistakes corrected."""
        text = _MILIA.sub(lambda match: match[0] if match[0].lower() in _NOT_MILIA | {"milia"} else "milia", text)
        return _TOKEN.sub(lambda match: self._one(match[0]), text)

    def _correct(self, token: str) -> str:
        word = token.lower().replace("\u2019", "'")
        if len(word) < _SHORTEST or self._is_word(word):
            return token
        found = [one.term for one in self._words.lookup(word, self._closest, max_edit_distance=1)]
        own = [term for term in found if term in self._own]
        if own:
            return str(own[0])
        # Short unknown words are mostly chat ("shud", "aint", "meds"): guessing does more harm than leaving them.
        return str(found[0]) if found and len(word) >= _LONG else token

    def knows(self, word: str) -> bool:
        """Tell whether the general list has a lower-case word, in the singular or the plural; ours names "bebe" too."""
        return any(form in self._words.words and form not in self._added for form in (word, word.removesuffix("s")))

    def _is_word(self, word: str) -> bool:
        stem = word.removesuffix("'s")
        forms = (stem, stem.removesuffix("s"), stem.removesuffix("es"))
        return any(form in self._words.words for form in forms) or word.replace("'", "") in self._contracted
