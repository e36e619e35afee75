"""The stages that are different for an instrumental catalogue: no pixels to measure.

They fill the same state as those of a frame, so that the reference stars, the match,
the comparison stars, the bands and the zero point are found by the same stages.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from bhtom_cpcs.science.calibration.comparison import StarFluxes
from bhtom_cpcs.science.calibration.estimator_choice import choose_estimator
from bhtom_cpcs.science.calibration.zero_point_fit import FEWEST_STARS
from bhtom_cpcs.science.catalogue_files.instrumental_catalogue import (
    Estimator,
    FloatArray,
    InstrumentalCatalogue,
)
from bhtom_cpcs.science.catalogue_files.sky_grid import SkyGrid, lay_grid
from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.frames.binning import row_scale_arcsec
from bhtom_cpcs.science.frames.detector import Detector
from bhtom_cpcs.science.frames.exposure_time import ExposureTime, exposure_time
from bhtom_cpcs.science.frames.planes import Plane
from bhtom_cpcs.science.magnitudes import MAG_PER_RELATIVE
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.results.catalogue_file import CatalogueFile, EstimatorFigures
from bhtom_cpcs.science.stages.frame_stages import set_time, vantage_of
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stages.target_stages import timing_at
from bhtom_cpcs.science.stars.detection import Sky, Sources
from bhtom_cpcs.science.stop import Stop
from bhtom_cpcs.science.targets.catalogue_target import (
    CatalogueSources,
    measure_in_catalogue,
)

# The bits of sep that the shared stages look at.
_MERGED, _TRUNCATED = 1, 2
_DEFAULT_FWHM_ARCSEC = 3.0
_PLAUSIBLE_MJD = (10_000.0, 100_000.0)
_TIMES_AGREE_S = 60.0


@dataclass(slots=True)
class SourceListState(PlaneState):
    """A plane that came as a catalogue of its sources, brightest first."""

    catalogue_file: InstrumentalCatalogue | None = None
    estimator: Estimator | None = None
    estimator_figures: tuple[EstimatorFigures, ...] = field(default=())
    grid: SkyGrid | None = None

    @property
    def has_pixels(self) -> bool:
        """A list of sources comes without its image."""
        return False

    @property
    def fwhm_px(self) -> float:
        """Width of the stars, from the file or as usual on the ground [px]."""
        file = need(self.catalogue_file, "read_catalogue")
        if file.fwhm_px is not None:
            clean = ~file.blended & ~file.saturated & ~file.edge & (file.fwhm_px > 0.3)
            if clean.any():
                return float(np.median(file.fwhm_px[clean]))
        scale = need(self.astrometry, "read_wcs").pixel_scale_arcsec
        return _DEFAULT_FWHM_ARCSEC / scale

    def described(self) -> CatalogueFile | None:
        """Return how the file was read, for the result."""
        file = self.catalogue_file
        if file is None:
            return None
        figures = self.estimator_figures or tuple(
            EstimatorFigures(e.column, e.error_column, len(file.estimators) == 1, 0)
            for e in file.estimators
        )
        return CatalogueFile(
            format=file.format,
            n_rows=file.n_rows,
            n_sources=file.n_usable,
            columns=file.columns,
            dropped=file.dropped,
            estimators=figures,
        )


def read_catalogue_time(state: SourceListState) -> None:
    """Take the middle of the exposure from the upload, else from the file's cards."""
    given = state.request.mid_exposure_mjd_utc
    if given is not None and not _PLAUSIBLE_MJD[0] < given < _PLAUSIBLE_MJD[1]:
        raise Stop(Outcome.NO_TIME, reason=f"mjd = {given} is no date of our time")
    try:
        told = exposure_time(
            state.plane.header, state.request.camera, vantage_of(state)
        )
    except Stop:
        if given is None:
            raise Stop(
                Outcome.NO_TIME,
                reason="neither the upload nor the file gives it: send the field mjd",
            ) from None
        told = None
    if given is None and told is not None:
        set_time(state, told)
        return
    assert given is not None  # noqa: S101 - narrows the type
    exposure_s = 0.0 if told is None else told.exposure_s
    if told is not None:
        apart_s = abs(told.mid_mjd_utc - given) * 86400
        if apart_s > exposure_s + _TIMES_AGREE_S:
            state.warnings.append(
                f"The upload says mjd {given:.6f} and the file {told.mid_mjd_utc:.6f} "
                f"({told.card}); the upload's counts."
            )
    flags = () if exposure_s else (FlagWord.EXPOSURE_TIME_NOT_TOLD,)
    set_time(state, ExposureTime(given, exposure_s, f"{given!r}", "mjd", "UTC", flags))


