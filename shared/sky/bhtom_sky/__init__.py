"""A simulated sky: stars, frames of them, and the truth."""

from bhtom_sky.camera import Camera
from bhtom_sky.catalogue import catalogue_table, write_catalogue
from bhtom_sky.frames import Frame, frame_wcs, mjd_of, render_frame
from bhtom_sky.night import night
from bhtom_sky.sample_data import (
    HUNTSMAN_CATALOGUE,
    HUNTSMAN_FOOTPRINT,
    HUNTSMAN_FRAME,
    Footprint,
    sample,
)
from bhtom_sky.stars import BANDS, SURVEY, Sky, Variable, make_sky

__all__ = [
    "BANDS",
    "HUNTSMAN_CATALOGUE",
    "HUNTSMAN_FOOTPRINT",
    "HUNTSMAN_FRAME",
    "SURVEY",
    "Camera",
    "Footprint",
    "Frame",
    "Sky",
    "Variable",
    "catalogue_table",
    "frame_wcs",
    "make_sky",
    "mjd_of",
    "night",
    "render_frame",
    "sample",
    "write_catalogue",
]
