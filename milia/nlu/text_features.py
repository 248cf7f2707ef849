"""Word, character and concept features of a message, beside its embedding."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import joblib
import numpy as np
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import TfidfVectorizer

# How much each block counts beside the others; chosen by cross-validation on the training data.
WORDS, CHARACTERS, EMBEDDING, CONCEPTS = 1.0, 0.6, 2.0, 0.5


def plain(text: str) -> str:
    """Lower the case, drop apostrophes (people do) and make all figures alike."""
    text = text.lower().replace("\u2019", "'").replace("'", "")
    return re.sub(r"\s+", " ", re.sub(r"\d+", "0", text))


class TextFeatures:
    """TF-IDF of words and characters, the sentence embedding, and which concepts are named."""

    def __init__(self, concepts: Sequence[str]) -> None:
        self.concepts = tuple(concepts)
        self._place = {concept: i for i, concept in enumerate(self.concepts)}
        self._words = TfidfVectorizer(
            ngram_range=(1, 2), min_df=2, sublinear_tf=True, preprocessor=plain, token_pattern=r"[a-z0-9]+|[?]"
        )
        self._characters = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True, preprocessor=plain
        )

    def fit(self, texts: Sequence[str]) -> TextFeatures:
        """Learn the vocabulary."""
        self._words.fit(texts)
        self._characters.fit(texts)
        return self

    def flags(self, named: Sequence[Sequence[str]]) -> np.ndarray:
        """Return which concepts each message names, 0/1 float32 (messages, concepts); unknown ones are left out."""
        flags = np.zeros((len(named), len(self.concepts)), np.float32)
        for row, names in enumerate(named):
            flags[row, [self._place[name] for name in names if name in self._place]] = 1
        return flags

    def matrix(self, texts: Sequence[str], embeddings: np.ndarray, flags: np.ndarray) -> csr_matrix:
        """Return all features, sparse, (messages, features)."""
        return hstack(
            [
                self._words.transform(texts) * WORDS,
                self._characters.transform(texts) * CHARACTERS,
                csr_matrix(embeddings * EMBEDDING),
                csr_matrix(flags * CONCEPTS),
            ]
        ).tocsr()

    def save(self, path: Path) -> None:
        """Write the vocabulary."""
        joblib.dump((self.concepts, self._words, self._characters), path, compress=3)

    @classmethod
    def load(cls, path: Path) -> TextFeatures:
        """Read what `save` wrote; part of a model archive, so as trusted as the model itself."""
        concepts, words, characters = joblib.load(path)
        features = cls(concepts)
        features._words, features._characters = words, characters
        return features
