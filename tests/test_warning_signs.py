"""The list of warning signs, the combination table, levels and the texts of replies."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from milia.sign_catalog import DERIVED_ATOMS
from milia.sign_messages import sentences
from milia.warning_signs import (
    AgeRange,
    Context,
    Findings,
    Level,
    Mention,
    SignCatalog,
    SignError,
    Temperature,
    conversation_level,
    escalation,
    general_advice,
    hypothetical_signs_in,
    load_signs,
    safety_net,
    signs_in,
)

FILE = Path(__file__).resolve().parents[1] / "data/content/warning_signs.yml"
CATALOG = load_signs(FILE)
INDEX = """
ws.breathing_trouble | emergency_now | anyone | yes
ws.face_swelling | emergency_now | anyone | yes
ws.collapse_confusion | emergency_now | anyone | yes
ws.infant_u3m_temp | emergency_now | newborn / infant under 3 months | yes
ws.infant_u3m_unwell | emergency_now | newborn / infant under 3 months | yes
ws.infant_u3m_blisters | emergency_now | newborn / infant under 3 months | yes
ws.child_seriously_unwell | emergency_now | infant 3-12 months / child / teen | yes
ws.nonblanching | emergency_now | anyone | yes
ws.meningitis_signs | emergency_now | anyone | yes
ws.sepsis_signs | emergency_now | anyone | yes
ws.infection_severe | emergency_now | anyone | yes
ws.bleeding_wont_stop | emergency_now | anyone | yes
ws.widespread_blister_peel | emergency_now | anyone | yes
ws.whole_body_red | emergency_now | anyone | yes
ws.drug_rash_severe | emergency_now | anyone | yes
ws.chemical_burn_severe | emergency_now | anyone | yes
ws.product_in_eye | emergency_now | anyone | yes
ws.swallowed_product | emergency_now | anyone | yes
ws.eye_emergency | emergency_now | anyone | yes
ws.immuno_fever | emergency_now | anyone | yes
ws.self_harm | emergency_now | anyone | yes
ws.unsafe_harm | emergency_now | anyone | yes
ws.other_emergency | emergency_now | anyone | yes
ws.infant_u3m_borderline | urgent_same_day | newborn / infant under 3 months | yes
ws.infant_u3m_pus | urgent_same_day | newborn / infant under 3 months | yes
ws.newborn_jaundice | urgent_same_day | newborn / infant | yes
ws.infant_3_12m_unwell | urgent_same_day | infant 3-12 months | yes
ws.parent_serious_worry | urgent_same_day | newborn / infant / child | yes
ws.infection_local | urgent_same_day | anyone | yes
ws.infection_face_eye | urgent_same_day | anyone | yes
ws.removal_wound_infected | urgent_same_day | anyone | yes
ws.drug_rash | urgent_same_day | anyone | yes
ws.product_reaction | urgent_same_day | anyone | yes
ws.product_burn | urgent_same_day | anyone | yes
ws.eyelid_symptoms | urgent_same_day | anyone | yes
ws.painful_blisters | urgent_same_day | infant 3-12 months / child / teen / adult | yes
ws.eczema_blisters | urgent_same_day | anyone | yes
ws.chickenpox_risk | urgent_same_day | pregnant / weakened immunity / adult / infant | yes
ws.child_blisters | urgent_same_day | infant 3-12 months / child / teen | yes
ws.mpox_risk | urgent_same_day | anyone | yes
ws.immuno_rash | urgent_same_day | anyone | yes
ws.sudden_widespread | urgent_same_day | anyone | yes
ws.fever_with_rash | urgent_same_day | child / teen / adult | yes
ws.eyelid_persistent | provider_soon | adult, child | yes
ws.adult_fluid_bumps | provider_soon | adult | yes
ws.immuno_bump | provider_soon | anyone | yes
ws.sudden_many | provider_soon | anyone | no
ws.most_of_body | provider_soon | anyone | yes
ws.yellow_crops | provider_soon | anyone | yes
ws.bleeding_nonhealing | provider_soon | anyone | yes
ws.changing_growing | provider_soon | anyone | yes
ws.fast_growing_lump | provider_soon | adult | yes
ws.pearly_vessels | provider_soon | adult | yes
ws.mole_abcde | provider_soon | anyone | yes
ws.hard_fixed_lump | provider_soon | anyone | yes
ws.painful_bump | provider_soon | anyone | yes
ws.genital_anal | provider_soon | teen / adult | yes
ws.child_genital_anal | provider_soon | infant / child | yes
ws.mouth_lip | provider_soon | anyone | yes
ws.inherited_features | provider_soon | anyone | yes
ws.clustered_patch | provider_soon | infant 3-12 months / child / teen / adult | no
ws.pregnancy_treatment | provider_soon | pregnant, trying, breastfeeding | no
ws.infant_product_use | provider_soon | infant / child | no
ws.skin_picking_distress | provider_soon | anyone | no
ws.family_history | provider_routine | anyone | no
ws.steroid_use | provider_routine | anyone | no
ws.self_removal_intent | provider_routine | anyone | no
ws.persisting | provider_routine | anyone | no
ws.unsure | provider_routine | anyone | no
"""
ROWS = [tuple(part.strip() for part in line.split("|")) for line in INDEX.strip().splitlines()]
ATOMS = sorted(CATALOG.rules.atoms)
# Words that no reply may hold (triage-table.md, section 8); the rules for wording are checked over all replies elsewhere.
FORBIDDEN = re.compile(
    r"you have|your baby has milia|this is milia|definitely|certainly|it's just|only milia|nothing to worry about|you're fine|"
    r"\bharmless|no need to see|diagnos(?:e|is) you|rule out|benign|cancer|shingles|herpes|meningitis|sepsis|chickenpox|jaundice",
    re.IGNORECASE,
)
_ACTION = re.compile(
    r"(?:call|press|rinse|take|go to|get|ring|if you are hurt|if there is danger)\b", re.IGNORECASE
)


def findings(atoms: str = "", *, signs: str = "", temp: float | None = None, site: str = "", **age: Any) -> Findings:
    """Build findings from names; the age as `days=` or `group=`."""
    said = Context.of(age_days=age.get("days"), group=age.get("group", "")).age
    return Findings(
        atoms=tuple(Mention(a, 0, 1, a) for a in atoms.split()),
        signs=tuple(Mention(s, 0, 1, s) for s in signs.split()),
        temperature=None if temp is None else Temperature(temp, site),
        age=said,
    )


def test_the_index() -> None:
    found = [(s.id, s.level.id, s.group, "yes" if s.blocking else "no") for s in CATALOG.values()]

    assert found == ROWS
    assert [sum(row[1] == level for row in ROWS) for level in ("emergency_now", "urgent_same_day", "provider_soon", "provider_routine")] == [23, 20, 21, 5]


def test_it_says_that_no_clinician_has_reviewed_it() -> None:
    assert CATALOG.reviewed == "not reviewed by a clinician"


@pytest.mark.parametrize(
    ("found", "sign"),
    [
        (findings("fever", days=35), "ws.infant_u3m_temp"),
        (findings("feels_hot", group="newborn"), "ws.infant_u3m_temp"),
        (findings("feels_cold", days=20), "ws.infant_u3m_temp"),
        (findings(temp=38.0, days=90), "ws.infant_u3m_temp"),
        (findings(temp=35.9, days=10), "ws.infant_u3m_temp"),
        (findings("fever", group="baby"), "ws.infant_u3m_temp"),
        (findings(temp=37.5, days=60), "ws.infant_u3m_borderline"),
        (findings(temp=37.9, site="armpit", days=60), "ws.infant_u3m_borderline"),
        (findings("temp_doubt", days=60), "ws.infant_u3m_borderline"),
        (findings("pox_contact", days=20), "ws.infant_u3m_unwell"),
        (findings("pox_blisters", group="newborn"), "ws.infant_u3m_unwell"),
        (findings("serious_worry", days=50), "ws.infant_u3m_unwell"),
        (findings("yellow_skin", days=0.5), "ws.infant_u3m_unwell"),
        (findings("blister", days=50), "ws.infant_u3m_blisters"),
        (findings("sores", days=50), "ws.infant_u3m_blisters"),
        (findings("raw_skin", days=50), "ws.infant_u3m_blisters"),
        (findings("red_bump", days=50), "ws.infant_u3m_pus"),
        (findings("pus", days=50), "ws.infant_u3m_pus"),
        (findings("spreading_redness", days=50), "ws.infant_u3m_unwell"),
        (findings("local_heat", days=50), "ws.infant_u3m_unwell"),
        (findings("swelling", days=50), "ws.infant_u3m_unwell"),
        *((findings(f"infection_sign {x}"), "ws.infection_severe") for x in "fever chills vomiting faintness racing_heart spread_fast extreme_pain".split()),
        *((findings(f"infection_sign {x}"), "ws.infection_face_eye") for x in "face eye_area diabetes immuno".split()),
        (findings("infection_sign", days=800), "ws.infection_face_eye"),
        (findings("infection_sign", days=80 * 365), "ws.infection_face_eye"),
        (findings("removal_attempt infection_sign"), "ws.removal_wound_infected"),
        *((findings(f"eye_area {x}"), "ws.eyelid_symptoms") for x in "pain swelling redness pus light_sensitivity".split()),
        *((findings(f"eye_area {x}"), "ws.eye_emergency") for x in "sight_change extreme_pain eye_bulging eye_move_pain".split()),
        (findings("eye_area swelling fever"), "ws.eye_emergency"),
        (findings("new_medicine rash skin_reaction"), "ws.drug_rash"),
        *((findings(f"new_medicine rash skin_reaction {x}"), "ws.drug_rash_severe") for x in "fever face_swelling blister mouth_sores skin_pain swollen_glands".split()),
        (findings("fever rash", days=3000), "ws.fever_with_rash"),
        (findings("unwell new_bumps", group="adult"), "ws.fever_with_rash"),
        (findings("fever rash", days=200), "ws.infant_3_12m_unwell"),
        (findings("fever blister large_area"), "ws.widespread_blister_peel"),
        (findings("fever mouth_sores rash"), "ws.widespread_blister_peel"),
        (findings("eczema blister"), "ws.eczema_blisters"),
        (findings("eczema blister fever"), "ws.infection_severe"),
        *((findings(f"immuno {x}"), "ws.immuno_fever") for x in "fever chills unwell infection_sign".split()),
        *((findings(f"immuno {x}"), "ws.immuno_rash") for x in "rash many_bumps blister".split()),
        (findings("immuno bump"), "ws.immuno_bump"),
        (findings("pregnant blister"), "ws.chickenpox_risk"),
        (findings("pregnant pox_contact"), "ws.chickenpox_risk"),
        *((findings(f"skin_product product_use {x}"), "ws.product_reaction") for x in "product_hives product_itch product_swelling".split()),
        *((findings(f"skin_product product_use {x}"), "ws.breathing_trouble") for x in "throat_breath face_swelling faintness".split()),
        (findings("skin_product product_use face_swelling"), "ws.face_swelling"),
        (findings("yellow_crops belly_pain"), "ws.other_emergency"),
        (findings("yellow_crops belly_pain"), "ws.yellow_crops"),
        (findings("bump inherited_feature"), "ws.inherited_features"),
    ],
)  # fmt: skip
def test_the_combination_table(found: Findings, sign: str) -> None:
    assert sign in signs_in(found, None, CATALOG)


@pytest.mark.parametrize("combination", CATALOG.combinations, ids=lambda c: f"{'+'.join(c.sets)}: {c.why}")
def test_every_row_sets_its_signs_and_needs_all_its_parts(combination: Any) -> None:
    parts = {sorted(need)[0] for need in combination.needs}

    assert combination.holds(frozenset(parts))
    assert not combination.holds(frozenset())
    for need in combination.needs:
        left = parts - need
        if all(other & left for other in combination.needs if other is not need) and not need & left:
            assert not combination.holds(frozenset(left))


@pytest.mark.parametrize(
    ("found", "sign"),
    [
        (findings("fever", days=91), "ws.infant_u3m_temp"),
        (findings("fever", group="child"), "ws.infant_u3m_temp"),
        (findings("fever"), "ws.infant_u3m_temp"),
        (findings(temp=37.4, days=30), "ws.infant_u3m_borderline"),
        (findings(temp=37.6, site="rectal", days=30), "ws.infant_u3m_borderline"),
        (findings("feels_hot", temp=37.2, days=30), "ws.infant_u3m_temp"),
        (findings(temp=37.9, days=30), "ws.infant_u3m_temp"),
        (findings("pox_contact", days=28), "ws.infant_u3m_unwell"),
        (findings("yellow_skin", days=3), "ws.infant_u3m_unwell"),
        (findings("fever rash", days=200), "ws.fever_with_rash"),
        (findings("bump"), "ws.painful_bump"),
        (findings("immuno"), "ws.immuno_bump"),
    ],
)
def test_where_the_table_stops(found: Findings, sign: str) -> None:
    assert sign not in signs_in(found, None, CATALOG)


def test_an_age_of_an_earlier_message_counts() -> None:
    assert "ws.infant_u3m_temp" in signs_in(findings("fever"), Context.of(age_days=30), CATALOG)
    assert "ws.infant_u3m_temp" in signs_in(findings("fever", group="baby"), Context.of(age_days=30), CATALOG)
    assert "ws.infant_u3m_temp" not in signs_in(findings("fever", group="baby"), Context.of(age_days=200), CATALOG)


def test_a_message_without_findings_raises_nothing() -> None:
    context = Context.of(group="newborn", pregnant=True, immuno=True, eye_area=True, diabetes=True, bump=True)

    assert signs_in(Findings(), context, CATALOG) == frozenset()


def test_a_supposed_finding_is_kept_apart() -> None:
    supposed = Findings(hypothetical_atoms=(Mention("fever", 0, 1, "fever"),), age=AgeRange(10, 11))

    assert signs_in(supposed, None, CATALOG) == frozenset()
    assert hypothetical_signs_in(supposed, None, CATALOG) == {"ws.infant_u3m_temp"}
    assert hypothetical_signs_in(Findings(), None, CATALOG) == frozenset()


def test_an_unknown_group_names_the_known_ones() -> None:
    with pytest.raises(SignError, match="newborn"):
        Context.of(group="grandpa")


AGES = st.one_of(st.none(), st.floats(0, 30000).map(lambda d: AgeRange(d, d)))
ATOM_SETS = st.frozensets(st.sampled_from(ATOMS), max_size=6)
SIGN_SETS = st.frozensets(st.sampled_from(sorted(CATALOG)), min_size=1, max_size=5)
TEMPERATURES = st.one_of(st.none(), st.floats(34, 42).map(Temperature))


def _found(atoms: frozenset[str], temperature: Temperature | None, age: AgeRange | None) -> Findings:
    return Findings(atoms=tuple(Mention(a, 0, 1, a) for a in sorted(atoms)), temperature=temperature, age=age)


@settings(max_examples=300, deadline=None)
@given(ATOM_SETS, ATOM_SETS, TEMPERATURES, AGES, ATOM_SETS)
def test_more_findings_never_lower_the_level(
    atoms: frozenset[str], more: frozenset[str], temperature: Temperature | None, age: AgeRange | None, known: frozenset[str]
) -> None:
    few = signs_in(_found(atoms, temperature, age), Context(None, known), CATALOG)
    many = signs_in(_found(atoms | more, temperature, age), Context(None, known), CATALOG)

    assert few <= many
    assert CATALOG.level(few) <= CATALOG.level(many)
    assert few == signs_in(_found(atoms, temperature, age), Context(None, known), CATALOG)


@settings(max_examples=200, deadline=None)
@given(ATOM_SETS, ATOM_SETS, AGES)
def test_a_richer_context_never_lowers_the_level(atoms: frozenset[str], known: frozenset[str], age: AgeRange | None) -> None:
    found = _found(atoms, None, age)

    assert signs_in(found, None, CATALOG) <= signs_in(found, Context(None, known), CATALOG)


def test_no_row_is_put_off_by_something_said() -> None:
    """`none` may name facts of age only: nothing that is said in addition may lower the level."""
    for combination in CATALOG.combinations:
        assert combination.absent <= set(DERIVED_ATOMS), combination


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(list(Level)), st.frozensets(st.sampled_from(sorted(CATALOG)), max_size=4))
def test_the_level_only_rises(previous: Level, signs: frozenset[str]) -> None:
    assert conversation_level(previous, signs, CATALOG) == max(previous, CATALOG.level(signs))


@pytest.mark.parametrize(
    ("previous", "signs", "level"),
    [
        (Level.URGENT_SAME_DAY, set(), Level.PROVIDER_ROUTINE),
        (Level.URGENT_SAME_DAY, {"ws.painful_bump"}, Level.PROVIDER_SOON),
        (Level.EMERGENCY_NOW, set(), Level.EMERGENCY_NOW),
        (Level.PROVIDER_SOON, {"ws.self_harm"}, Level.EMERGENCY_NOW),
    ],
)
def test_a_correction_lowers_only_below_an_emergency(previous: Level, signs: set[str], level: Level) -> None:
    assert conversation_level(previous, signs, CATALOG, corrected=True) == level


def test_level_ids() -> None:
    assert [Level.from_id(level.id) for level in Level] == list(Level)
    with pytest.raises(SignError, match="emergency_now"):
        Level.from_id("panic")


@pytest.mark.parametrize("region", ["us", "uk", "eu"])
@pytest.mark.parametrize("sign", list(CATALOG))
def test_the_reply_to_a_sign(sign: str, region: str) -> None:
    reply = escalation({sign}, CATALOG, region)

    assert reply.level == CATALOG[sign].level and reply.signs == (sign,)
    assert not FORBIDDEN.search(reply.text) and "{" not in reply.text
    assert "dermatology provider" in reply.text
    assert len(sentences(reply.text)) == len(set(sentences(reply.text)))
    lines = reply.text.splitlines()
    if reply.level == Level.EMERGENCY_NOW:
        assert lines[0].startswith("Please get emergency help now: ") and len(lines) == 2
        assert lines[1].endswith("A dermatology provider can help with the skin question afterwards.") or (
            sign in {"ws.self_harm", "ws.unsafe_harm"}
            and lines[1] == "When you are safe, a dermatology provider can help with the skin question."
        )
        assert _ACTION.match(lines[0].split(": ", 1)[1])
    elif reply.level == Level.URGENT_SAME_DAY:
        assert lines[0].startswith("Please have this looked at today: ")
        assert "Go to emergency care if " in reply.text and lines[-1].endswith("dermatology provider can follow up afterwards.")
    elif reply.level == Level.PROVIDER_SOON:
        assert lines[0].startswith("Please see a dermatology provider within the next days: ")


@settings(max_examples=200, deadline=None)
@given(SIGN_SETS, st.sampled_from(["", "us", "uk", "eu"]), st.sampled_from(["adult", "child", "baby", "unknown"]))
def test_the_reply_to_several_signs(signs: frozenset[str], region: str, audience: str) -> None:
    reply = escalation(signs, CATALOG, region, audience)

    assert reply.level == CATALOG.level(signs)
    assert 1 <= len(reply.signs) <= 2 and all(CATALOG[s].level == reply.level for s in reply.signs)
    said = sentences(reply.text.replace("\n", " "))
    assert len(said) == len(set(said)) and not FORBIDDEN.search(reply.text)


def test_a_crisis_comes_first() -> None:
    reply = escalation({"ws.breathing_trouble", "ws.self_harm"}, CATALOG)

    assert reply.signs[0] == "ws.self_harm" and "988" in reply.text


@pytest.mark.parametrize(
    ("signs", "region", "audience"), [(set(), "", "adult"), ({"ws.nothing"}, "", "adult"), ({"ws.self_harm"}, "mars", "adult"), ({"ws.self_harm"}, "", "cat")]
)
def test_an_impossible_reply_says_why(signs: set[str], region: str, audience: str) -> None:
    with pytest.raises(SignError):
        escalation(signs, CATALOG, region, audience)


def test_when_to_seek_care_sooner() -> None:
    for audience in ("adult", "child", "baby", "unknown"):
        text = safety_net(CATALOG, audience)
        assert "38.0 C (100.4 F)" in text if audience in {"baby", "unknown"} else "purple spots" in text
        assert not FORBIDDEN.search(text)


@pytest.mark.parametrize("sign", list(CATALOG))
def test_advice_for_what_is_only_supposed(sign: str) -> None:
    assert general_advice(CATALOG[sign], CATALOG).startswith("If that happens: ")


def _raw() -> dict[str, Any]:
    raw: dict[str, Any] = yaml.load(FILE.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return raw


RAW = _raw()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.update(colour=1), "colour"),
        (lambda r: r.pop("atoms"), "atoms"),
        (lambda r: r["signs"][0].update(level="panic"), "panic"),
        (lambda r: r["signs"][0].update(remark="x"), "remark"),
        (lambda r: r["signs"][0].update(sources=["NOBODY"]), "NOBODY"),
        (lambda r: r["signs"][0].update(blocking="yes"), "blocking"),
        (lambda r: r["signs"].append(dict(r["signs"][0])), "twice"),
        (lambda r: r["signs"][30].pop("worse", None), "worse"),
        (lambda r: r["combinations"][0].update(all=["nonsense"]), "nonsense"),
        (lambda r: r["combinations"][0].update(sets=["ws.nonsense"]), "ws.nonsense"),
        (lambda r: r["cues"].update(mood=["x"]), "mood"),
        (lambda r: r["regions"]["us"].pop("crisis_line"), "crisis_line"),
        (lambda r: r.update(default_region="mars"), "mars"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(change: Any, message: str, tmp_path: Path) -> None:
    raw = copy.deepcopy(RAW)
    change(raw["warning_signs"])
    file = tmp_path / "warning_signs.yml"
    file.write_text(yaml.safe_dump(raw), encoding="utf-8")

    with pytest.raises(SignError, match=re.escape(message)):
        load_signs(file)


def test_an_unknown_sign_names_the_known_ones() -> None:
    with pytest.raises(SignError, match="ws.self_harm"):
        CATALOG["ws.nothing"]


def test_the_catalog_is_a_mapping(catalog: SignCatalog = CATALOG) -> None:
    assert len(catalog) == 69 and set(catalog.order) == set(catalog)
