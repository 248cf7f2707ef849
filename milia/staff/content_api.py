"""The content: answers, what is not answered, and the content book."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from milia.content_book import content_book
from milia.staff.api import Handler
from milia.staff.calls import Call, Reply
from milia.staff.content_view import ContentView
from milia.staff.knowledge import Knowledge
from milia.staff.problems import Problem
from milia.staff.statistics import Statistics, span
from milia.staff.turn_index import TurnIndex
from milia.staff.unanswered import Unanswered


class ContentApi:
    """The handlers.

    Args:
        root: the project's folder.
        knowledge: the content.
        statistics, unanswered, index: what was asked.
    """

    def __init__(
        self,
        root: Path,
        knowledge: Callable[[], Knowledge],
        statistics: Statistics,
        unanswered: Unanswered,
        index: TurnIndex,
    ) -> None:
        self._root, self._knowledge = root, knowledge
        self._statistics, self._unanswered, self._index = statistics, unanswered, index

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers by name."""
        return {
            "listTopics": self.list,
            "getTopic": self.get,
            "listUnanswered": self.unanswered,
            "contentBook": self.book,
        }

    async def list(self, call: Call) -> Reply:
        """List the answers."""
        known = self._knowledge()
        await self._index.catch_up()
        asked, bad = await self._statistics.topics(*span(None, None))

        def work() -> dict[str, Any]:
            view = ContentView(self._root, known)
            rows = [view.row(topic, asked[topic.id], bad[topic.id]) for topic in known.content.topics.values()]
            return {"topics": rows, "article": known.article, "version": view.version, "faults": view.faults}

        return Reply(await asyncio.get_running_loop().run_in_executor(None, work))

    async def get(self, call: Call) -> Reply:
        """Return one answer."""
        known = self._knowledge()
        topic = known.content.topics.get(call.names["topic"])
        if topic is None:
            raise Problem("not-found")
        asked, _ = await self._statistics.topics(*span(None, None))

        def work() -> dict[str, Any]:
            return ContentView(self._root, known).topic(topic, asked[topic.id])

        return Reply(await asyncio.get_running_loop().run_in_executor(None, work))

    async def unanswered(self, call: Call) -> Reply:
        """Rank what is not answered."""
        since, until = span(call.time("from"), call.time("to"))
        await self._index.catch_up()
        rows = await self._unanswered.ranked(since, until, self._knowledge())
        return Reply({"rows": rows, "turns": sum(row["turns"] for row in rows)})

    async def book(self, call: Call) -> Reply:
        """Return the content book."""
        try:
            page = await asyncio.get_running_loop().run_in_executor(None, content_book, self._root)
        except FileNotFoundError:  # an installation without docs/safety
            raise Problem("not-found") from None
        headers = {"Content-Disposition": 'attachment; filename="content-book.html"'}
        return Reply(page, headers=headers, content_type="text/html; charset=utf-8")
