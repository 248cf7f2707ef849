"""Word, character and concept features of a message, and logistic regressions over them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from milia.nlu.weights import Regression

# How much each block counts beside the others; chosen by cross-validation on the training data.
WORDS, CHARACTERS, QUESTION, CONCEPTS = 1.0, 0.6, 0.8, 0.5
_WORD = r"[a-z0-9]+|[?]"
_BREAK = re.compile(
    r"(?<=[.!?;])\s+|\n+|,\s+|\s+(?=(?:what|how|why|is it|are they|can i|should i|do i|will it)\b)", re.IGNORECASE
)
_ASKS = re.compile(
    r"(?:what|whats|how|hows|why|when|where|who|which|is|are|can|could|do|does|did|should|shall|will|would|may|might|any|"
    r"worried|worth|normal|tell me|explain|wondering|want to know|need to)\b",
    re.IGNORECASE,
)


def plain(text: str) -> str:
    """Lower the case, drop apostrophes (people do) and make all figures alike."""
    text = text.lower().replace("\u2019", "'").replace("'", "")
    return re.sub(r"\s+", " ", re.sub(r"\d+", "0", text))


def question_part(text: str) -> str:
    """Return the clauses that ask something; else the last one, where people put what they want.

    A story of sixty words holds a question of five; without this its words drown.
    """
    clauses = [clause.strip() for clause in _BREAK.split(text) if clause.strip()]
    asking = [clause for clause in clauses if "?" in clause] or [clause for clause in clauses if _ASKS.match(clause)]
    return " ".join(asking or clauses[-1:])


class TextFeatures:
    """TF-IDF of words and characters, and which concepts are named."""

    def __init__(self, concepts: Sequence[str]) -> None:
        self.concepts = tuple(concepts)
        self._place = {concept: i for i, concept in enumerate(self.concepts)}
        # As the weights are: of another type, SciPy would convert all of those for every message.
        kind = {"sublinear_tf": True, "preprocessor": plain, "dtype": np.float32}
        shared = {**kind, "min_df": 2, "token_pattern": _WORD}
        self._terms: list[_Terms] | None = None
        self._words = TfidfVectorizer(ngram_range=(1, 2), **shared)
        self._question = TfidfVectorizer(ngram_range=(1, 3), **shared)
        self._characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=3, **kind)

    def fit(self, texts: Sequence[str]) -> TextFeatures:
        """Learn the vocabulary."""
        self._terms = None
        self._words.fit(texts)
        self._question.fit([question_part(text) for text in texts])
        self._characters.fit(texts)
        return self

    def knows(self, text: str) -> bool:
        """Tell whether the training data has any word of the text; of none of them a score means nothing."""
        return any(word in self._words.vocabulary_ for word in re.findall(r"[a-z]+", plain(text)))

    def matrix(self, texts: Sequence[str], named: Sequence[Sequence[str]]) -> csr_matrix:
        """Return all features, sparse, (messages, features).

        Args:
            texts: the messages, spelling corrected.
            named: the concepts that each of them names; unknown ones are left out.
        """
        flags = np.zeros((len(named), len(self.concepts)), np.float32)
        for row, names in enumerate(named):
            flags[row, [self._place[name] for name in names if name in self._place]] = 1
        return hstack(
            [
                self._words.transform(texts) * WORDS,
                self._characters.transform(texts) * CHARACTERS,
                self._question.transform([question_part(text) for text in texts]) * QUESTION,
                csr_matrix(flags * CONCEPTS),
            ]
        ).tocsr()

    def row(self, text: str, named: Sequence[str] = ()) -> csr_matrix:
        """Return the features of one message, (1, features): what `matrix` gives, in a third of the time."""
        if self._terms is None:
            self._terms = [_Terms.of(one) for one in (self._words, self._characters, self._question)]
        places, values, width = [], [], 0
        parts = zip(self._terms, (text, text, question_part(text)), (WORDS, CHARACTERS, QUESTION), strict=True)
        for terms, part, weight in parts:
            known, found = terms(part)
            places.append(known + width)
            values.append(found * weight)
            width += len(terms.vocabulary)
        flags = sorted({self._place[name] for name in named if name in self._place})
        columns = np.concatenate([*places, np.array(flags, np.int64) + width])
        data = np.concatenate([*values, np.full(len(flags), CONCEPTS)]).astype(np.float32)
        return csr_matrix((data, columns, [0, len(columns)]), shape=(1, width + len(self.concepts)))

    def save(self, path: Path) -> None:
        """Write the vocabulary."""
        joblib.dump((self.concepts, self._words, self._characters, self._question), path, compress=3)

    @classmethod
    def load(cls, path: Path) -> TextFeatures:
        """Read what `save` wrote; part of a model archive, so as trusted as the model itself."""
        concepts, *vectorizers = joblib.load(path)
        features = cls(concepts)
        features._words, features._characters, features._question = vectorizers
        return features


@dataclass(frozen=True)
class _Terms:
    """What a fitted vectorizer needs for one text; sklearn's own way is made for many."""

    analyze: Callable[[str], list[str]]
    vocabulary: Mapping[str, int]
    idf: np.ndarray

    @classmethod
    def of(cls, vectorizer: TfidfVectorizer) -> _Terms:
        return cls(vectorizer.build_analyzer(), vectorizer.vocabulary_, vectorizer.idf_)

    def __call__(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the columns of the terms that a text has, and their values: sublinear TF-IDF of length 1."""
        counts = Counter(self.analyze(text))
        known = {self.vocabulary[term]: count for term, count in counts.items() if term in self.vocabulary}
        columns = np.fromiter(known, np.int64, len(known))
        values = (1 + np.log(np.fromiter(known.values(), np.float32, len(known)))) * self.idf[columns]
        return columns, values / max(float(np.linalg.norm(values)), 1e-12)


def fit_regressions(matrix: csr_matrix, targets: np.ndarray, regularization: float) -> Regression:
    """Fit a logistic regression for each column of 0/1 targets (messages, labels)."""
    models = [
        LogisticRegression(C=regularization, solver="liblinear", max_iter=300).fit(matrix, column)
        for column in targets.T
    ]
    return Regression.of_models(models)
