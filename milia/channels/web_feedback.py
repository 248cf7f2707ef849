"""What people say of replies: helpful or not, kept with the turn and erased with it."""

from __future__ import annotations

from sqlalchemy import and_, select, update
from sqlalchemy.engine import Connection

from milia.storage.database import Database
from milia.storage.tables import conversation, turn


class Feedback:
    """Keeps what people say of replies.

    Args:
        database: where the turns are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def give(self, conversation_id: str, message_id: str, helpful: bool) -> bool:
        """Note whether the reply to a message was helpful; a later word replaces an earlier one.

        Returns:
            Whether there is such a turn.

        Raises:
            StorageUnavailable: The database does not answer.
        """
        owner = select(conversation.c.id).where(conversation.c.conversation_id == conversation_id).scalar_subquery()
        mine = and_(turn.c.conversation == owner, turn.c.message_id == message_id)

        def write(connection: Connection) -> bool:
            return bool(connection.execute(update(turn).where(mine).values(helpful=helpful)).rowcount)

        return await self._database.run(write, write=True)
