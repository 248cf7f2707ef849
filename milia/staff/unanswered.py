"""What people asked that the article does not answer, most asked first: what the clinic's editors could write next."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, case, desc, func, select
from sqlalchemy.engine import Connection

from milia.channels.web_replies import shown
from milia.labels import NO_ANSWER
from milia.staff.knowledge import Knowledge
from milia.staff.times import iso
from milia.storage.database import Database
from milia.storage.tables import turn, turn_summary

_EXAMPLES, _MOST_ROWS = 3, 200


class Unanswered:
    """Ranks the themes.

    Args:
        database: where the summaries are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ranked(self, since: float, until: float, known: Knowledge) -> list[dict[str, Any]]:
        """Return the themes that were asked for."""
        return await self._database.run(lambda connection: self._ranked(connection, since, until, known))

    def _ranked(self, connection: Connection, since: float, until: float, known: Knowledge) -> list[dict[str, Any]]:
        table = turn_summary.c
        within = and_(table.stored_at >= since, table.stored_at <= until, table.answered == NO_ANSWER)
        same = and_(turn.c.conversation == table.conversation, turn.c.number == table.number)
        bad = func.sum(case((turn.c.helpful.is_(False), 1), else_=0))
        query = (
            select(table.theme, func.count(), func.count(func.distinct(table.conversation)), func.max(table.stored_at), bad)
            .select_from(turn_summary.join(turn, same))
            .where(within)
            .group_by(table.theme)
            .order_by(desc(func.count()), table.theme)
            .limit(_MOST_ROWS)
        )
        rows = []
        for theme, turns, conversations, last, unhelpful in connection.execute(query).all():
            found = known.content.unanswered.themes.get(theme)
            of = and_(within, table.theme == theme)
            latest = select(table.text).where(of).order_by(desc(table.stored_at)).limit(_EXAMPLES)
            examples = [shown(self._database.cipher.decrypt(text)) for text in connection.execute(latest).scalars()]
            rows.append(
                {
                    "id": theme or None,
                    "title": known.theme(theme) or "-",
                    "turns": turns,
                    "conversations": conversations,
                    "last_at": iso(last),
                    "examples": examples,
                    "has_nearest": bool(found and found.nearest),
                    "not_helpful": int(unhelpful or 0),
                }
            )
        return rows
