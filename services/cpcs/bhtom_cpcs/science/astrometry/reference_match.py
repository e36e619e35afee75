"""The cross-match of a frame's sources with a catalogue at the frame's epoch."""

from dataclasses import replace

import numpy as np

from bhtom_cpcs.science.astrometry.coordinates import Astrometry, project
from bhtom_cpcs.science.astrometry.cross_match import Matches, cross_match
from bhtom_cpcs.science.astrometry.plane_correction import PlaneCorrection
from bhtom_cpcs.science.astrometry.proper_motion import at_epoch
from bhtom_cpcs.science.reference import ReferenceStars, brightness_of
from bhtom_cpcs.science.stars.detection import Sources


def match_reference(
    astrometry: Astrometry,
    sources: Sources,
    reference: ReferenceStars,
    epoch_jyear: float,
    start: PlaneCorrection | None = None,
) -> Matches | None:
    """Match all sources to all reference stars at the frame's epoch.

    Which bands the catalogue offers, and which of them is asked for, has no say in
    the pairs. None when nothing stands out of chance.
    """
    motion = (reference.pm_ra_masyr, reference.pm_dec_masyr)
    years = epoch_jyear - reference.epoch_jyear
    ra, dec = at_epoch(reference.ra_deg, reference.dec_deg, motion, years)
    stars = project(ra, dec, astrometry.centre)
    order = np.argsort(brightness_of(reference.magnitude), kind="stable")
    order = order[np.isfinite(stars[order, 0])]
    found = astrometry.plane(sources.x, sources.y)
    known = np.flatnonzero(np.isfinite(found[:, 0]))
    matches = cross_match(
        found[known], stars[order], astrometry.pixel_scale_arcsec, start
    )
    if matches is None:
        return None
    return replace(
        matches,
        source=known[matches.source],
        reference=order[matches.reference],
    )
