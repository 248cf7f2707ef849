"""What is sent to each platform, as files to read in a review: `golden/<platform>.json`.

`.venv/bin/python tests/channels/platforms/test_platform_golden.py` writes them anew; look at the difference before it is committed.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from platform_world import world

from milia.channels.notices import load_notices
from milia.channels.platform_delivery import Backoff, send_now
from milia.channels.rendering import bubbles_of
from milia.evaluation.platform_people import CHANNELS

GOLDEN = Path(__file__).with_name("golden")
TURN = "0123456789abcdef0123456789abcdef"
TARGETS = {
    "slack": {"channel": "D000000001", "thread": ""},
    "telegram": {"chat": "700001"},
    "messenger": {"to": "600000001"},
    "whatsapp": {"to": "whatsapp:+15550000001"},
    "sms": {"to": "+15550000001"},
}


def _reply(text: str, level: str, *titles: str) -> dict[str, Any]:
    return {"text": text, "buttons": [{"title": title, "payload": "/x"} for title in titles], "milia": {"level": level}}


# Fixed texts, so that the files change with the rendering and the notices, not with the content.
REPLIES = {
    "an answer with choices": _reply(
        "Milia last a few weeks in babies.\nIn adults they may last for months. A dermatology provider can tell more.",
        "provider_routine", "Are they harmless?", "What are milia?", "Check my bumps",
    ),
    "characters that platforms give a meaning": _reply(
        "1 < 2 & 3 > 2, *not bold*, _not slanted_, ~not struck~, `no code`, <b>no tag</b>, \u201cquotes\u201d \u2013 see "
        "https://example.org/a_b?c=1&d=2 or ask a dermatology provider.",
        "provider_routine",
    ),
    "a question of the check with long choices": _reply(
        "Is any of this true right now? A dermatology provider can tell what it is in any case.",
        "provider_routine", "Trouble breathing, or swelling of the face, lips or tongue", "Purple or red spots that do not fade", "None of these",
    ),
    "an emergency": _reply(
        "Please get emergency help now: call 911 (or your local emergency number).\nA dermatology provider can help with the skin "
        "question afterwards.",
        "emergency_now",
    ),
    "a long answer": _reply(
        "\n".join(f"Sentence {number} of an answer that is longer than what one message may hold on some platforms." for number in range(1, 9)),
        "provider_routine", "What are milia?",
    ),
}  # fmt: skip


def payloads(name: str) -> dict[str, list[Any]]:
    """Return the bodies of the calls to a platform, by what they are."""

    async def run() -> dict[str, list[Any]]:
        # A thread of the store may still be closing its file when the folder goes.
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            async with world(name, Path(folder)) as w:
                assert w.channel.running is not None
                answers = w.channel.running.answers
                cases = {"the welcome": answers._say(answers.lead("welcome"))}
                cases |= {case: bubbles_of([reply], TURN) for case, reply in REPLIES.items()}
                cases["the line before what is not read whole"] = answers._say(answers.lead("too_long"))
                cases["to a photo"] = answers._say(load_notices().kinds["photo"])
                cases["whether to delete"] = [answers.deletion_question()]
                found: dict[str, list[Any]] = {}
                for case, bubbles in cases.items():
                    before = len(w.platform.messages)
                    assert await send_now(name, w.channel, TARGETS[name], bubbles, w.channel.health, Backoff())
                    found[case] = [_without_secrets(message.body) for message in w.platform.messages[before:]]
                assert not w.platform.broken, w.platform.broken
                return found

    return asyncio.run(run())


def _without_secrets(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "appsecret_proof"}


def as_text(found: dict[str, list[Any]]) -> str:
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def test_what_is_sent_is_what_was_reviewed(channel: str) -> None:
    assert as_text(payloads(channel)) == (GOLDEN / f"{channel}.json").read_text(encoding="utf-8")


if __name__ == "__main__":
    import os

    from platform_world import SECRET

    os.environ["MILIA_SECRET_KEY"] = SECRET
    for each in CHANNELS:
        (GOLDEN / f"{each}.json").write_text(as_text(payloads(each)), encoding="utf-8")
