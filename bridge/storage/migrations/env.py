"""Alembic's entry: run the migrations on the connection that was handed in."""

from __future__ import annotations

from alembic import context

from bridge.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
    # The caller owns the transaction.
    transactional_ddl=False,
)
context.run_migrations()
