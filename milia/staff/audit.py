"""Who did what, kept for good: names of users, of what they did and of what they did it to; never what patients wrote."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import and_, desc, insert, select

from milia.staff.times import iso
from milia.storage.database import Database
from milia.storage.tables import staff_audit

MAX_DETAIL = 500


class Audit:
    """The audit log.

    Args:
        database: where it is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, user: str, what: str, detail: str = "", address: str = "") -> None:
        """Add a line."""
        row = {"at": time.time(), "user": user[:64], "what": what, "detail": detail[:MAX_DETAIL], "address": address[:64]}
        await self._database.run(lambda connection: connection.execute(insert(staff_audit).values(**row)), write=True)

    async def rows(self, user: str = "", what: str = "", before: int | None = None, limit: int = 50) -> list[dict[str, Any]]:
        """Return lines, the latest first; `before` is the id of the last one that was shown."""
        query = select(staff_audit).order_by(desc(staff_audit.c.id)).limit(limit)
        wanted = [staff_audit.c.user == user] if user else []
        wanted += [staff_audit.c.what == what] if what else []
        wanted += [staff_audit.c.id < before] if before is not None else []
        query = query.where(and_(True, *wanted))
        rows = await self._database.run(lambda connection: connection.execute(query).all())
        return [
            {"id": r.id, "at": iso(r.at), "user": r.user, "what": r.what, "detail": r.detail, "address": r.address}
            for r in rows
        ]
