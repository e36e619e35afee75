"""The stages that look for stars: background, sources, point-spread function."""

from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.calibration.zero_point_fit import FEWEST_STARS
from bhtom_cpcs.science.frames.binning import binning_of, row_scale_arcsec
from bhtom_cpcs.science.frames.detector import Detector
from bhtom_cpcs.science.frames.exposure_length import n_exposures
from bhtom_cpcs.science.frames.gain import Gain, is_one_exposure_as_read, settled_gain
from bhtom_cpcs.science.frames.header_cards import text_of
from bhtom_cpcs.science.frames.pixel_noise import PixelNoise, measure_pixel_noise
from bhtom_cpcs.science.frames.planes import Plane
from bhtom_cpcs.science.frames.stated_limits import PER_SECOND, UNIT_ELECTRONS
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.results.frame import PsfReport, Quality, Sampling
from bhtom_cpcs.science.stages.image_judgement import judge_images, warn_without_stars
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stars.cosmic_rays import strikes_among
from bhtom_cpcs.science.stars.detection import (
    SEP_MERGED,
    SEP_TRUNCATED,
    DetectionOverflow,
    Sources,
    detect,
    subtract_background,
)
from bhtom_cpcs.science.stars.first_look import first_look
from bhtom_cpcs.science.stars.flat_tops import flat_top_level
from bhtom_cpcs.science.stars.psf_fit import fit_psf
from bhtom_cpcs.science.stars.psf_model import PsfModel
from bhtom_cpcs.science.stars.psf_photometry import FittedSources, fit_sources
from bhtom_cpcs.science.stars.psf_shape import Shape
from bhtom_cpcs.science.stop import Stop

BoolArray = npt.NDArray[np.bool_]

_NEAR_SATURATION = 0.95
_MUCH_LOWER = 0.95  # a limit that was seen, against one that is known
_LOOKS_AT_TOPS = 2
_GAUSSIAN_SOFTNESS = 0.02  # a Moffat exponent above 50 is a Gaussian


def find_sources(state: PlaneState) -> None:
    """Subtract the background, find the sources, measure the stars' width."""
    plane = state.plane
    state.sky = sky = subtract_background(plane.pixels, plane.mask)
    if not np.isfinite(sky.rms) or sky.rms <= 0:
        raise Stop(Outcome.EMPTY_IMAGE, reason="the background has no noise")
    try:
        guess = first_look(plane.pixels, plane.mask, sky.rms)
        sources = detect(plane.pixels, plane.mask, sky.rms, guess)
    except DetectionOverflow as error:
        raise Stop(
            Outcome.EMPTY_IMAGE, reason="light everywhere, no separate stars"
        ) from error
    state.psf = _unsaturated_psf(state, sources, Shape(guess))
    judge_images(state, sources, guess)
    sources = _without_cosmic_rays(state, sources)
    state.pixel_noise = measure_pixel_noise(
        plane.pixels,
        plane.mask,
        (sources.x, sources.y, sources.flux),
        sky.rms,
        state.psf.fwhm_px,
        need(state.detector, "read_detector"),
    )
    found = _fitted_sources(state, state.psf, sources)
    sources = state.sources = found.sources
    state.source_fluxes, state.psf = found.fluxes, found.psf
    if not state.psf.n_stars:
        warn_without_stars(state)
    state.quality = _quality(state)
    if len(sources) < FEWEST_STARS:
        raise Stop(Outcome.TOO_FEW_STARS, n_found=len(sources), n_needed=FEWEST_STARS)


def _unsaturated_psf(state: PlaneState, sources: Sources, guess: Shape) -> PsfModel:
    """Fit the PSF, and lower the saturation level where it shows stars that are cut.

    Saturated stars spoil the PSF and with it the level: without them it is made again,
    and what they seemed to show must show then too.
    """
    known, sky = (
        need(state.detector, "read_detector"),
        need(state.sky, "find_sources"),
    )
    level, psf = known.saturation_adu, _fitted_psf(state, sources, guess)
    for _ in range(_LOOKS_AT_TOPS):
        before, level = level, _seen_level(state, sources, psf, known)
        if level == before:
            break
        is_seen = known.saturation_seen or level != known.saturation_adu
        state.detector = replace(known, saturation_adu=level, saturation_seen=is_seen)
        psf = _fitted_psf(state, sources, guess)
    if level is not None and level != known.saturation_adu:
        state.plane.raise_saturated(level - sky.level)
        state.warnings.append(
            f"The brightest stars have flat tops: the detector's limit is taken to be "
            f"{level + state.plane.offset_adu:.4g} ADU."
        )
    return psf


