"""Run by Alembic: the revisions, in the transaction of whoever called `migrations.upgrade`."""

from alembic import context

from autograder.leaderboard.database import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
