"""The pages in docs/channels say what the bot says and what it needs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from milia.channels.notices import load_notices
from milia.channels.platform_settings import DEFAULT_BOT_NAME, PLATFORMS, PlatformKeys

DOCS = Path(__file__).resolve().parents[3] / "docs" / "channels"
BY_NAME = {needs.channel: needs for needs in PLATFORMS}


def page(name: str) -> str:
    return " ".join(re.sub(r"^\s*> ?", "", (DOCS / f"{name}.md").read_text(encoding="utf-8"), flags=re.MULTILINE).split())


def test_a_page_quotes_the_first_message_as_it_is_said(channel: str) -> None:
    needs: PlatformKeys = BY_NAME[channel]
    said = load_notices().welcome["sms" if channel == "sms" else "any"]
    for name, value in (("days", "30"), ("platform", needs.title), ("name", DEFAULT_BOT_NAME)):
        said = said.replace("{" + name + "}", value)
    assert said in page(channel)


def test_a_page_names_its_settings_and_its_address(channel: str) -> None:
    text = page(channel)
    for key in BY_NAME[channel].keys:
        assert key.variable in text and key.variable in page("README")
    for key in BY_NAME[channel].shared:
        assert key.variable in text
    assert f"/webhooks/{channel}/webhook" in text or "milia channels connect" in text
    assert "delete my conversation" in text and f"[{channel}.md]({channel}.md)" in page("README")


@pytest.mark.parametrize("words", ["stop_words", "start_words", "start_words_if_stopped", "help_words", "check_words"])
def test_the_page_of_sms_names_every_word_that_carriers_prescribe(words: str) -> None:
    table = page("sms")
    for word in load_notices().carrier_words[words]:
        assert word.replace(" ", "").upper() in table, word


def test_every_command_on_the_pages_exists() -> None:
    from milia import cli

    named = {found for path in DOCS.glob("*.md") for found in re.findall(r"milia channels (\w+)", path.read_text(encoding="utf-8"))}
    assert named == {"check", "connect"}
    for name in named:
        with pytest.raises(SystemExit) as ended:
            cli.main(["channels", name, "--help"])
        assert ended.value.code == 0
