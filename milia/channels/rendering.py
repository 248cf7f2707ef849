"""A reply in the form that each platform shows best: Slack blocks, Telegram keyboards, Messenger quick replies, plain text.

Pure: bubbles go in, the payloads of the platform's API come out, without a recipient. Nothing that the bot said is left
out; a text that is too long becomes several messages, cut at sentences and never inside a warning.
"""

from __future__ import annotations

import html
import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from milia.channels.choices import choices_of, reference
from milia.channels.sms_text import gsm, sms_length
from milia.channels.splitting import Part, Piece, split
from milia.sign_catalog import Level
from milia.sign_messages import sentences

# What the platforms take at most, by their documentation.
SLACK_TEXT, SLACK_BUTTON = 3_000, 75
TELEGRAM_TEXT = 4_096
MESSENGER_TEXT, MESSENGER_TITLE = 2_000, 20
TWILIO_TEXT = 1_600
# Three joined text messages of 153 characters: longer ones fail at some carriers, and nobody reads them.
SMS_TEXT = 459
# Room for "(2/3) " before a part.
_COUNT_ROOM = 8

Payload = dict[str, Any]


@dataclass(frozen=True)
class Option:
    """A choice as it is offered: what is read, and what a press sends back."""

    title: str
    reference: str


@dataclass(frozen=True)
class Bubble:
    """One message of the bot.

    Attributes:
        text: what it says.
        options: what may be chosen.
        urgent: sends to urgent care: its warning stands out.
    """

    text: str
    options: tuple[Option, ...] = ()
    urgent: bool = False


@dataclass(frozen=True)
class Labels:
    """The words that a rendering adds: how choices are opened, and how parts are counted."""

    choose: str
    part: str


def bubbles_of(replies: Sequence[Mapping[str, Any]], message_id: str) -> list[Bubble]:
    """Return a stored turn's messages.

    Args:
        replies: dicts with `text`, `buttons` and `milia`.
        message_id: of the turn; the buttons refer to it.
    """
    found, place = [], 0
    for reply in replies:
        own = choices_of([reply])
        options = tuple(Option(one.title, reference(message_id, place + one.place)) for one in own)
        place += len(own)
        found.append(Bubble(str(reply.get("text") or ""), options, is_urgent(reply)))
    return [bubble for bubble in found if bubble.text or bubble.options]


def is_urgent(reply: Mapping[str, Any]) -> bool:
    """Tell whether the conversation is at a level that needs help today, by the record of a message."""
    level = (reply.get("milia") or {}).get("level")
    return isinstance(level, str) and Level.from_id(level) >= Level.URGENT_SAME_DAY


# ------------------------------------------------------------------------------------------------------------------ Slack
def slack(bubbles: Sequence[Bubble], warnings: Container[str]) -> list[Payload]:
    """Return the arguments of `chat.postMessage`.

    Rich text has no markup, so nothing in it can be read as markup; `text`, which notifications show, is escaped.
    """
    made = []
    for bubble in bubbles:
        parts = split(bubble.text, SLACK_TEXT, warnings)
        for place, part in enumerate(parts):
            blocks: list[Payload] = [_rich_text(part, bubble.urgent)]
            if bubble.options and place == len(parts) - 1:
                blocks.append({"type": "actions", "block_id": "milia_choices", "elements": [_slack_button(n, o) for n, o in enumerate(bubble.options)]})
            made.append({"text": slack_escaped(part.text), "mrkdwn": False, "blocks": blocks, "unfurl_links": False, "unfurl_media": False})
    return made


def _rich_text(part: Part, urgent: bool) -> Payload:
    elements: list[Payload] = []
    for text, bold in _runs(part, urgent):
        elements.append({"type": "text", "text": text, **({"style": {"bold": True}} if bold else {})})
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}


def _slack_button(place: int, option: Option) -> Payload:
    title = {"type": "plain_text", "text": shortened(option.title, SLACK_BUTTON), "emoji": False}
    return {"type": "button", "action_id": f"milia_choice_{place}", "text": title, "value": option.reference}


def slack_escaped(text: str) -> str:
    """Escape the three characters that Slack gives a meaning."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# --------------------------------------------------------------------------------------------------------------- Telegram
def telegram(bubbles: Sequence[Bubble], warnings: Container[str]) -> list[Payload]:
    """Return the arguments of `sendMessage`, with HTML formatting and inline keyboards."""
    made = []
    for bubble in bubbles:
        parts = split(bubble.text, TELEGRAM_TEXT, warnings, measure=utf16_length)
        for place, part in enumerate(parts):
            text = "".join(f"<b>{html.escape(t, quote=False)}</b>" if bold else html.escape(t, quote=False) for t, bold in _runs(part, bubble.urgent))
            payload: Payload = {"text": text, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}
            if bubble.options and place == len(parts) - 1:
                rows = [[{"text": option.title, "callback_data": option.reference}] for option in bubble.options]
                payload["reply_markup"] = {"inline_keyboard": rows}
            made.append(payload)
    return made


def utf16_length(text: str) -> int:
    """Return a text's length as Telegram counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