def _fitted_psf(state: PlaneState, sources: Sources, guess: Shape) -> PsfModel:
    plane, noise = state.plane, _first_noise(state)
    clean = clean_sources(state, sources)
    return fit_psf(plane.pixels, plane.mask, sources, clean, guess, noise)


def _seen_level(
    state: PlaneState, sources: Sources, psf: PsfModel, known: Detector
) -> float | None:
    """Where the brightest stars are cut off, else the limit that is known [ADU]."""
    plane, sky = state.plane, need(state.sky, "find_sources")
    limit = known.saturation_adu
    seen = flat_top_level(plane.pixels, plane.mask, sources, psf, sky.rms)
    if seen is None:
        return limit
    level = seen + sky.level
    return level if limit is None or level < _MUCH_LOWER * limit else limit


def _fitted_sources(
    state: PlaneState, psf: PsfModel, sources: Sources
) -> FittedSources:
    """Fit all sources; again where their noise tells another gain than was taken."""
    evidence = need(state.detector, "read_detector").gain_evidence
    found = _fit(state, psf, sources, ask=evidence is not None and not evidence.is_sure)
    if evidence is None:
        return found
    noise = need(state.pixel_noise, "find_sources")
    gain = settled_gain(evidence, found.stars_gain, noise.correlation)
    if evidence.stated is not None and not gain.is_stated:
        what = "stars" if gain.source == "stars" else "sky"
        state.warnings.append(
            f"The stated gain of {evidence.stated:.3g} e-/ADU does not fit the noise "
            f"of the frame's {what} (a stack, a scaled frame or a wrong figure): "
            f"{gain.value:.3g} e-/ADU is used."
        )
    if gain.value == noise.gain_e_per_adu:
        return found
    _take_gain(state, gain)
    return _fit(state, psf, sources, ask=False)


def _take_gain(state: PlaneState, gain: Gain) -> None:
    empirical = not gain.is_stated
    state.detector = replace(
        need(state.detector, "read_detector"),
        gain_e_per_adu=gain.value,
        gain_source=gain.source,
        noise_empirical=empirical,
    )
    noise = need(state.pixel_noise, "find_sources")
    state.pixel_noise = replace(noise, gain_e_per_adu=gain.value, empirical=empirical)


def _fit(
    state: PlaneState, psf: PsfModel, sources: Sources, *, ask: bool
) -> FittedSources:
    plane, noise = state.plane, need(state.pixel_noise, "find_sources")
    usable = partial(whole_sources, state)
    return fit_sources(
        plane.pixels, plane.mask, psf, noise, sources, usable, ask_noise=ask
    )


def _without_cosmic_rays(state: PlaneState, sources: Sources) -> Sources:
    """Mask the pixels that cosmic rays struck, and drop sources that are nothing else.

    From here on the plane's mask holds them, so that no fit and no sky uses them.
    """
    plane, sky = state.plane, need(state.sky, "find_sources")
    psf, noise = need(state.psf, "fit_psf"), _first_noise(state)
    ceiling = need(state.detector, "read_detector").saturation_adu
    if ceiling is not None:
        ceiling = _NEAR_SATURATION * ceiling - sky.level
    state.strikes, kept = strikes_among(
        plane.pixels, plane.mask, sources, psf, noise, ceiling
    )
    plane.mask = state.strikes.masked(plane.mask, plane.pixels.shape)
    return sources.of(kept)


