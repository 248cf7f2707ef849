"""One message's features are those that many messages get together."""

from __future__ import annotations

import numpy as np
import pytest

from milia.nlu.text_features import TextFeatures, fit_regressions

TEXTS = (
    "what are milia",
    "what is milia and how long do milia last?",
    "white bumps on my eyelid, how do i get rid of them",
    "My 3 week old's got white dots. Should I worry?",
    "white white white bumps bumps",
    "how long do they last on a baby's nose, is it normal",
)


@pytest.fixture(scope="module")
def features() -> TextFeatures:
    return TextFeatures(["eye", "baby"]).fit(TEXTS)


@pytest.mark.parametrize("text", [*TEXTS, "", "??", "qqqq", "white milia\n\nlast 38.5"], ids=range(len(TEXTS) + 4))
@pytest.mark.parametrize("named", [(), ("baby", "eye"), ("baby", "baby", "unknown")], ids=["none", "both", "twice"])
def test_a_message_alone_has_the_features_that_it_has_among_others(features, text, named):
    row = features.row(text, named)
    among_others = features.matrix([*TEXTS, text], [(), (), (), (), (), (), named])[len(TEXTS)]
    assert row.shape == among_others.shape and row.dtype == np.float32
    np.testing.assert_allclose(row.toarray(), among_others.toarray(), atol=1e-6)


def test_features_survive_being_stored(features, tmp_path):
    features.save(tmp_path / "features.joblib")
    stored = TextFeatures.load(tmp_path / "features.joblib")
    np.testing.assert_array_equal(stored.row(TEXTS[2], ("eye",)).toarray(), features.row(TEXTS[2], ("eye",)).toarray())
    assert stored.knows("bumps") and not stored.knows("qqqq")


def test_learning_anew_changes_the_features():
    features = TextFeatures(()).fit(TEXTS)
    before = features.row(TEXTS[0]).shape
    features.fit([f"{text} redness swelling" for text in TEXTS])
    assert features.row(TEXTS[0]).shape[1] > before[1]


def test_a_regression_scores_a_row_as_it_scores_the_matrix(features):
    matrix = features.matrix(TEXTS, [()] * len(TEXTS))
    regression = fit_regressions(matrix, np.eye(len(TEXTS), 2, dtype=np.float32), 4.0)
    np.testing.assert_allclose(regression.logits(features.row(TEXTS[1]))[0], regression.logits(matrix)[1], atol=1e-5)
