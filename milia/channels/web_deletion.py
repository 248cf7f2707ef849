"""Deleting a conversation by a sentence: noticing the wish, asking back, and knowing the answer as this conversation's.

The question's buttons carry a signed, short-lived payload, so that any server knows a press as an answer to its question.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jwt

from milia.channels.keys import WEB_CONFIRMATION, Keys
from milia.channels.web_texts import DeletionTexts

INTENT = "delete_conversation"
YES, NO = "delete:", "keep:"
CONFIRM_SECONDS = 600
# A bare "yes" is an answer for a shorter time: by then the person may think of another question.
TYPED_SECONDS = 180
# Conversations that were asked lately, for an answer that is typed; the oldest is forgotten first.
_MAX_ASKED = 10_000


class Deletion:
    """Notices the wish, and makes and reads the question's buttons.

    Args:
        keys: the installation's keys.
        texts: how people put it, and what is said.
        clock: seconds since 1970.
    """

    def __init__(self, keys: Keys, texts: DeletionTexts, clock: Callable[[], float] = time.time) -> None:
        self._key = keys.derive(WEB_CONFIRMATION)
        self._texts = texts
        self._clock = clock
        self._asked: dict[str, float] = {}
        before, after = _either(texts.before), _either(texts.after)
        self._wish = re.compile(f"(?:{before} )?(?:{_either(texts.verbs)}) (?:all of )?(?:{_either(texts.objects)})(?: {after})*")
        self._yes = frozenset(map(_plain, texts.typed_yes))
        self._no = frozenset(map(_plain, texts.typed_no))

    def wished(self, text: str) -> bool:
        """Tell whether a text asks for nothing but the deletion of the conversation."""
        return len(text) < 200 and self._wish.fullmatch(_plain(text)) is not None

    def question(self, conversation: str) -> dict[str, Any]:
        """Return the bot message that asks back, and remember that it was asked."""
        now = self._clock()
        self._asked.pop(conversation, None)
        self._asked[conversation] = now
        while len(self._asked) > _MAX_ASKED:
            del self._asked[next(iter(self._asked))]
        return {"text": "\n\n".join(self._texts.confirm), "buttons": self._buttons(conversation), "milia": {}}

    def answer(self, conversation: str, text: str = "", payload: str = "") -> bool | None:
        """Tell what was answered to the question: yes, no, or (None) something else.

        A typed yes counts only as the next message after the question.
        """
        asked = self._asked.pop(conversation, None)
        if payload:
            for start, answer in ((YES, True), (NO, False)):
                if payload.startswith(start) and self._signed(payload.removeprefix(start), conversation, start):
                    return answer
            return None
        if asked is None or self._clock() - asked > TYPED_SECONDS or len(text) > 100:
            return None
        plain = _plain(text)
        return True if plain in self._yes else False if plain in self._no else None

    def forget(self, conversation: str) -> None:
        """Take a typed yes for no answer any more: the question may be out of sight."""
        self._asked.pop(conversation, None)

    def asks_for(self, reply: Mapping[str, Any]) -> bool:
        """Tell whether a reply of the bot answers a wish to delete, and nothing that matters more."""
        record = reply.get("milia") or {}
        if (record.get("intent") or {}).get("name") != INTENT or record.get("topics") != ["chitchat"]:
            return False
        return not (record.get("signs") or record.get("outcome") or record.get("check_question") or record.get("facts"))

    def _buttons(self, conversation: str) -> list[dict[str, str]]:
        expires = int(self._clock()) + CONFIRM_SECONDS
        made = []
        for start, title in ((YES, self._texts.yes_button), (NO, self._texts.no_button)):
            claims = {"sub": conversation, "aud": start, "exp": expires}
            made.append({"title": title, "payload": start + jwt.encode(claims, self._key, algorithm="HS256")})
        return made

    def _signed(self, token: str, conversation: str, audience: str) -> bool:
        options: Any = {"require": ["sub", "aud", "exp"], "verify_exp": False}
        try:
            claims = jwt.decode(token, self._key, algorithms=["HS256"], audience=audience, options=options)
            return bool(claims["sub"] == conversation and self._clock() < int(claims["exp"]))
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            return False


def _plain(text: str) -> str:
    """Return the words, lower case, a blank between them."""
    return " ".join(re.findall(r"[\w']+", text.lower().replace("\u2019", "'")))


def _either(phrases: Sequence[str]) -> str:
    return "(?:" + "|".join(re.escape(_plain(phrase)) for phrase in sorted(phrases, key=len, reverse=True)) + ")"
