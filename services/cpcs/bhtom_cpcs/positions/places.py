"""Evaluates a position model, in a process of its own: the libraries are heavy."""

from typing import Any

from bhtom_contracts.events.targets import TargetPosition
from bhtom_cpcs.positions.schemas import Place, PositionQuestion


def places(question: PositionQuestion) -> list[Place]:
    """The places at the times asked for."""
    from bhtom_cpcs.calibrations.position_models import position_model
    from bhtom_cpcs.science.frames.sun_and_air import (
        altitude_deg,
        sun_altitude_deg,
        unit_vector,
    )
    from bhtom_cpcs.science.request import Site
    from bhtom_cpcs.science.targets.target_position import place_of

    site = None
    if question.site is not None:
        given = question.site
        site = Site(given.latitude, given.longitude, given.altitude)
    model = position_model(0, _with_kind(question.position))
    found = []
    for mjd in question.mjd:
        place = place_of(model, mjd, site)
        if place.problem is not None:
            found.append(Place(mjd=mjd, problem=place.problem))
            continue
        seen: dict[str, Any] = {"ra": place.ra_deg, "dec": place.dec_deg}
        if site is not None:
            towards = unit_vector(place.ra_deg, place.dec_deg)
            seen["altitude"] = altitude_deg(mjd, towards, site)
            seen["sun_altitude"] = sun_altitude_deg(mjd, site)
        found.append(Place(mjd=mjd, error=max(place.error_arcsec), **seen))
    return found


def _with_kind(position: TargetPosition) -> TargetPosition:
    """The model with the kind of what it holds, which a person need not say."""
    kind = "sidereal"
    if position.elements is not None:
        kind = "elements"
    elif position.ephemeris is not None:
        kind = "ephemeris"
    return position.model_copy(update={"kind": kind})
