"""Find the readings of a sensor."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_readings_sensor", "readings", ["sensor"])


def downgrade() -> None:
    op.drop_index("ix_readings_sensor", "readings")
