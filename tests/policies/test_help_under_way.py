"""Help is taken to be under way only where somebody says so: a denial, a question or a maybe repeats the warning."""

from __future__ import annotations

import pytest

from milia.policies.safety_policy import says_help_is_under_way


@pytest.mark.parametrize(
    "text",
    [
        "i havent called the doctor yet",
        "nobody is taking him to hospital",
        "I am not going to the ER",
        "should we be heading to the er?",
        "we're thinking of going to the hospital",
        "dont want an ambulance, is help coming",
        "the gp can\u2019t see us, appointment in a week",
        "I would rather wait than be taking her to hospital",
    ],
)
@pytest.mark.parametrize("understood", [True, False])
def test_what_is_no_help(text: str, understood: bool) -> None:
    assert not says_help_is_under_way(text, understood)


@pytest.mark.parametrize(
    "text", ["we called 911", "on our way now", "at the hospital with her", "ambulance is here", "seeing the paediatrician at 3, appointment today"]
)
def test_what_is_help(text: str) -> None:
    assert says_help_is_under_way(text, False)


def test_the_classifier_alone_is_enough() -> None:
    assert says_help_is_under_way("help has just come through the door", True)
    assert not says_help_is_under_way("help has just come through the door", False)
