"""What other services are told of targets."""

from bhtom_contracts.events.targets import (
    Ephemeris,
    OrbitalElements,
    TargetChanged,
    TargetPosition,
)
from bhtom_core.rows import Record
from bhtom_core.targets.position_models import table_of


def target_snapshot(target: Record) -> TargetChanged:
    """A target as it is now; its row holds `ephemeris_rows` too."""
    return TargetChanged(
        aggregate_version=target.version,
        deleted_at=target.deleted_at,
        target_id=target.target_id,
        name=target.name,
        aliases=tuple(target.aliases),
        position=_position(target),
        classification=target.classification,
        description=target.description,
        importance=target.importance,
        cadence=target.cadence,
        owner_id=target.owner_id,
        visibility=target.visibility,
        embargo_until=target.embargo_until,
        archives_allowed=target.archives_allowed,
        created_at=target.created_at,
        modified_at=target.modified_at,
    )


def _position(target: Record) -> TargetPosition:
    elements, ephemeris = target.elements, _ephemeris(target)
    return TargetPosition(
        kind=target.position_kind,
        version=target.position_version,
        ra=target.ra,
        dec=target.dec,
        epoch=target.epoch,
        pm_ra=target.pm_ra,
        pm_dec=target.pm_dec,
        parallax=target.parallax,
        error=target.position_error,
        elements=elements and OrbitalElements.model_validate(elements),
        ephemeris=ephemeris,
    )


def _ephemeris(target: Record) -> Ephemeris | None:
    if target.ephemeris is None:
        return None
    return table_of(target.ephemeris["observer"], target.ephemeris_rows)
