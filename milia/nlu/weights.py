"""Trained numbers by name, and how a model keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression
from typing_extensions import Self


@dataclass(frozen=True)
class Weights:
    """Base of dataclasses whose fields are all arrays."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the weights by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Make one from `arrays()`: float32 and contiguous, as products are fastest."""
        return cls(**{one.name: np.ascontiguousarray(arrays[one.name], np.float32) for one in fields(cls)})

    def save(self, path: Path) -> None:
        """Write an .npz file."""
        np.savez(path, **self.arrays())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            return cls.of(stored)


@dataclass(frozen=True)
class Regression(Weights):
    """Logistic regressions over the same features, one a column.

    Attributes:
        weights: (features, columns); contiguous, since SciPy copies a transposed view anew for every message.
        bias: (columns,).
    """

    weights: np.ndarray
    bias: np.ndarray

    @classmethod
    def of_models(cls, models: Sequence[LogisticRegression]) -> Self:
        """Take the weights of fitted models, one a column."""
        weights, bias = [one.coef_[0] for one in models], [one.intercept_[0] for one in models]
        return cls.of({"weights": np.array(weights).T, "bias": np.array(bias)})

    def logits(self, rows: np.ndarray | csr_matrix) -> np.ndarray:
        """Score messages: features (messages, features) in, logits (messages, columns) out."""
        return np.asarray(rows @ self.weights + self.bias)
