"""What the trained evidence may do to what the rules found: raise it, or turn it into "if that happens", never silence it."""

from __future__ import annotations

from pathlib import Path

import pytest

from milia.conversation import State
from milia.nlu.message_network import DOUBTED, RECOGNIZED
from milia.nlu.warning_sign_detector import FINDINGS, findings_to_dict
from milia.policies.safety_policy import read_signs
from milia.warning_signs import Findings, Level, Mention, SignCatalog, load_signs

BREATH, CHEST = "ws.breathing_trouble", "ws.face_swelling"


@pytest.fixture(scope="module")
def catalog() -> SignCatalog:
    return load_signs(Path("data/content/warning_signs.yml"))


def found(*signs: str, supposed: tuple[str, ...] = ()) -> dict:
    """The parse of a message in which the rules found these signs."""
    mention = lambda sign: Mention(sign, 0, 4, "word")  # noqa: E731
    findings = Findings(signs=tuple(map(mention, signs)), hypothetical_signs=tuple(map(mention, supposed)))
    return {FINDINGS: findings_to_dict(findings)}


def test_what_the_rules_find_counts(catalog):
    after = read_signs(found(BREATH), State(), catalog)
    assert after.sign_now == (BREATH,) and after.level == Level.EMERGENCY_NOW.id


def test_what_the_evidence_speaks_against_is_answered_as_if_that_happens(catalog):
    after = read_signs(found(BREATH) | {DOUBTED: [BREATH]}, State(), catalog)
    assert after.sign_now == () and after.level == State().level
    assert after.sign_supposed == (BREATH,)


def test_a_doubted_sign_hides_no_other(catalog):
    after = read_signs(found(BREATH, CHEST) | {DOUBTED: [BREATH]}, State(), catalog)
    assert after.sign_now == (CHEST,)


def test_an_earlier_level_stays_when_a_later_finding_is_doubted(catalog):
    before = read_signs(found(BREATH), State(), catalog)
    after = read_signs(found(CHEST) | {DOUBTED: [CHEST]}, before, catalog)
    assert after.level == Level.EMERGENCY_NOW.id


def test_what_only_the_evidence_finds_counts(catalog):
    assert read_signs({RECOGNIZED: {BREATH: 0.22}}, State(), catalog).sign_now == (BREATH,)


def test_a_lower_sign_adds_nothing_to_what_the_rules_found(catalog):
    lower = next(sign for sign in catalog if catalog[sign].level == Level.PROVIDER_SOON)
    assert read_signs(found(BREATH) | {RECOGNIZED: {lower: 0.9}}, State(), catalog).sign_now == (BREATH,)


@pytest.mark.parametrize(("sure", "counts"), [(0.2, False), (0.7, True)])
def test_a_supposition_needs_more(catalog, sure, counts):
    after = read_signs(found(supposed=(BREATH,)) | {RECOGNIZED: {BREATH: sure}}, State(), catalog)
    assert (after.sign_now == (BREATH,)) is counts
    assert (after.sign_supposed == (BREATH,)) is not counts


@pytest.mark.parametrize(("sure", "counts"), [(0.2, False), (0.7, True)])
def test_an_answer_to_the_check_needs_more(catalog, sure, counts):
    in_check = State(check={})
    assert (read_signs({RECOGNIZED: {BREATH: sure}}, in_check, catalog).sign_now == (BREATH,)) is counts


@pytest.mark.parametrize(("sure", "counts"), [(0.25, False), (0.4, True)])
def test_more_than_the_rules_found_needs_more(catalog, sure, counts):
    lower = next(sign for sign in catalog if catalog[sign].level == Level.PROVIDER_SOON)
    after = read_signs(found(lower) | {RECOGNIZED: {BREATH: sure}}, State(), catalog)
    assert (BREATH in after.sign_now) is counts
