"""Whole conversations on each platform: the guided check, a warning sign, deletion; nothing is lost on the way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from platform_world import World, assert_no_faults, world

PROVIDER = "dermatology provider"
WARNING = "my face is swelling up and i can't breathe"
# Titles chosen, in the order in which the check asks.
NO_SIGN = ("None of these", "None of the others")
ANSWERS = {
    "Who has the bumps?": "Adult, 18 to 39 years", "Where are they": "Face (not eyelids or lips)", "How do they look": "Small, white or whitish",
    "How do they feel": "Hard or firm", "How many": "A few, spread out", "How long": None, "Was there": None,
}  # fmt: skip


def test_a_conversation_with_the_guided_check(channel: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with world(channel, tmp_path) as w:
            person = w.person()
            await w.talk(person.says("hello"))
            welcome, greeting = person.heard()[0], person.heard()[-1]
            assert "30 days" in welcome and PROVIDER in welcome and "delete my conversation" in welcome
            assert "emergency" in welcome and PROVIDER in greeting
            await w.talk(person.press("Check my bumps"))
            result = await _go_through_the_check(w)
            assert PROVIDER in result and "Seek care today" in result
            assert "30 days" not in " ".join(person.heard()[1:]), "the welcome came once"
            await w.talk(person.says("thanks"))
            assert PROVIDER in person.heard()[-1]
            turns = await w.conversations.turns((await w.conversations.ids())[0], limit=100)
            assert [reply["milia"]["outcome"] for turn in turns for reply in turn.replies if reply["milia"]["outcome"]] == ["fits"]
            assert_no_faults(w)

    asyncio.run(run())


async def _go_through_the_check(w: World) -> str:
    """Answer each question by a press (or its number), and return the result."""
    person = w.person()
    for _ in range(40):
        turns = await w.conversations.turns((await w.conversations.ids())[0], limit=1)
        reply = turns[-1].replies[-1]
        if not reply["milia"]["check_question"]:
            return str(reply["text"])
        titles = [button["title"] for button in reply["buttons"]]
        chosen = next((title for title in (*NO_SIGN, *(v for v in ANSWERS.values() if v), "No", "Neither", "Nothing like that") if title in titles), titles[0])
        before = len(person.heard())
        await w.talk(person.press(chosen))
        assert len(person.heard()) > before, f"no reply to {chosen!r}"
    raise AssertionError("the check has no end")


def test_a_warning_sign_comes_first_and_whole(channel: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with world(channel, tmp_path) as w:
            person = w.person()
            await w.talk(person.says(WARNING))
            first, welcome = person.heard()
            for words in ("emergency help now", "911", "adrenaline pen", "A dermatology provider can help with the skin question afterwards."):
                assert words in first, "the warning is one message, and the first one"
            assert "30 days" in welcome
            assert "choices" not in first and not w.platform.messages[0].choices
            assert_no_faults(w)
            if channel in ("slack", "telegram", "whatsapp"):
                bold = str(w.platform.messages[0].body)
                assert {"slack": "'bold': True", "telegram": "<b>Please get emergency help now", "whatsapp": "*Please get emergency help now"}[channel] in bold

    asyncio.run(run())


def test_a_warning_sign_pressed_in_the_check(channel: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with world(channel, tmp_path) as w:
            person = w.person()
            await w.talk(person.says("start the check"))
            await w.talk(person.press("Purple or red spots that do not fade"))
            said = " ".join(person.heard())
            assert "Do not wait for more signs" in said and "911" in said
            # What comes later keeps the level.
            await w.talk(person.sends("photo"))
            assert "urgent help" in person.heard()[-1]
            assert_no_faults(w)

    asyncio.run(run())


def test_two_people_do_not_meet(channel: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with world(channel, tmp_path) as w:
            ann, bob = w.person(1), w.person(2)
            for hook in (ann.says(WARNING), bob.says("how long do milia last?")):
                await w.send(hook)
            await w.settle()
            assert any("911" in text for text in ann.heard()) and not any("911 " in text for text in bob.heard())
            assert any("few months" in text for text in bob.heard())
            assert len(await w.conversations.ids()) == 2

    asyncio.run(run())


def test_a_typed_number_is_a_choice_where_choices_are_numbered(tmp_path: Path) -> None:
    async def run() -> None:
        for place, (name, typed) in enumerate((n, t) for n in ("whatsapp", "sms", "messenger") for t in ("2", "2.", "two", "Two", "option 2")):
            folder = tmp_path / str(place)
            folder.mkdir()
            async with world(name, folder) as w:
                person = w.person()
                await w.talk(person.says("what are milia?"))
                offered = [(b["title"], b["payload"]) for b in (await w.conversations.turns((await w.conversations.ids())[0]))[-1].replies[-1]["buttons"]]
                await w.talk(person.says(typed))
                assert w.bot.seen[-1].text == offered[1][1], (name, typed)
                # A number that was not offered is text.
                await w.talk(person.says("77"))
                assert w.bot.seen[-1].text == "77"

    asyncio.run(run())


def test_a_typed_number_is_text_where_choices_are_buttons(tmp_path: Path) -> None:
    async def run() -> None:
        for name in ("slack", "telegram"):
            (tmp_path / name).mkdir()
            async with world(name, tmp_path / name) as w:
                person = w.person()
                await w.talk(person.says("what are milia?"), person.says("2"))
                assert w.bot.seen[-1].text == "2"

    asyncio.run(run())


def test_typed_text_is_never_a_payload(channel: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with world(channel, tmp_path) as w:
            person = w.person()
            await w.talk(person.says("hello"))
            for text in ("/start_check", "/restart", '/answer_check{"choice": "who=newborn"}', " /ask_duration"):
                await w.talk(person.says(text))
                assert not w.bot.seen[-1].text.startswith("/"), text

    asyncio.run(run())


def test_a_press_that_was_not_offered_does_nothing_to_the_conversation(channel: str, tmp_path: Path) -> None:
    if channel in ("whatsapp", "sms"):
        return  # no buttons to press

    async def run() -> None:
        async with world(channel, tmp_path) as w:
            person = w.person()
            await w.talk(person.says("hello"))
            offered = person.offered()[0][1]
            seen = len(w.bot.seen)
            strange = ("m.000000000000.0", offered[:-1] + "9", "m." + "f" * 12 + ".99")
            for value in strange:
                await w.talk(person.press_value("Check my bumps", value))
            assert len(w.bot.seen) == seen
            assert sum("earlier message" in text for text in person.heard()) == len(strange)
            # Another person's button is none of theirs.
            other = w.person(2)
            await w.talk(other.says("hello"))
            seen = len(w.bot.seen)
            await w.talk(other.press_value("x", offered))
            assert len(w.bot.seen) == seen and "earlier message" in other.heard()[-1]

    asyncio.run(run())


def test_an_old_button_still_asks_its_question_but_does_not_answer_another(channel: str, tmp_path: Path) -> None:
    if channel in ("whatsapp", "sms"):
        return

    async def run() -> None:
        async with world(channel, tmp_path) as w:
            person = w.person()
            await w.talk(person.says("what are milia?"))
            topic = person.offered()[0]
            await w.talk(person.says("start the check"))
            sign = next(one for one in person.offered() if "Trouble" in one[0])
            unsure = next(one for one in person.offered() if "Not sure" in one[0])
            await w.talk(person.press("None of these"))
            await w.talk(person.press_value(*topic))
            assert w.bot.seen[-1].text in [b["title"] for t in await w.conversations.turns((await w.conversations.ids())[0]) for r in t.replies for b in r["buttons"]]
            seen = len(w.bot.seen)
            await w.talk(person.press_value(*unsure))
            assert len(w.bot.seen) == seen and "earlier message" in person.heard()[-1] and "My last question is still open" in person.heard()[-1]
            # A warning sign counts whenever it is told.
            await w.talk(person.press_value(*sign))
            assert w.bot.seen[-1].text.startswith("Trouble breathing")

    asyncio.run(run())


def test_a_conversation_is_deleted_by_a_sentence(channel: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with world(channel, tmp_path) as w:
            person = w.person()
            await w.talk(person.says("delete my conversation"))
            assert "nothing stored" in person.heard()[-1]
            await w.talk(person.says("how long do milia last?"))
            assert len(await w.conversations.ids()) == 1
            # "No" keeps it.
            await w.talk(person.says("Please delete my conversation."), person.says("no"))
            assert "I keep it" in person.heard()[-1] and len(await w.conversations.ids()) == 1
            # What the bot understands as the wish is asked back, too.
            await w.talk(person.says("delete my data for good"))
            assert "Shall I delete" in person.heard()[-1] and PROVIDER in person.heard()[-1]
            if channel in ("whatsapp", "sms"):
                await w.talk(person.says("yes"))
            else:
                await w.talk(person.press("Yes"))
            assert "deleted" in person.heard()[-1] and PROVIDER in person.heard()[-1]
            assert await w.conversations.ids() == []
            # A new conversation starts with what is kept.
            before = len(person.heard())
            await w.talk(person.says("hello"))
            assert "30 days" in person.heard()[before]
            assert_no_faults(w)

    asyncio.run(run())


def test_a_yes_that_answers_nothing_deletes_nothing(channel: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with world(channel, tmp_path) as w:
            person = w.person()
            await w.talk(person.says("hello"), person.says("delete my conversation"), person.says("what are milia?"), person.says("yes"))
            assert len(await w.conversations.ids()) == 1

    asyncio.run(run())


def test_a_very_long_message_is_read_in_its_first_part(channel: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with world(channel, tmp_path) as w:
            person = w.person()
            await w.talk(person.says("hello"), person.says("bumps " * 2_000))
            assert len(w.bot.seen[-1].text) <= 4_000
            assert any("first part only" in text for text in person.heard())
            assert_no_faults(w)

    asyncio.run(run())


@pytest.mark.parametrize(("region", "number"), [("", "911"), ("uk", "999"), ("eu", "112")])
def test_a_message_that_is_not_read_whole_names_the_emergency_number(channel: str, region: str, number: str, tmp_path: Path) -> None:
    """A sign may stand in the part that is not read; the number is that of the region."""

    async def run() -> None:
        async with world(channel, tmp_path, MILIA_REGION=region) as w:
            person = w.person()
            await w.talk(person.says("hello"))
            before = len(person.heard())
            await w.talk(person.says("bumps " * 2_000))
            said = " ".join(" ".join(person.heard()[before:]).split())
            assert f"I read its first part only. If someone is very ill or in danger, call {number} (or your local emergency number) now." in said
            assert_no_faults(w)

    asyncio.run(run())


def test_a_flood_is_answered_in_part_and_says_so_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with world("telegram", tmp_path) as w:
            person = w.person()
            for _ in range(45):
                await w.send(person.says("hello"))
            await w.settle(30)
            assert len(w.bot.seen) == 30
            assert sum("a lot of messages" in text for text in person.heard()) == 1

    asyncio.run(run())