def _first_noise(state: PlaneState) -> PixelNoise:
    """Return the noise as the background's mesh knows it: enough to fit the PSF."""
    sky, detector = (
        need(state.sky, "find_sources"),
        need(state.detector, "read_detector"),
    )
    return PixelNoise(
        sky.rms,
        detector.gain_e_per_adu,
        detector.read_noise_e,
        1.0,
        detector.noise_empirical,
    )


def clean_sources(state: PlaneState, sources: Sources) -> BoolArray:
    """Say which sources are whole, unblended and unsaturated."""
    alone = (sources.flags & SEP_MERGED) == 0
    return np.asarray(alone & whole_sources(state, sources), dtype=bool)


def whole_sources(state: PlaneState, sources: Sources) -> BoolArray:
    """Say which sources are whole and unsaturated."""
    sky, detector = (
        need(state.sky, "find_sources"),
        need(state.detector, "read_detector"),
    )
    whole = (sources.flags & SEP_TRUNCATED) == 0
    if detector.saturation_adu is not None:
        ceiling = _NEAR_SATURATION * detector.saturation_adu
        whole &= sources.peak + sky.level < ceiling
    return np.asarray(whole, dtype=bool)


def _quality(state: PlaneState) -> Quality:
    sky, psf = need(state.sky, "find_sources"), need(state.psf, "find_sources")
    detector = need(state.detector, "read_detector")
    noise = need(state.pixel_noise, "find_sources")
    scale = row_scale_arcsec(state.plane, state.request.camera)
    if state.astrometry is not None:
        scale = state.astrometry.pixel_scale_arcsec
    return Quality(
        fwhm_px=psf.fwhm_px,
        fwhm_arcsec=None if scale is None else psf.fwhm_px * scale,
        ellipticity=psf.ellipticity,
        background_adu=sky.level,
        background_rms_adu=sky.rms,
        n_sources=len(need(state.sources, "find_sources")),
        saturated_fraction=detector.saturated_fraction,
        masked_fraction=_masked_fraction(state),
        saturation_adu=detector.saturation_adu,
        gain_e_per_adu=noise.gain_e_per_adu,
        noise_empirical=detector.noise_empirical,
        gain_source=detector.gain_source,
        as_read=is_one_exposure_as_read(state.plane),
        sky_level_adu=detector.sky_level_adu,
        sky_variance_adu2=detector.sky_variance_adu2,
        psf=_psf_report(psf),
        saturation_seen_adu=_saturation_seen(state),
        sampling=_sampling(state.plane),
    )


def _saturation_seen(state: PlaneState) -> float | None:
    """The level that the pixels show, where they are as the camera writes them."""
    plane, detector = state.plane, need(state.detector, "read_detector")
    unit = text_of(plane.header, "BUNIT") or ""
    other_unit = UNIT_ELECTRONS.match(unit) or PER_SECOND.search(unit)
    if other_unit or n_exposures(plane.header) > 1:
        return None
    if not detector.saturation_seen or detector.saturation_adu is None:
        return None
    return detector.saturation_adu + plane.offset_adu


def _sampling(plane: Plane) -> Sampling:
    binning = binning_of(plane.header)
    return Sampling(
        binning=None if binning is None else binning.text,
        pixel_pitch=plane.pixel_pitch,
        pixels_averaged=plane.pixels_averaged,
    )


def _masked_fraction(state: PlaneState) -> float:
    """Share of the pixels that the frame itself has no value of."""
    mask = state.plane.mask
    if mask is None:
        return 0.0
    return (int(np.count_nonzero(mask)) - len(state.strikes)) / mask.size


def _psf_report(psf: PsfModel) -> PsfReport:
    long_fwhm, short_fwhm = psf.shape.axes_px
    softness = psf.shape.softness
    return PsfReport(
        n_stars=psf.n_stars,
        from_few_stars=psf.from_few_stars,
        long_fwhm_px=long_fwhm,
        short_fwhm_px=short_fwhm,
        angle_deg=psf.shape.angle_deg,
        beta=1 / softness if softness > _GAUSSIAN_SOFTNESS else None,
        spatial_order=0 if psf.variation is None else psf.variation.order,
        normalisation_error_mag=psf.normalisation.scatter_mag,
    )
