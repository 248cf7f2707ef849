"""Ages, temperatures and durations as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milia.quantities import MONTH, YEAR, corrected_days, find_ages, find_durations, find_temperatures, number


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("my 5 week old", 35), ("3 wks old", 21), ("11wk old", 77), ("my 5 mo old", 5 * MONTH), ("5 months old", 5 * MONTH),
        ("DD is 9 days", 9), ("6yo", 6 * YEAR), ("6 y/o", 6 * YEAR), ("she's 3 weeks", 21), ("he is two months", 2 * MONTH),
        ("my four year old", 4 * YEAR), ("8-week-old", 56), ("a 10 day old baby", 10), ("I'm 34", 34 * YEAR), ("34F", 34 * YEAR),
        ("born yesterday", 0), ("born 3 weeks ago", 21), ("my week old", 7), ("twelve-week-old", 84), ("I am in my 50s", 50 * YEAR),
    ],
)  # fmt: skip
def test_an_age(text: str, days: float) -> None:
    ages = [a for a in find_ages(text) if a.kind in {"number", "born"}]

    assert ages and ages[0].low <= days <= ages[0].high
    assert text[ages[0].start : ages[0].end] == ages[0].text


@pytest.mark.parametrize(
    "text",
    ["for 5 weeks", "3 weeks ago", "30 weeks pregnant", "in 2 months", "it took 6 weeks", "5 bumps", "a 6 week course", "when I was 6"],
)
def test_what_is_no_age(text: str) -> None:
    assert not [a for a in find_ages(text) if a.kind in {"number", "born"}]


@pytest.mark.parametrize(
    ("text", "group"),
    [("my newborn", "newborn"), ("our baby", "baby"), ("my toddler", "toddler"), ("my teenager", "teen"), ("grandma", "elder"), ("my kid", "child")],
)
def test_an_age_word(text: str, group: str) -> None:
    assert group in {a.group for a in find_ages(text)}


@pytest.mark.parametrize("text", ["baby acne", "baby oil", "newborn milia", "having a baby"])
def test_a_word_that_names_nobody(text: str) -> None:
    assert not find_ages(text)


@pytest.mark.parametrize(
    ("text", "celsius", "site"),
    [
        ("38.2", 38.2, ""), ("38,2", 38.2, ""), ("temp 101 under the arm", 38.33, "armpit"), ("100.6", 38.11, ""),
        ("fever of 39", 39.0, ""), ("she is 35.8", 35.8, ""), ("99.8 F in the ear", 37.67, "ear"), ("rectal temp 100.4", 38.0, "rectal"),
        ("37.7 on the forehead", 37.7, "forehead"), ("temperature of 40", 40.0, ""), ("38 point 5", 38.5, ""),
    ],
)  # fmt: skip
def test_a_temperature(text: str, celsius: float, site: str) -> None:
    found = find_temperatures(text)

    assert [(t.celsius, t.site) for t in found] == [(pytest.approx(celsius, abs=0.01), site)]
    assert text[found[0].start : found[0].end] == found[0].text


@pytest.mark.parametrize(
    "text", ["I am 38", "38 bumps", "35 degrees outside today", "spf 40", "born at 38 weeks", "38 weeks pregnant", "in 40 minutes", "$99.50"]
)
def test_what_is_no_temperature(text: str) -> None:
    assert not find_temperatures(text)


@pytest.mark.parametrize(
    ("text", "days", "kind"),
    [
        ("for 5 weeks", 35, "for"), ("3 days ago", 3, "ago"), ("since yesterday", 1, "since"), ("for a couple of months", 2 * MONTH, "for"),
        ("for years", 3 * YEAR, "for"), ("since last week", 7, "since"), ("half a year", 0.5 * YEAR, "for"), ("overnight", 0.5, "for"),
    ],
)  # fmt: skip
def test_a_duration(text: str, days: float, kind: str) -> None:
    found = find_durations(text)

    assert found and found[0].kind == kind and found[0].low <= days <= found[0].high


@pytest.mark.parametrize("text", ["my 5 week old", "30 weeks pregnant", "she is 6 months old"])
def test_an_age_is_no_duration(text: str) -> None:
    assert not find_durations(text)


@pytest.mark.parametrize(
    ("text", "days", "corrected"),
    [("born at 30 weeks", 90.0, 20.0), ("6 weeks early", 60.0, 18.0), ("due 2 weeks ago", 60.0, 14.0), ("full term", 60.0, None)],
)
def test_a_corrected_age(text: str, days: float, corrected: float | None) -> None:
    assert corrected_days(text, days) == corrected


@pytest.mark.parametrize(("text", "value"), [("3", 3.0), ("2,5", 2.5), ("three", 3.0), ("twenty-two", 22.0), ("many", None), ("", None)])
def test_a_number(text: str, value: float | None) -> None:
    assert number(text) == value


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=150))
def test_any_text_is_read(text: str) -> None:
    for span in (*find_ages(text), *find_temperatures(text), *find_durations(text)):
        assert 0 <= span.start < span.end <= len(text)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 23), st.sampled_from(["week", "weeks", "wk", "wks", "day", "days", "month", "months"]))
def test_units_and_figures(figure: int, unit: str) -> None:
    ages = [a for a in find_ages(f"my baby is {figure} {unit} old") if a.kind == "number"]
    per = {"w": 7.0, "d": 1.0, "m": MONTH}[unit[0]]

    assert len(ages) == 1 and ages[0].low == pytest.approx(figure * per)
