"""The zero point of a frame and the bands that were ranked for it."""

from dataclasses import dataclass

from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.zero_point_terms import (
    ColourTerm,
    ExtinctionTerm,
    FlatTerm,
    SpatialTerm,
)


@dataclass(frozen=True, slots=True)
class BandFigures:
    """One offered band in the ranking, all bands on the same stars.

    `scatter_mag` is the robust rms about the zero point and `intrinsic_scatter_mag`
    the same with the catalogue's and the measurements' errors subtracted (it ranks).
    `reason` says why a band was chosen, passed over or not ranked.
    """

    passband: str
    ranked: bool
    chosen: bool
    reason: str
    n_stars: int
    zero_point: float | None
    zero_point_error: float | None
    scatter_mag: float | None
    intrinsic_scatter_mag: float | None
    outlier_fraction: float | None


@dataclass(frozen=True, slots=True)
class ZeroPoint:
    """Offset from instrumental to standard magnitudes in the chosen passband.

    reference magnitude = -2.5 log10(flux in ADU per frame) + `value`. `error` is
    1 sigma, without the PSF normalisation, whose common part cancels between target
    and stars and whose rest is in the target's own budget, and without the colour
    slope's error from the stars' mean colour to the target's, which is there too;
    `scatter` the robust rms [mag]; `unverified_used` says that values the catalogue
    itself doubts had to be used.

    `value` is that of a star of the colour term's pivot at the frame's centre.
    `passband` is `reference_passband` for a standard filter and a name of its own for
    another (`GaiaSP/clear-r`, shown as `clear-r(GaiaSP)`). `source` says where the
    reference comes from: `native` magnitudes, a published `transformation`, or
    `borrowed` from a frame of the same night; `source_note` in words; `source_bands`
    are the letters of the bands that it was transformed from.
    `magnitude_slope` is the slope of instrumental against reference magnitudes minus
    one. `hull_px` are the corners of the used stars' convex hull. `flags` hold for
    every target of the frame.
    """

    passband: str
    passband_text: str
    value: float
    error: float
    scatter: float
    n_stars: int
    n_matched: int
    outlier_fraction: float
    matching_radius_arcsec: float
    ranking: tuple[BandFigures, ...]
    unverified_used: bool = False
    reference_passband: str = ""
    source: str = "native"
    source_note: str = ""
    source_bands: tuple[str, ...] = ()
    colour_term: ColourTerm | None = None
    spatial_term: SpatialTerm | None = None
    extinction_term: ExtinctionTerm | None = None
    flat_term: FlatTerm | None = None
    magnitude_slope: float | None = None
    magnitude_slope_error: float | None = None
    hull_px: tuple[tuple[float, float], ...] = ()
    flags: tuple[FlagWord, ...] = ()
