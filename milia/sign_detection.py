"""Find warning signs in what people type.

`SignDetector` turns a spaCy document into `Findings`: the message is cut into corrected base forms
(`milia.sign_words`), rules from the content file run over them (`milia.sign_patterns`), and what is negated, past or a
figure of speech falls away while what is only supposed is kept apart (`milia.sign_scope`). Ages and temperatures come
from `milia.quantities`. What the findings mean is for `milia.warning_signs`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from spacy.language import Language
from spacy.tokens import Doc

from milia.quantities import YEAR, AgeSpan, TemperatureSpan, corrected_days, find_ages, find_temperatures
from milia.sign_catalog import Level, SignCatalog
from milia.sign_patterns import PatternMatcher
from milia.sign_scope import GENERAL, HYPOTHETICAL, IDIOM, NEGATED, PAST, PatternWords, Scoper, Scopes
from milia.sign_words import Word, Words
from milia.warning_signs import AgeRange, Findings, Mention, Temperature

_NEGATIONS = frozenset({"not", "cannot", "no", "never", "without", "nothing", "none"})
_MOST_CHARACTERS = 4000
PRESENT, SUPPOSED = "present", "supposed"
UNSURE = "ws.unsure"


class SignDetector:
    """Detect warning signs in documents.

    Args:
        nlp: The English spaCy pipeline; its lemma tables and vocabulary are used, the parser is not needed.
        catalog: The warning signs with their rules.
    """

    def __init__(self, nlp: Language, catalog: SignCatalog) -> None:
        rules = catalog.rules
        self._words = Words(nlp, rules.spellings, rules.fillers)
        patterns = {**rules.concepts, **rules.atoms, **{s.id.replace("ws.", "ws_"): s.patterns for s in catalog.values()}}
        self._atoms = frozenset(rules.atoms)
        self._signs = {s.replace("ws.", "ws_"): s for s in catalog}
        self._routine = frozenset(n for n, s in self._signs.items() if catalog[s].level == Level.PROVIDER_ROUTINE)
        self._matcher = PatternMatcher(nlp.vocab, patterns, self._bases)
        self._scoper = Scoper(nlp.vocab, rules.cues, PatternWords(self._words))
        self._words.learn(self._matcher.vocabulary | self._scoper.vocabulary)

    def _bases(self, phrase: str) -> list[str]:
        """Return the base forms of a phrase of a rule."""
        return [w.base for w in self._words(phrase) if not w.filler]

    def detect(self, doc: Doc) -> Findings:
        """Return what a message says about warning signs."""
        return self.detect_text(doc.text)

    def detect_text(self, text: str) -> Findings:
        """Return what a text says about warning signs; texts beyond 4,000 characters are cut."""
        text = text[:_MOST_CHARACTERS]
        words = self._words(text)
        if not words:
            return Findings()
        scopes = self._scoper(words)
        present, supposed, dismissed = self._mentions(text, words, scopes)
        temperature, supposed_temperature = self._temperatures(text, words, scopes)
        return Findings(
            atoms=tuple(m for m in present if m.name in self._atoms),
            signs=tuple(m for m in present if m.name not in self._atoms),
            hypothetical_atoms=tuple(m for m in supposed if m.name in self._atoms),
            hypothetical_signs=tuple(m for m in supposed if m.name not in self._atoms),
            temperature=temperature,
            hypothetical_temperature=supposed_temperature,
            age=patient_age(find_ages(text), text),
            dismissed=dismissed,
        )

    def _mentions(
        self, text: str, words: Sequence[Word], scopes: Scopes
    ) -> tuple[list[Mention], list[Mention], bool]:
        """Return what is present and what is only supposed, each atom or sign once, in the order of names.

        The last value tells whether anything was named that is not there.
        """
        kept = [i for i, w in enumerate(words) if not w.filler]
        hits = self._matcher([words[i].base for i in kept], [words[i].sentence for i in kept])
        hits = {name: found for name, found in hits.items() if name in self._atoms or name in self._signs}
        consumed = frozenset(
            kept[i] for name, found in hits.items() if name not in self._routine
            for hit in found for i in hit.used if words[kept[i]].base in _NEGATIONS and i + 1 in hit.used
        )
        present: dict[str, Mention] = {}
        supposed: dict[str, Mention] = {}
        dismissed = False
        for name, found in hits.items():
            public = self._signs.get(name, name)
            for hit in found:
                used = [kept[i] for i in sorted(hit.used)]
                standing = self._standing(public, scopes.of(used, consumed))
                dismissed = dismissed or not standing
                if standing:
                    start, end = words[used[0]].start, words[used[-1]].end
                    target = present if standing == PRESENT else supposed
                    target.setdefault(public, Mention(public, start, end, text[start:end]))
        for hit in scopes.asked[:1]:
            start, end = words[hit.start].start, words[hit.end - 1].end
            present.setdefault(UNSURE, Mention(UNSURE, start, end, text[start:end]))
        return (
            [mention for _, mention in sorted(present.items())],
            [mention for name, mention in sorted(supposed.items()) if name not in present],
            dismissed,
        )

    def _standing(self, name: str, scopes: frozenset[str]) -> str:
        """Return whether a finding is `present`, `supposed` or, for an empty string, not there."""
        if scopes & {NEGATED, IDIOM} or (PAST in scopes and name not in self._scoper.lasting):
            return ""
        if name in self._scoper.always:
            return PRESENT
        if GENERAL in scopes or (HYPOTHETICAL in scopes and name not in self._scoper.earnest):
            return SUPPOSED
        return PRESENT

    def _temperatures(
        self, text: str, words: Sequence[Word], scopes: Scopes
    ) -> tuple[Temperature | None, Temperature | None]:
        """Return the most alarming temperature that is present, and the one that is only supposed."""
        present: list[TemperatureSpan] = []
        supposed: list[TemperatureSpan] = []
        for span in find_temperatures(text):
            at = [i for i, w in enumerate(words) if w.start < span.end and span.start < w.end]
            status = scopes.of(at, frozenset())
            if PAST not in status:
                (supposed if status & {HYPOTHETICAL, GENERAL} else present).append(span)
        return _most_alarming(present), _most_alarming(supposed)


def _most_alarming(spans: Sequence[TemperatureSpan]) -> Temperature | None:
    """Return the temperature furthest from normal."""
    if not spans:
        return None
    worst = max(spans, key=lambda s: abs(s.celsius - 36.9))
    return Temperature(worst.celsius, worst.site, worst.start, worst.end, worst.text)


def patient_age(spans: Iterable[AgeSpan], text: str) -> AgeRange | None:
    """Return the age of the person spoken of.

    A figure beats a word; a child beats the writer; the younger of date-of-birth age and corrected age counts, and of
    several children the youngest.
    """
    found = list(spans)
    if not found:
        return None
    figures = [s for s in found if s.kind in {"number", "born"} and not s.self_said]
    weak = [s for s in found if s.kind == "weak"]
    groups = [s for s in found if s.kind == "word"]
    own = [s for s in found if s.self_said]
    babies = [s for s in groups if s.group in {"newborn", "baby"}]
    newborns = [s for s in babies if s.group == "newborn"]
    if figures:
        chosen = min(figures, key=lambda s: s.low)
        if chosen.kind == "born":  # "born yesterday, 20 hours old"
            chosen = min((s for s in figures if chosen.low <= s.low and s.high <= chosen.high), key=lambda s: s.high)
        if chosen.low > 3 * YEAR and babies:
            chosen = min(babies, key=lambda s: s.high)
    elif weak and (babies or not own):
        chosen = weak[0]
    elif newborns:
        chosen = newborns[0]
    elif groups:
        chosen = min(groups, key=lambda s: (s.group not in {"newborn", "baby"}, s.low))
    else:
        chosen = (own or found)[0]
    corrected = corrected_days(text, chosen.low) if chosen.high < 3 * YEAR and not chosen.group else None
    if corrected is not None and corrected < chosen.low:
        return AgeRange(corrected, corrected + 6.99, "", chosen.start, chosen.end, chosen.text)
    return AgeRange(chosen.low, chosen.high, chosen.group, chosen.start, chosen.end, chosen.text)
