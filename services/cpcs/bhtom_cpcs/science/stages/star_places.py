"""Where stars of a frame are, on the image and in the air."""

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.frame_calibration import StarPlaces
from bhtom_cpcs.science.frames.sun_and_air import air_masses
from bhtom_cpcs.science.stages.plane_state import PlaneState, need


def star_places(state: PlaneState, source: npt.NDArray[np.intp]) -> StarPlaces:
    """Find where sources, by their number, are in frame and air.

    Air masses are NaN where the site is not known.
    """
    sources = need(state.sources, "find_sources")
    astrometry = need(state.astrometry, "match_to_sky")
    timing = need(state.timing, "read_time")
    x, y = sources.x[source], sources.y[source]
    air_mass = np.full(len(source), np.nan)
    if state.request.site is not None and len(source):
        air_mass = air_masses(
            timing.mid_exposure_mjd_utc, *astrometry.sky(x, y), state.request.site
        )
    height, width = state.plane.pixels.shape
    return StarPlaces(x, y, air_mass, width, height, astrometry.radius_deg)
