"""The colour of a target that the reference catalogue holds for a constant star."""

import numpy as np

from bhtom_cpcs.science.astrometry.coordinates import separation_deg
from bhtom_cpcs.science.decisions import TargetColour
from bhtom_cpcs.science.reference import ReferenceStars

# A catalogue entry this near at the catalogue's epoch is the target itself.
_ITSELF_ARCSEC = 1.0


def catalogue_colour(
    target_id: int,
    position: tuple[float, float],
    reference: ReferenceStars,
    blue: str,
    red: str,
) -> TargetColour | None:
    """Return the target's colour in the catalogue, None unless it is a constant star.

    A star is constant where the catalogue has looked for variables and did not list
    it. One of unknown variability gives no colour: the catalogue's was that of
    another day.

    Parameters
    ----------
    position : ICRS right ascension and declination of the target [deg]
    blue, red : passbands whose difference is wanted
    """
    if reference.variable is None or not len(reference):
        return None
    if blue not in reference.magnitude or red not in reference.magnitude:
        return None
    distance = separation_deg(reference.ra_deg, reference.dec_deg, *position) * 3600
    star = int(np.argmin(distance))
    if distance[star] > _ITSELF_ARCSEC or reference.variable[star]:
        return None
    value = reference.magnitude[blue][star] - reference.magnitude[red][star]
    error = np.hypot(reference.error[blue][star], reference.error[red][star])
    if not (np.isfinite(value) and np.isfinite(error)):
        return None
    return TargetColour(target_id, blue, red, float(value), float(error), "catalogue")