def place_sources(state: SourceListState) -> None:
    """Lay the pixel grid and set what the detection sets for a frame.

    Sources without a usable brightness, the last ones, are none that a frame's
    detection would have found.
    """
    file = need(state.catalogue_file, "read_catalogue")
    state.warnings.extend(file.notes)
    state.grid = grid = lay_grid(
        file, row_scale_arcsec(state.plane, state.request.camera)
    )
    count = file.n_usable
    # Shape without pixels: one zero that is seen everywhere.
    empty = np.broadcast_to(np.float32(0.0), grid.shape)
    state.plane = Plane(state.plane.name, grid.header, empty, None)
    flags = np.where(file.blended, _MERGED, 0)
    flags = flags | np.where(file.edge | file.saturated, _TRUNCATED, 0)
    nothing = np.zeros(count)
    state.sources = Sources(
        x=grid.x[:count],
        y=grid.y[:count],
        flux=_flux(file.estimators[0].magnitude[:count]),
        peak=nothing,
        a=nothing,
        b=nothing,
        flags=flags[:count].astype(np.int64),
    )
    state.sky = Sky(0.0, 0.0)
    state.detector = Detector(None, float(file.saturated.mean()), 1.0, None, False)


def count_sources(state: SourceListState) -> None:
    """Stop when the file has too few sources for a zero point."""
    file = need(state.catalogue_file, "read_catalogue")
    if file.n_usable < FEWEST_STARS:
        raise Stop(Outcome.TOO_FEW_STARS, n_found=file.n_usable, n_needed=FEWEST_STARS)


def choose_brightness(state: SourceListState) -> None:
    """Choose the column that targets and comparison stars are both taken from."""
    file = need(state.catalogue_file, "read_catalogue")
    matches = need(state.matches, "match_to_sky")
    reference = need(state.reference, "match_to_sky")
    chosen, why = 0, ""
    if len(file.estimators) > 1:
        chosen, why, state.estimator_figures = choose_estimator(
            file.estimators,
            ~(file.blended | file.saturated | file.edge),
            (matches.source, matches.reference),
            reference,
            state.catalogue.bands,
            state.request.decisions.brightness_column,
        )
    state.estimator = best = file.estimators[chosen]
    if why:
        state.warnings.append(
            f"Of {len(file.estimators)} brightness columns {best.column} was taken: "
            f"{why}."
        )
    magnitude, error = best.magnitude[matches.source], best.error[matches.source]
    flux = _flux(magnitude)
    state.star_fluxes = StarFluxes(
        flux=flux,
        error=flux * np.nan_to_num(error, nan=np.inf) / MAG_PER_RELATIVE,
        complete=best.usable[matches.source],
    )


def find_targets(state: SourceListState) -> None:
    """Look every target of the request up."""
    file = need(state.catalogue_file, "read_catalogue")
    estimator = need(state.estimator, "choose_brightness")
    grid = need(state.grid, "place_sources")
    request = state.request
    given = request.match_radius_arcsec
    matched = need(state.matches, "match_to_sky").radius_arcsec
    at = CatalogueSources(
        x=grid.x,
        y=grid.y,
        magnitude=estimator.magnitude,
        error=estimator.error,
        too_faint=estimator.too_faint,
        column=estimator.column,
        saturated=file.saturated,
        blended=file.blended,
        edge=file.edge,
        astrometry=need(state.astrometry, "match_to_sky"),
        zero_point=need(state.zero_point, "fit_zero_points"),
        timing=need(state.timing, "read_catalogue_time"),
        reference=state.reference,
        decisions=request.decisions,
        aperture_m=request.camera.aperture_m,
        site_height_m=0.0 if request.site is None else request.site.height_m,
        given_radius_arcsec=given if given is not None and given > 0 else None,
        matched_radius_arcsec=matched,
        shape=(state.plane.pixels.shape[0], state.plane.pixels.shape[1]),
    )
    state.measurements = tuple(
        measure_in_catalogue(replace(at, timing=timing_at(state, place)), place)
        for place in state.places
    )


def brightest_first(file: InstrumentalCatalogue) -> InstrumentalCatalogue:
    """Order the sources as the detection in a frame does; unusable ones last."""
    brightness = np.nan_to_num(file.estimators[0].magnitude, nan=np.inf)
    order = np.lexsort((brightness, ~file.usable))

    def ordered(values: FloatArray | None) -> FloatArray | None:
        return None if values is None else values[order]

    return replace(
        file,
        ra_deg=ordered(file.ra_deg),
        dec_deg=ordered(file.dec_deg),
        x_px=ordered(file.x_px),
        y_px=ordered(file.y_px),
        fwhm_px=ordered(file.fwhm_px),
        saturated=file.saturated[order],
        blended=file.blended[order],
        edge=file.edge[order],
        estimators=tuple(
            replace(
                one,
                magnitude=one.magnitude[order],
                error=one.error[order],
                too_faint=one.too_faint[order],
            )
            for one in file.estimators
        ),
    )


def _flux(magnitude: FloatArray) -> FloatArray:
    """Return 10^(-0.4 m); 0 where there is no magnitude."""
    flux: FloatArray = np.where(
        np.isfinite(magnitude), 10 ** (-0.4 * np.nan_to_num(magnitude)), 0.0
    )
    return flux
