"""Run by Alembic; the connection, with the lock that keeps other servers out, comes from `milia.storage.migrate`."""

from alembic import context

from milia.storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, transactional_ddl=False)
context.run_migrations()
