"""A pinned target's position model in the science's words."""

import math

from bhtom_contracts.events import targets as contract
from bhtom_contracts.events.frames import TargetPin
from bhtom_cpcs.science.request import (
    Ephemeris,
    EphemerisRow,
    OrbitalElements,
    TargetPosition,
)
from bhtom_cpcs.science.targets.orbits import GAUSS_K


def target_position(pin: TargetPin) -> TargetPosition:
    """A pinned target's model."""
    return position_model(pin.target_id, pin.position)


def position_model(target_id: int, position: contract.TargetPosition) -> TargetPosition:
    """The model that the position's kind names; without one the science says so."""
    by_elements = position.kind == "elements" and position.elements is not None
    by_table = position.kind == "ephemeris" and position.ephemeris is not None
    return TargetPosition(
        target_id=target_id,
        ra_deg=position.ra,
        dec_deg=position.dec,
        epoch_jyear=position.epoch,
        pm_ra_masyr=position.pm_ra or 0.0,
        pm_dec_masyr=position.pm_dec or 0.0,
        parallax_mas=position.parallax or 0.0,
        error_arcsec=position.error,
        elements=_elements(position.elements) if by_elements else None,
        ephemeris=_ephemeris(position.ephemeris) if by_table else None,
        model_version=position.version,
    )


def _elements(given: contract.OrbitalElements | None) -> OrbitalElements | None:
    if given is None:
        return None
    distance = given.perihelion_distance
    if distance is None:
        distance = float(given.semi_major_axis or 0.0) * (1 - given.eccentricity)
    perihelion = given.perihelion_mjd
    if perihelion is None:
        size = distance / (1 - given.eccentricity)
        per_day = math.degrees(GAUSS_K) * size**-1.5
        perihelion = given.epoch_mjd - float(given.mean_anomaly or 0.0) / per_day
    return OrbitalElements(
        epoch_mjd_tdb=given.epoch_mjd,
        perihelion_distance_au=distance,
        eccentricity=given.eccentricity,
        inclination_deg=given.inclination,
        ascending_node_deg=given.ascending_node,
        perihelion_argument_deg=given.perihelion_argument,
        perihelion_mjd_tdb=perihelion,
    )


def _ephemeris(given: contract.Ephemeris | None) -> Ephemeris | None:
    if given is None:
        return None
    rows = tuple(EphemerisRow(r.mjd, r.ra, r.dec, r.distance) for r in given.rows)
    return Ephemeris(rows, topocentric=given.observer == "site")
