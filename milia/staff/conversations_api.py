"""Reading stored conversations: list, one in the X-ray, figures, and what the article does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from milia.sign_catalog import Level
from milia.staff.api import Handler
from milia.staff.calls import Call, Reply
from milia.staff.conversation_list import ConversationList, Filter, StoredEvents
from milia.staff.knowledge import Knowledge
from milia.staff.model import RunningModel
from milia.staff.statistics import Statistics, span
from milia.staff.times import iso
from milia.staff.turn_index import TurnIndex
from milia.staff.xray import Material, xray


class ConversationsApi:
    """The handlers.

    Args:
        conversations, statistics, index: the stored turns.
        model: the running one, which marks words of warning signs.
        knowledge: the content.
    """

    def __init__(
        self,
        conversations: ConversationList,
        statistics: Statistics,
        index: TurnIndex,
        model: RunningModel,
        knowledge: Callable[[], Knowledge],
    ) -> None:
        self._conversations, self._statistics, self._index = conversations, statistics, index
        self._model, self._knowledge = model, knowledge

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers by name."""
        return {"listConversations": self.list, "getConversation": self.get, "statistics": self.statistics}

    async def list(self, call: Call) -> Reply:
        """List conversations."""
        indexed = await self._index.catch_up()
        wanted = Filter(
            topic=call.text("topic", 64), level=call.one_of("level", [level.id for level in Level]),
            low_confidence=call.flag("low_confidence"), not_helpful=call.flag("not_helpful"),
            fallback=call.flag("fallback"), warning=call.flag("warning"), sign=call.text("sign", 64),
            channel=call.text("channel", 64), since=call.time("from"), until=call.time("to"), text=call.text("q"),
        )  # fmt: skip
        page = await self._conversations.find(wanted, call.text("cursor"), call.number("limit", 50, 100))
        return Reply(
            {
                "conversations": page.rows,
                "next": page.next,
                "complete": page.complete,
                "searched_to": iso(page.searched_to),
                "indexed": indexed,
            }
        )

    async def get(self, call: Call) -> Reply:
        """Return one conversation in the X-ray."""
        limit, first = call.number("limit", 50, 100), call.number("cursor", 0, 10**9)
        row, total, turns = await self._conversations.read(call.names["conversation"], first, limit)
        more = len(turns) > limit
        made = []
        for one in turns[:limit]:
            made.append(stored_xray(one, self._knowledge(), self._model))
            await asyncio.sleep(0)  # patients' turns come in between
        channels = [str(e.get("input_channel")) for one in turns for e in one.events if e.get("event") == "user"]
        return Reply(
            {
                "id": row.conversation_id,
                "started_at": iso(row.created_at),
                "last_at": iso(row.updated_at),
                "channel": channels[0] if channels else "unknown",
                "turns": made,
                "next": str(turns[limit].row.number) if more else None,
                "total": total,
            }
        )

    async def statistics(self, call: Call) -> Reply:
        """Return the figures."""
        since, until = span(call.time("from"), call.time("to"))
        await self._index.catch_up()
        return Reply(await self._statistics.figures(since, until, call.text("channel", 64), self._knowledge()))


def stored_xray(one: StoredEvents, known: Knowledge, model: RunningModel) -> dict[str, Any]:
    """Return the X-ray of a stored turn: what was kept of it, and the words of warning signs as they are read now."""
    found = xray(Material(one.events, one.slots, one.row.number, one.title, complete=False), known, model.detector())
    found |= {"id": str(one.row.number), "helpful": one.row.helpful, "reviews": one.reviews, "time": iso(one.row.stored_at)}
    return found
