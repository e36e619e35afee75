"""Light beside a target that its scene does not explain."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from bhtom_cpcs.science.astrometry.coordinates import Astrometry
from bhtom_cpcs.science.scene_evidence import StarBeside
from bhtom_cpcs.science.stars.detection import Sources
from bhtom_cpcs.science.stars.fit_quality import StarFit
from bhtom_cpcs.science.stars.psf_fluxes import PsfFluxes
from bhtom_cpcs.science.stars.psf_photometry import fit_positions
from bhtom_cpcs.science.targets.forced_fit import ForcedFit, FrameLight, PointSources
from bhtom_cpcs.science.targets.places_beside import Beside, places_beside

_SAME_SOURCE_FWHM, _REAL_SIGMA = 0.5, 5.0
# As near as this a source's light passes for the target's; from twice as far it does in
# a frame of twice the seeing, so a sharp frame tells of it too.
BESIDE_FWHM: Final = 2.5
TOLD_FWHM: Final = 5.0
# Of the centre of a star of signal to noise 1, in FWHM: between the photons' 0.42 and
# the sky's 0.60 (King 1983, PASP 95, 163).
_CENTRE_FWHM: Final = 0.6
_MAG_PER_RELATIVE: Final = 2.5 / math.log(10)


@dataclass(frozen=True, slots=True)
class FoundBeside:
    """A source in no scene, fitted beside the target: place [px], light [ADU]."""

    x: float
    y: float
    distance: float
    flux: float
    error: float
    chi2: float


@dataclass(frozen=True, slots=True)
class Unmodelled:
    """What passes for the target's light [ADU], and the stars that it comes from.

    `is_resolved` says that the frame shows the target as a source of its own: only
    then is a source beside it another star, and none there says that it shows none.
    `fitted` are all stars about the target as they were fitted with those beside it,
    `star` says how well the target is.
    """

    light_adu: float
    stars: tuple[FoundBeside, ...]
    is_resolved: bool
    fitted: PointSources
    star: StarFit


def unmodelled_light(light: FrameLight, fit: ForcedFit, sources: Sources) -> Unmodelled:
    """Fit detected stars that are in no scene and see what they take from the target.

    Each source beside the target, nearer than 5 FWHM, that is none of the fitted stars,
    and each that shows when they have been taken out, is fitted too, as a trial: where
    it is real (5 sigma) and nearer than 2.5 FWHM, the change that this makes in the
    target's flux is what passes for the target's. The flux itself stays: only some
    frames are sharp enough to show such a star, and the light curve would follow the
    seeing. What is found here is flagged, goes into the error, and is evidence for the
    target's scene.
    """
    fwhm = light.psf.fwhm_px
    itself = max(_SAME_SOURCE_FWHM * fwhm, 1.0)
    nearest = np.hypot(sources.x - fit.x, sources.y - fit.y).min(initial=np.inf)
    resolved = bool(nearest <= itself) and not fit.astray
    beside = places_beside(light, fit, sources, TOLD_FWHM * fwhm, itself)
    beside, trial = _real(light, beside)
    stars = tuple(
        FoundBeside(
            x=float(beside.x[star]),
            y=float(beside.y[star]),
            distance=math.hypot(beside.x[star] - fit.x, beside.y[star] - fit.y),
            flux=float(trial.flux[star]),
            error=float(trial.error[star]),
            chi2=float(trial.chi2[star]),
        )
        for star in range(beside.n_known, len(beside.x))
    )
    takes = any(star.distance < BESIDE_FWHM * fwhm for star in stars)
    total = abs(fit.flux - float(trial.flux[0])) if takes else 0.0
    if not math.isfinite(total):  # the common fit moved the target onto bad pixels
        known = PointSources(fit.stars_x, fit.stars_y, fit.stars_flux, len(fit.stars_x))
        return Unmodelled(0.0, (), is_resolved=False, fitted=known, star=fit.star)
    # a star of the scene beyond the edge has no flux, and no light here
    fluxes = np.where(np.isfinite(trial.flux), trial.flux, 0.0)
    together = PointSources(beside.x, beside.y, fluxes, beside.n_known)
    target = trial.star_fit(0) if stars else fit.star
    return Unmodelled(total, stars, resolved, together, target)


def _real(light: FrameLight, beside: Beside) -> tuple[Beside, PsfFluxes]:
    """Fit all stars together, again without those that are not real, until all are."""
    while True:
        fluxes = fit_positions(
            light.pixels, light.mask, light.psf, light.noise, beside.x, beside.y
        )
        real = (fluxes.flux > _REAL_SIGMA * fluxes.error)[beside.n_known :]
        if real.all():
            return beside, fluxes
        beside = beside.with_others(real)


def stars_beside(
    found: Unmodelled,
    astrometry: Astrometry,
    astrometric_error_arcsec: float,
    zero_point: float,
    fwhm_px: float,
) -> tuple[StarBeside, ...]:
    """Put what was found beside a target on the sky and into magnitudes."""
    stars = []
    scale = astrometry.pixel_scale_arcsec
    for star in found.stars:
        ra, dec = astrometry.sky(np.array([star.x]), np.array([star.y]))
        relative = star.error / star.flux
        centre = _CENTRE_FWHM * fwhm_px * scale * relative
        stars.append(
            StarBeside(
                ra_deg=float(ra[0]) % 360,
                dec_deg=float(dec[0]),
                distance_arcsec=star.distance * scale,
                error_arcsec=math.hypot(centre, astrometric_error_arcsec),
                magnitude=zero_point - 2.5 * math.log10(star.flux),
                magnitude_error=_MAG_PER_RELATIVE * relative,
                reduced_chi_square=star.chi2,
            )
        )
    return tuple(stars)