# -------------------------------------------------------------------------------------------------------------- Messenger
def messenger(bubbles: Sequence[Bubble], warnings: Container[str], labels: Labels) -> list[Payload]:
    """Return the `message` objects of the Send API.

    Titles of quick replies hold 20 characters. Where one is longer, the choices are a numbered list, and the quick replies
    start with the number.
    """
    made: list[Payload] = []
    for bubble in bubbles:
        listed = messenger_numbers(bubble.options)
        texts = [plain(part.text) for part in split(bubble.text, MESSENGER_TEXT, warnings)]
        if listed:
            texts = _with_list(texts, bubble.options, labels.choose, MESSENGER_TEXT)
        payloads: list[Payload] = [{"text": text} for text in texts]
        if bubble.options and payloads:
            payloads[-1]["quick_replies"] = [
                {"content_type": "text", "title": shortened(f"{n}. {o.title}" if listed else o.title, MESSENGER_TITLE), "payload": o.reference}
                for n, o in enumerate(bubble.options, 1)
            ]
        made += payloads
    return made


def messenger_numbers(options: Sequence[Any]) -> bool:
    """Tell whether Messenger shows these choices (anything with a `title`) as a numbered list."""
    return any(len(option.title) > MESSENGER_TITLE for option in options)


# ------------------------------------------------------------------------------------------------------ WhatsApp and SMS
def whatsapp(bubbles: Sequence[Bubble], warnings: Container[str], labels: Labels) -> list[str]:
    """Return the texts of WhatsApp messages; choices are numbered."""
    made: list[str] = []
    for bubble in bubbles:
        parts = split(bubble.text, TWILIO_TEXT - 50, warnings)  # 50: the marks of bold
        texts = ["".join(_starred(text) if bold else plain(text) for text, bold in _runs(part, bubble.urgent)) for part in parts]
        made += _with_list(texts, bubble.options, labels.choose, TWILIO_TEXT)
    return made


def sms(bubbles: Sequence[Bubble], warnings: Container[str], labels: Labels) -> list[str]:
    """Return the texts of text messages: short, in characters of the cheap alphabet, counted if there are several."""
    made: list[str] = []
    limit = SMS_TEXT - _COUNT_ROOM
    for bubble in bubbles:
        parts = split(gsm(bubble.text), limit, warnings, most=TWILIO_TEXT - _COUNT_ROOM, measure=sms_length)
        texts = _with_list([part.text for part in parts], bubble.options, labels.choose, limit, sms_length)
        count = len(texts)
        made += [f"{labels.part.format(number=n, count=count)} {text}" if count > 1 else text for n, text in enumerate(texts, 1)]
    return made


def _with_list(
    texts: list[str], options: Sequence[Option], choose: str, limit: int, measure: Any = len
) -> list[str]:
    """Add a numbered list of choices, to the last text if it fits there, else in texts of its own, cut between choices."""
    if not options:
        return texts
    lines = [choose, *(f"{number}. {gsm(option.title)}" for number, option in enumerate(options, 1))]
    whole = "\n".join(lines)
    if texts and measure(f"{texts[-1]}\n\n{whole}") <= limit:
        return [*texts[:-1], f"{texts[-1]}\n\n{whole}"]
    rows: list[str] = []
    for line in lines:
        if rows and measure(f"{rows[-1]}\n{line}") <= limit:
            rows[-1] = f"{rows[-1]}\n{line}"
        else:
            rows.append(line)
    return [*texts, *rows]


_MARK = re.compile(r"(?<![^\W_])([*_~]|```)(?=\S)")


def plain(text: str) -> str:
    """Keep WhatsApp and Messenger from reading *, _, ~ and ``` as formatting: an invisible joiner follows each opening."""
    return _MARK.sub("\\1\u2060", text)


def _starred(text: str) -> str:
    return f"*{plain(text).replace('*', '')}*"


# ------------------------------------------------------------------------------------------------------------- for all
def shortened(text: str, limit: int) -> str:
    """Cut a title that is too long, at a word if one is near."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    word = cut.rsplit(" ", 1)[0]
    return (word if len(word) > limit // 2 else cut).rstrip(" ,;:") + "\u2026"


def _runs(part: Part, urgent: bool) -> list[tuple[str, bool]]:
    """Return the text in runs, plain and bold: of an urgent message, the sentence that says what to do is bold."""
    runs: list[tuple[str, bool]] = []
    for piece in part.pieces:
        first, rest = _first_sentence(piece) if urgent and piece.warning else ("", piece.text)
        for text, bold in ((piece.before, False), (first, True), (rest, False)):
            if text and runs and runs[-1][1] == bold:
                runs[-1] = (runs[-1][0] + text, bold)
            elif text:
                runs.append((text, bold))
    return runs


def _first_sentence(piece: Piece) -> tuple[str, str]:
    first = sentences(piece.text.split("\n", 1)[0])[0]
    return first, piece.text[len(first) :]
