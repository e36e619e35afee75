"""Files that came packed by bzip2, xz or zip."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_SCHEMA = "upload"
_NAME = "ck_files_packing"


def upgrade() -> None:
    """Allow the new words."""
    _allow("packing IN ('plain', 'gzip', 'fpack', 'bzip2', 'xz', 'zip')")


def downgrade() -> None:
    """Allow the old words only; fails where a file needs another."""
    _allow("packing IN ('plain', 'gzip', 'fpack')")


def _allow(condition: str) -> None:
    op.drop_constraint(op.f(_NAME), "files", schema=_SCHEMA, type_="check")
    op.create_check_constraint(op.f(_NAME), "files", condition, schema=_SCHEMA)
