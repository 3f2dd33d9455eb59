"""Alembic's entry: migrates on the connection and in the transaction that `migrate.upgrade` holds."""

from alembic import context

from evalharness.store.migrate import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
