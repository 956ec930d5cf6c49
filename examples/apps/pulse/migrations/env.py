"""Runs the migrations on the database that the application uses."""

from alembic import context

from pulse import logs
from pulse.database import engine
from pulse.models import Base
from pulse.settings import settings

logs.configure(settings.log_level)

with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
