"""What was last proposed for a camera."""

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Table, Text, func

from bhtom_cpcs.schema import METADATA

CAMERA_PROPOSALS: Final = Table(
    "camera_proposals",
    METADATA,
    Column("camera_id", BigInteger, primary_key=True, autoincrement=False),
    # The newest calibration that was there.
    Column("considered_until", BigInteger, nullable=False),
    # Of what was told; empty while there was nothing to tell.
    Column("digest", Text, nullable=False),
    Column(
        "looked_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
    ),
)
