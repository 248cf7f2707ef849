"""A label-wise attention head over hidden states.

Each label looks for its own words in the message, so a question of five words is found in a story of sixty (Mullenbach
et al. 2018, "Explainable Prediction of Medical Codes from Clinical Text", describe the idea).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from milia.nlu.weights import Weights


@dataclass(frozen=True)
class LabelAttention(Weights):
    """The trained weights.

    Attributes:
        project, project_bias: (384, d) and (d,), a hidden layer over each token.
        attend: (d, labels), what each label looks for.
        label, label_bias: (labels, d) and (labels,), what it concludes from what it found.
        context: (384 + extra, labels), the message as a whole: mean of the states, then the extra features.
    """

    project: np.ndarray
    project_bias: np.ndarray
    attend: np.ndarray
    label: np.ndarray
    label_bias: np.ndarray
    context: np.ndarray

    def logits(self, states: np.ndarray, extra: np.ndarray) -> np.ndarray:
        """Score one message.

        Args:
            states: hidden states (tokens, 384).
            extra: binary features of the message (extra,).

        Returns:
            A logit for each label, (labels,).
        """
        hidden = _gelu(states @ self.project + self.project_bias)
        scores = hidden @ self.attend
        weights = np.exp(scores - scores.max(axis=0))
        weights /= weights.sum(axis=0)
        found = weights.T @ hidden
        context = np.concatenate([2 * states.mean(axis=0), extra]) @ self.context
        return np.asarray((found * self.label).sum(axis=1) + self.label_bias + context)


def _gelu(x: np.ndarray) -> np.ndarray:
    # The tanh form, as in training.
    return 0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3)))
