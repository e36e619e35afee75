"""The colours on record of a target, among them a constant star's in the catalogue."""

import numpy as np

from bhtom_cpcs.science.astrometry.coordinates import separation_deg
from bhtom_cpcs.science.astrometry.proper_motion import at_epoch
from bhtom_cpcs.science.decisions import Decisions, TargetColour
from bhtom_cpcs.science.epochs import julian_year
from bhtom_cpcs.science.reference import ReferenceStars
from bhtom_cpcs.science.targets.neighbourhood import itself_arcsec
from bhtom_cpcs.science.targets.target_position import TargetPlace
from bhtom_cpcs.science.zero_point_terms import ColourTerm


def recorded_colours(
    place: TargetPlace,
    decisions: Decisions,
    term: ColourTerm | None,
    reference: ReferenceStars | None,
    mid_exposure_mjd: float,
) -> tuple[TargetColour, ...]:
    """Return what is on record of a target's colour, from frames of its night first.

    A body that moves only passes by the catalogue's stars and has none of theirs.

    Parameters
    ----------
    place : where the target is at the time of the frame
    term : the colour term that the colours are for; None where there is none
    reference : stars of the field
    mid_exposure_mjd : of the frame; colours of other nights say nothing of it
    """
    colours = decisions.colours_of(place.target.target_id, mid_exposure_mjd)
    if term is None or reference is None or place.target.moves:
        return colours
    epoch_jyear = julian_year(mid_exposure_mjd)
    known = catalogue_colour(place, reference, epoch_jyear, term.blue, term.red)
    return colours if known is None else (*colours, known)


def catalogue_colour(
    place: TargetPlace,
    reference: ReferenceStars,
    epoch_jyear: float,
    blue: str,
    red: str,
) -> TargetColour | None:
    """Return the target's colour in the catalogue, None unless it is a constant star.

    A star is constant where the catalogue has looked for variables and did not list
    it. One of unknown variability gives no colour: the catalogue's was that of
    another day. The target's own entry is the nearest one at the frame's epoch,
    within `itself_arcsec`, as in its scene.

    Parameters
    ----------
    place : where the target is at the time of the frame
    epoch_jyear : of the frame [yr]
    blue, red : passbands whose difference is wanted
    """
    if reference.variable is None or not len(reference):
        return None
    if blue not in reference.magnitude or red not in reference.magnitude:
        return None
    ra, dec = at_epoch(
        reference.ra_deg,
        reference.dec_deg,
        (reference.pm_ra_masyr, reference.pm_dec_masyr),
        epoch_jyear - reference.epoch_jyear,
    )
    distance = separation_deg(ra, dec, place.ra_deg, place.dec_deg) * 3600
    star = int(np.argmin(distance))
    reach = itself_arcsec(place.error_arcsec)
    if not distance[star] < reach or reference.variable[star]:
        return None
    value = reference.magnitude[blue][star] - reference.magnitude[red][star]
    error = np.hypot(reference.error[blue][star], reference.error[red][star])
    if not (np.isfinite(value) and np.isfinite(error)):
        return None
    return TargetColour(
        place.target.target_id, blue, red, float(value), float(error), "catalogue"
    )
