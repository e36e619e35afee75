"""The first tables: people, targets, observatories, cameras, light curves."""

from alembic import op

from bhtom_core.migrations.first import light_curves, observatories, people, targets
from bhtom_runtime.migrations import create_infrastructure, drop_infrastructure

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# In the order of their references.
TABLES = (
    "users", "tokens", "sign_in_attempts", "targets", "observatories", "cameras",
    "camera_versions", "light_curves", "points", "point_revisions",
    "recorded_answers",
)  # fmt: skip


def upgrade() -> None:
    """Make them."""
    create_infrastructure(op, "core")
    people.create()
    targets.create()
    observatories.create()
    light_curves.create()


def downgrade() -> None:
    """Remove them."""
    for table in reversed(TABLES):
        op.drop_table(table, schema="core")
    drop_infrastructure(op, "core")
