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
from milia.sign_scope import HYPOTHETICAL, IDIOM, NEGATED, PAST, PatternWords, Scoper, Scopes
from milia.sign_words import Word, Words
from milia.warning_signs import AgeRange, Findings, Mention, Temperature

_NEGATIONS = frozenset({"not", "cannot", "no", "never", "without", "nothing", "none"})
_MOST_CHARACTERS = 4000


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
        self._serious = frozenset(n for n, s in self._signs.items() if catalog[s].level > Level.PROVIDER_ROUTINE)
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
        kept = [i for i, w in enumerate(words) if not w.filler]
        hits = self._matcher([words[i].base for i in kept], [words[i].sentence for i in kept])
        consumed = frozenset(
            kept[i] for name, found in hits.items() if name in self._atoms or name in self._serious
            for h in found for i in h.used if words[kept[i]].base in _NEGATIONS and i + 1 in h.used
        )
        present: dict[str, Mention] = {}
        supposed: dict[str, Mention] = {}
        for name, found in hits.items():
            if name not in self._atoms and name not in self._signs:
                continue
            public = self._signs.get(name, name)
            for hit in found:
                used = [kept[i] for i in sorted(hit.used)]
                status = scopes.of(used, consumed)
                if status & {NEGATED, IDIOM} or (PAST in status and public not in self._scoper.lasting):
                    continue
                mention = Mention(public, words[used[0]].start, words[used[-1]].end, text[words[used[0]].start : words[used[-1]].end])
                target = supposed if HYPOTHETICAL in status and public not in self._scoper.earnest else present
                target.setdefault(public, mention)
        temperature, supposed_temperature = self._temperatures(text, words, scopes)
        return Findings(
            atoms=tuple(m for n, m in sorted(present.items()) if n in self._atoms),
            signs=tuple(m for n, m in sorted(present.items()) if n not in self._atoms),
            hypothetical_atoms=tuple(m for n, m in sorted(supposed.items()) if n in self._atoms and n not in present),
            hypothetical_signs=tuple(m for n, m in sorted(supposed.items()) if n not in self._atoms and n not in present),
            temperature=temperature,
            hypothetical_temperature=supposed_temperature,
            age=patient_age(find_ages(text), text),
        )

    def _temperatures(
        self, text: str, words: Sequence[Word], scopes: Scopes
    ) -> tuple[Temperature | None, Temperature | None]:
        """Return the most alarming temperature that is present, and the one that is only supposed."""
        present: list[TemperatureSpan] = []
        supposed: list[TemperatureSpan] = []
        for span in find_temperatures(text):
            at = [i for i, w in enumerate(words) if w.start < span.end and span.start < w.end]
            status = scopes.of(at, frozenset())
            if status & {PAST}:
                continue
            (supposed if HYPOTHETICAL in status else present).append(span)
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
