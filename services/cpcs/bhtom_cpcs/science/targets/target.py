"""The forced measurement at a target's position: a flux, then a magnitude or limit."""

import math
from dataclasses import dataclass, replace

import numpy as np

from bhtom_cpcs.science.astrometry.coordinates import Astrometry
from bhtom_cpcs.science.calibration.bands import passband_text
from bhtom_cpcs.science.frames.detector import Detector
from bhtom_cpcs.science.frames.planes import Plane
from bhtom_cpcs.science.outcomes import Outcome, sentence
from bhtom_cpcs.science.results import TargetMeasurement, ZeroPoint
from bhtom_cpcs.science.stars.cosmic_rays import Repair, repair_star
from bhtom_cpcs.science.stars.detection import Sources, windowed_positions
from bhtom_cpcs.science.stars.photometry import Aperture, SkyNoise, measure
from bhtom_cpcs.science.stars.psf_model import PsfModel
from bhtom_cpcs.science.targets.target_position import TargetPlace, refusal_of

LIMIT_SIGMA = 3.0
RECENTRE_SIGMA = 10.0
# What flat fields, colours and variable air leave in a good frame at best.
FLOOR_MAG = 0.003
POOR_ZERO_POINT_ERROR_MAG = 0.05
POOR_SCATTER_MAG = 0.15
FEW_REFERENCE_STARS = 10
# A repaired pixel is known from the star's model, which is no better than this.
_REPAIR_ERROR = 0.1
_MAG_PER_RELATIVE = 2.5 / math.log(10)
_LIMIT_DEFINITION = (
    "The magnitude of a flux of 3 (5) times the error of an empty aperture at the "
    "target's position: sky and read noise as measured in this frame, without the "
    "target's own photon noise."
)


@dataclass(frozen=True, slots=True)
class Measuring:
    """What the forced measurement of a plane's targets has in common."""

    plane: Plane
    astrometry: Astrometry
    sources: Sources
    detector: Detector
    sky_level: float
    sky_rms: float
    psf: PsfModel
    aperture: Aperture
    noise: SkyNoise
    growth: float
    zero_point: ZeroPoint
    match_radius_arcsec: float | None


@dataclass(frozen=True, slots=True)
class _Light:
    """Flux in the aperture at a position and the error of an empty one there [ADU]."""

    x: float
    y: float
    flux: float
    sky_error: float


def measure_target(at: Measuring, place: TargetPlace) -> TargetMeasurement:
    """Measure the flux at a target's position, whatever is there.

    Every way in which it cannot be measured is an outcome of the measurement.
    """
    ra, dec = place.ra_deg, place.dec_deg
    target_id = place.target.target_id
    blank = TargetMeasurement(target_id, Outcome.TARGET_MASKED, "", ra, dec)
    shape = at.plane.pixels.shape
    if absent := refusal_of(place, at.astrometry, (shape[0], shape[1])):
        return replace(blank, outcome=absent[0], message=absent[1])
    x, y = (
        float(axis[0]) for axis in at.astrometry.pixel(np.array([ra]), np.array([dec]))
    )
    blank = replace(
        blank,
        x_px=x,
        y_px=y,
        aperture_radius_px=at.aperture.radius,
        nearest_source_arcsec=_nearest_arcsec(at, x, y),
    )
    if refused := _refusal(at, blank, x, y):
        return refused
    return _forced(at, blank, x, y)


def _nearest_arcsec(at: Measuring, x: float, y: float) -> float | None:
    if not len(at.sources):
        return None
    distance = float(np.min(np.hypot(at.sources.x - x, at.sources.y - y)))
    return distance * at.astrometry.pixel_scale_arcsec


def _refusal(
    at: Measuring, blank: TargetMeasurement, x: float, y: float
) -> TargetMeasurement | None:
    """Refuse a target over the edge, on masked pixels or saturated."""
    height, width = at.plane.pixels.shape
    radius = at.aperture.radius
    reason = None
    if min(x, y, width - 1 - x, height - 1 - y) < radius:
        reason = "its aperture reaches over the edge of the image"
    x0, x1 = max(int(x - radius), 0), min(int(x + radius) + 2, width)
    y0, y1 = max(int(y - radius), 0), min(int(y + radius) + 2, height)
    part = np.s_[y0:y1, x0:x1]
    if at.plane.mask is not None and at.plane.mask[part].any():
        reason = "its aperture holds pixels marked as bad"
    if reason:
        return replace(blank, message=sentence(Outcome.TARGET_MASKED, reason=reason))
    peak = float(at.plane.pixels[part].max()) + at.sky_level
    limit = at.detector.saturation_adu
    if limit is not None and peak >= limit:
        message = sentence(Outcome.TARGET_SATURATED, peak=peak, limit=limit)
        return replace(
            blank,
            outcome=Outcome.TARGET_SATURATED,
            message=message,
            flags=("saturated",),
        )
    return None


def _forced(
    at: Measuring, blank: TargetMeasurement, x: float, y: float
) -> TargetMeasurement:
    """Sum the light at the position; centre on the star where it is bright."""
    reach = at.aperture.sky_outer + at.psf.fwhm_px
    repair = repair_star(
        at.plane.pixels,
        (x, y),
        at.aperture.radius,
        reach,
        at.psf,
        (at.sky_rms, at.detector.gain_e_per_adu),
    )
    light = _light(at, repair, x, y)
    flags = ["cosmic_ray"] if repair.n_struck else []
    if (light.x, light.y) != (x, y):
        flags.append("recentred")
    flags += _flags(at, blank, light.x, light.y)
    terms = _flux_errors(at, light)
    if repair.n_struck:
        terms["cosmic_ray"] = _REPAIR_ERROR * repair.replaced_adu
    error = math.sqrt(sum(term**2 for term in terms.values()))
    zero_point = at.zero_point.value
    empty = light.sky_error * at.growth
    placed = replace(
        blank,
        x_px=light.x,
        y_px=light.y,
        flux_adu=light.flux * at.growth,
        flux_error_adu=error * at.growth,
        signal_to_noise=light.flux / error,
        limit_3sigma=zero_point - 2.5 * math.log10(3 * empty),
        limit_5sigma=zero_point - 2.5 * math.log10(5 * empty),
        limit_definition=_LIMIT_DEFINITION,
        error_budget_adu={name: term * at.growth for name, term in terms.items()},
        flags=tuple(flags),
    )
    return _as_magnitude(at, placed, light.flux, error, terms)


