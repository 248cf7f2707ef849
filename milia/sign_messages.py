"""The texts of escalations: what the bot says when warning signs are present.

Every word comes from the content file; this module orders and joins it (triage-table.md, section 8): the action
first, at most two actions, no sentence twice, the dermatology provider last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from milia.sign_catalog import Level, Region, Sign, SignCatalog, SignError

AUDIENCES = ("adult", "child", "baby", "unknown")
CRISIS_SIGNS = frozenset({"ws.self_harm", "ws.unsafe_harm"})
_MOST_ACTIONS = 2


@dataclass(frozen=True)
class Escalation:
    """A whole reply: its level, its text, and the signs whose action it gives, the most urgent first."""

    level: Level
    text: str
    signs: tuple[str, ...]


def _fill(text: str, region: Region) -> str:
    """Put the numbers of a region into a text."""
    return text.format(
        emergency_number=region.emergency_number,
        nurse_line=region.nurse_line,
        crisis_line=region.crisis_line,
        poison_line=region.poison_line,
    )


def _lower_first(text: str) -> str:
    """Start a sentence in lower case, for use after a colon."""
    return text[:1].lower() + text[1:]


def sentences(text: str) -> list[str]:
    """Split our own wording into sentences ("38.0 C" is not an end)."""
    return [s for s in re.split(r"(?<=[.?!])\s+(?=[A-Z{])", text.strip()) if s]


def _provider(catalog: SignCatalog, audience: str) -> str:
    if audience not in AUDIENCES:
        raise SignError(f"unknown audience {audience!r}; known: {', '.join(AUDIENCES)}")
    return str(catalog.texts["provider"][audience])


def _ordered(signs: Iterable[str], catalog: SignCatalog) -> list[Sign]:
    """Order signs by level; within a level a crisis first, then as the file has them."""
    found = [catalog[s] for s in set(signs)]
    return sorted(found, key=lambda s: (-s.level, s.id not in CRISIS_SIGNS, catalog.order[s.id]))


def _actions(signs: list[Sign], region: Region) -> list[str]:
    """Return the sentences of at most two signs, none of them twice."""
    said: list[str] = []
    for sign in signs[:_MOST_ACTIONS]:
        for sentence in sentences(_fill(sign.say, region)):
            if sentence not in said:
                said.append(sentence)
    return said


def escalation(signs: Iterable[str], catalog: SignCatalog, region: str = "", audience: str = "unknown") -> Escalation:
    """Return the reply to a set of signs.

    Args:
        signs: Sign ids, at least one.
        catalog: The list.
        region: A region of the content file; empty for its default.
        audience: adult, child, baby or unknown; settles how the provider is called.

    Raises:
        SignError: For no sign, or an unknown sign, region or audience.
    """
    ordered = _ordered(signs, catalog)
    if not ordered:
        raise SignError("an escalation needs at least one sign")
    level, place, provider, texts = ordered[0].level, catalog.region(region), _provider(catalog, audience), catalog.texts
    top = [s for s in ordered if s.level == level][:_MOST_ACTIONS]
    actions = _actions(top, place)
    action = " ".join([_lower_first(actions[0]), *actions[1:]])
    if level == Level.EMERGENCY_NOW:
        crisis = any(s.id in CRISIS_SIGNS for s in top)
        parts = [texts["emergency_lead"].format(action=action), texts["crisis_close" if crisis else "emergency_close"]]
    elif level == Level.URGENT_SAME_DAY:
        worse = list(dict.fromkeys(s.worse for s in top))[:1]
        close = texts["today_close"].format(provider=provider[:1].upper() + provider[1:])
        parts = [texts["today_lead"].format(action=action), texts["today_worse"].format(worse=worse[0]), close]
    elif level == Level.PROVIDER_SOON:
        parts = [texts["soon_lead"].format(action=action, provider=provider)]
    else:
        parts = [" ".join(actions), texts["routine_close"].format(provider=provider[:1].upper() + provider[1:])]
    return Escalation(level, "\n".join(parts), tuple(s.id for s in top))


def safety_net(catalog: SignCatalog, audience: str = "unknown") -> str:
    """Return when to seek care sooner; the lines for a baby come in unless the person is known to be older."""
    _provider(catalog, audience)
    net = catalog.texts["safety_net"]
    return f"{net['any']} {net['baby']}" if audience in {"baby", "unknown"} else str(net["any"])


def general_advice(sign: Sign, catalog: SignCatalog, region: str = "") -> str:
    """Return the action of a sign that was only asked about: "If that happens: ..."."""
    action = " ".join(sentences(_fill(sign.say, catalog.region(region))))
    return str(catalog.texts["hypothetical"]).format(action=_lower_first(action))
