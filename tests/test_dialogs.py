"""Every conversation of tests/dialogs goes as its file says, with the current model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from milia.evaluation.dialog_tests import DialogResult, DialogTest, load_dialog_tests, report

FOLDER = Path(__file__).parent / "dialogs"


@pytest.mark.model
@pytest.mark.parametrize("test", load_dialog_tests(FOLDER), ids=lambda test: test.name)
def test_dialog(test: DialogTest, run_dialog: Callable[[DialogTest], DialogResult]) -> None:
    result = run_dialog(test)
    assert result.passed, "\n" + "\n".join(report(result))