def _light(at: Measuring, repair: Repair, x: float, y: float) -> _Light:
    """Measure at the position, and again at the star's own where it is bright."""
    pixels = repair.pixels
    mask = None
    if at.plane.mask is not None:
        rows = slice(repair.bottom, repair.bottom + pixels.shape[0])
        columns = slice(repair.left, repair.left + pixels.shape[1])
        mask = np.ascontiguousarray(at.plane.mask[rows, columns])

    def at_position(x: float, y: float) -> _Light:
        here = np.array([x - repair.left]), np.array([y - repair.bottom])
        flux = measure(pixels, mask, *here, at.aperture)
        error = _sky_error(at, float(flux.sky_rms[0]))
        return _Light(x, y, float(flux.flux[0]), error)

    forced = at_position(x, y)
    if forced.flux < RECENTRE_SIGMA * forced.sky_error:
        return forced
    here = np.array([x - repair.left]), np.array([y - repair.bottom])
    new_x, new_y = windowed_positions(pixels, mask, *here, at.psf.fwhm_px)
    moved = at_position(float(new_x[0]) + repair.left, float(new_y[0]) + repair.bottom)
    distance = math.hypot(moved.x - x, moved.y - y)
    return moved if distance <= max(0.5 * at.psf.fwhm_px, 0.7) else forced


def _sky_error(at: Measuring, local_rms: float) -> float:
    """Error of the empty aperture, larger where the sky here is noisier."""
    ratio = local_rms / at.sky_rms if at.sky_rms > 0 else 1.0
    return at.noise.error_adu * (ratio if ratio > 1.2 else 1.0)


def _flux_errors(at: Measuring, light: _Light) -> dict[str, float]:
    """Split the flux's error into photon, read and sky terms [ADU]."""
    gain = at.detector.gain_e_per_adu
    read = 0.0
    if at.detector.read_noise_e is not None and not at.detector.noise_empirical:
        read = at.detector.read_noise_e / gain * math.sqrt(at.aperture.area)
        read = min(read, 0.99 * light.sky_error)
    return {
        "photon": math.sqrt(max(light.flux, 0.0) / gain),
        "sky": math.sqrt(light.sky_error**2 - read**2),
        "read": read,
    }


def _as_magnitude(
    at: Measuring,
    placed: TargetMeasurement,
    flux: float,
    error: float,
    terms: dict[str, float],
) -> TargetMeasurement:
    """Turn the flux into a magnitude, or into a limit below 3 sigma."""
    passband = passband_text(at.zero_point.passband)
    n_stars = at.zero_point.n_stars
    if flux < LIMIT_SIGMA * error:
        message = sentence(
            Outcome.LIMIT,
            limit_3sigma=placed.limit_3sigma,
            passband=passband,
            n_stars=n_stars,
        )
        return replace(placed, outcome=Outcome.LIMIT, message=message, is_limit=True)
    budget = {name: _MAG_PER_RELATIVE * term / flux for name, term in terms.items()}
    budget["zero_point"] = at.zero_point.error
    budget["floor"] = FLOOR_MAG
    magnitude = at.zero_point.value - 2.5 * math.log10(flux * at.growth)
    magnitude_error = math.sqrt(sum(term**2 for term in budget.values()))
    message = sentence(
        Outcome.CALIBRATED,
        passband=passband,
        magnitude=magnitude,
        magnitude_error=magnitude_error,
        n_stars=n_stars,
    )
    return replace(
        placed,
        outcome=Outcome.CALIBRATED,
        message=message,
        magnitude=magnitude,
        magnitude_error=magnitude_error,
        error_budget_mag=budget,
    )


def _flags(at: Measuring, blank: TargetMeasurement, x: float, y: float) -> list[str]:
    """Words on what may have spoilt the measurement."""
    flags = []
    height, width = at.plane.pixels.shape
    if min(x, y, width - 1 - x, height - 1 - y) < at.aperture.sky_inner:
        flags.append("near_edge")
    distance = np.hypot(at.sources.x - x, at.sources.y - y)
    if np.sum(distance < at.aperture.radius + 1.5 * at.psf.fwhm_px) > 1:
        flags.append("blended")
    radius = at.match_radius_arcsec
    nearest = blank.nearest_source_arcsec
    if radius is not None and radius > 0 and (nearest is None or nearest > radius):
        flags.append("no_source_within_match_radius")
    if not at.noise.measured:
        flags.append("sky_error_not_measured")
    if at.detector.noise_empirical:
        flags.append("noise_empirical")
    if at.zero_point.n_stars < FEW_REFERENCE_STARS:
        flags.append("few_reference_stars")
    if at.zero_point.unverified_used:
        flags.append("unverified_reference")
    poor_error = at.zero_point.error > POOR_ZERO_POINT_ERROR_MAG
    if poor_error or at.zero_point.scatter > POOR_SCATTER_MAG:
        flags.append("poor_zero_point")
    return flags
