"""The forced fit: the target's light with its neighbours' at fixed positions.

One estimator for targets and comparison stars: `fit_positions`. What is added here is
the small freedom of a bright target's position and what it costs.
"""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.frames.planes import Image, Mask
from bhtom_cpcs.science.results.target import OtherFluxes
from bhtom_cpcs.science.stars.aperture_flux import aperture_radius_px
from bhtom_cpcs.science.stars.fit_quality import StarFit
from bhtom_cpcs.science.stars.psf_fluxes import PsfFluxes
from bhtom_cpcs.science.stars.psf_model import PsfModel
from bhtom_cpcs.science.stars.psf_photometry import fit_positions

FloatArray = npt.NDArray[np.float64]

FREE_SIGNAL_TO_NOISE: Final = 10.0
FREE_SIGMA, FREE_FWHM = 3.0, 0.5
_ROUNDS: Final = 4
_SETTLED_PX: Final = 1e-3
_SURE_PX: Final = 1e-4


@dataclass(frozen=True, slots=True)
class FrameLight:
    """What a fit needs of the frame: background-subtracted pixels [ADU], PSF, noise."""

    pixels: Image
    mask: Mask | None
    psf: PsfModel
    noise: PixelNoise


@dataclass(frozen=True, slots=True)
class Centre:
    """A target's position from its own light [px].

    `x`, `y` are what the light alone says, `error` its 1 sigma along each axis;
    `variance_growth` is the factor by which freeing the position, as far as it was not
    known before, raises the variance of the flux (above 1 only next to neighbours).
    """

    x: float
    y: float
    error_x: float
    error_y: float
    variance_growth: float


@dataclass(frozen=True, slots=True)
class PointSources:
    """Stars that were fitted together: places [px] and light [ADU], shape (n,).

    The first `n_known` are the target and stars of its scene, the others in no list.
    """

    x: FloatArray
    y: FloatArray
    flux: FloatArray
    n_known: int


@dataclass(frozen=True, slots=True)
class ForcedFit:
    """A target's flux at a position and what was fitted with it.

    Fluxes and errors are total light [ADU]; errors are those of `PsfFluxes`, of which
    this is the first element. `stars_x`, `stars_y`, `stars_flux` hold all fitted stars,
    the target first; `star` says how well that is fitted. `centre` is None where the
    position stayed pinned for want of signal; `astray` says that light lies near, but
    farther than the position may be wrong.
    """

    x: float
    y: float
    flux: float
    photon_error: float
    sky_error: float
    read_error: float
    blend_error: float
    empty_error: float
    background: float
    background_error: float
    star: StarFit
    coverage: float
    neighbour_flux: float
    other_fluxes: OtherFluxes
    stars_x: FloatArray
    stars_y: FloatArray
    stars_flux: FloatArray
    centre: Centre | None = None
    is_free: bool = False
    astray: bool = False

    @property
    def error(self) -> float:
        """1 sigma of the flux by the fit, all its terms in quadrature [ADU]."""
        terms = (self.photon_error, self.sky_error, self.read_error, self.blend_error)
        return math.sqrt(sum(term**2 for term in terms))


def pinned_fit(
    light: FrameLight, x: float, y: float, neighbours: tuple[FloatArray, FloatArray]
) -> ForcedFit:
    """Fit the flux at a position with the neighbours' at theirs.

    Parameters
    ----------
    x, y : zero-based position [px]
    neighbours : x and y of the scene's stars, each of shape (n,) [px]
    """
    stars_x = np.concatenate([[x], neighbours[0]])
    stars_y = np.concatenate([[y], neighbours[1]])
    found = fit_positions(
        light.pixels, light.mask, light.psf, light.noise, stars_x, stars_y
    )
    return ForcedFit(
        x=x,
        y=y,
        stars_x=stars_x,
        stars_y=stars_y,
        stars_flux=np.where(np.isfinite(found.flux), found.flux, 0.0),
        flux=float(found.flux[0]),
        photon_error=float(found.photon_error[0]),
        sky_error=float(found.sky_error[0]),
        read_error=float(found.read_error[0]),
        blend_error=float(found.blend_error[0]),
        empty_error=float(found.empty_error[0]),
        background=float(found.background[0]),
        background_error=float(found.background_error[0]),
        star=found.star_fit(0),
        coverage=float(found.coverage[0]),
        neighbour_flux=float(found.neighbour_flux[0]),
        other_fluxes=_other_fluxes(found, light.psf),
    )


def _other_fluxes(found: PsfFluxes, psf: PsfModel) -> OtherFluxes:
    """The first position's light by the other estimators."""
    return OtherFluxes(
        optimal_adu=float(found.optimal_flux[0]),
        optimal_error_adu=float(found.optimal_error[0]),
        aperture_adu=float(found.aperture_flux[0]),
        aperture_error_adu=float(found.aperture_error[0]),
        aperture_radius_px=aperture_radius_px(psf),
        growth_correction_mag=2.5 * math.log10(found.aperture_share[0]),
    )


def forced_fit(
    light: FrameLight,
    x: float,
    y: float,
    neighbours: tuple[FloatArray, FloatArray],
    position_error_px: float,
) -> ForcedFit:
    """Fit the flux at a position that is free only where the light itself shows it.

    Above a signal to noise of 10 the position follows the light, held back by how well
    it was known before (`position_error_px`, 1 sigma an axis, as a Gaussian prior), and
    no farther than max(3 sigma, 0.5 FWHM); beyond that it stays where it was.
    """
    pinned = pinned_fit(light, x, y, neighbours)
    if not pinned.flux > FREE_SIGNAL_TO_NOISE * pinned.error:
        return pinned
    farthest = max(FREE_SIGMA * position_error_px, FREE_FWHM * light.psf.fwhm_px)
    fit, centre = pinned, centre_of_light(light, pinned, position_error_px)
    for _ in range(_ROUNDS):
        if centre is None:
            return pinned
        shift_x = _held_back(centre.x - x, centre.error_x, position_error_px)
        shift_y = _held_back(centre.y - y, centre.error_y, position_error_px)
        if math.hypot(shift_x, shift_y) > farthest:
            return replace(pinned, astray=True)
        moved = math.hypot(x + shift_x - fit.x, y + shift_y - fit.y)
        fit = pinned_fit(light, x + shift_x, y + shift_y, neighbours)
        if moved < _SETTLED_PX:
            break
        centre = centre_of_light(light, fit, position_error_px)
    if centre is None:
        return pinned
    extra = (centre.variance_growth - 1) * fit.error**2
    blend = math.sqrt(fit.blend_error**2 + extra)
    return replace(fit, centre=centre, is_free=True, blend_error=blend)


def _held_back(shift: float, error: float, prior: float) -> float:
    """Mean of a measured shift and a prior of zero."""
    return shift * prior**2 / (prior**2 + error**2) if prior > 0 else 0.0


def centre_of_light(
    light: FrameLight, fit: ForcedFit, position_error_px: float
) -> Centre | None:
    """Where the target's light says that it is, neighbours' fluxes fitted too.

    One step of Gauss and Newton from the fit's position: the residuals against the
    derivatives of the target's image. None where the pixels cannot tell. What was
    known of the position before (1 sigma an axis) is no part of the place, but holds
    back what freeing it costs the flux.
    """
    psf, noise = light.psf, light.noise
    half = math.ceil(psf.fit_radius_px)
    piece = Piece.about(light, fit.x, fit.y, half)
    here = np.array([fit.x]), np.array([fit.y])
    target = psf.stamps(*here, half)[0]
    by_x, by_y = (part[0] * fit.flux for part in psf.gradients(*here, half))
    model = piece.model(psf, fit.stars_x, fit.stars_y, fit.stars_flux)
    residual = piece.values - model - fit.background
    variance = noise.variance(np.maximum(model + fit.background, 0.0))
    inside = piece.distance(fit.x, fit.y) <= psf.fit_radius_px
    weight = piece.good * inside / variance
    reach = 2 * psf.fit_radius_px
    distance = np.hypot(fit.stars_x - fit.x, fit.stars_y - fit.y)
    near = [star for star in np.flatnonzero(distance < reach) if star != 0]
    columns = [target, by_x, by_y]
    columns += [
        piece.model(psf, fit.stars_x[[star]], fit.stars_y[[star]], np.ones(1))
        for star in near
    ]
    design = np.stack(columns)
    information = np.array(
        [[float(np.sum(a * b * weight)) for b in design] for a in design]
    )
    right = np.array([float(np.sum(a * residual * weight)) for a in design])
    try:
        covariance = np.linalg.inv(information)
        prior = (noise.correlation / max(position_error_px, _SURE_PX)) ** 2
        held = information + prior * np.diag([0.0, 1.0, 1.0] + [0.0] * len(near))
        free = float(np.linalg.inv(held)[0, 0])
        fixed = np.delete(np.delete(information, (1, 2), 0), (1, 2), 1)
        alone = float(np.linalg.inv(fixed)[0, 0])
    except np.linalg.LinAlgError:
        return None
    step = (covariance * right).sum(axis=1)
    spread = np.diag(covariance)
    if not (np.isfinite(step).all() and (spread[:3] > 0).all() and free > 0 < alone):
        return None
    # an image that is far off is no longer linear in the shift
    longest = 0.5 * psf.fwhm_px
    shift = np.clip(step[1:3], -longest, longest)
    return Centre(
        fit.x + float(shift[0]),
        fit.y + float(shift[1]),
        math.sqrt(spread[1]) * noise.correlation,
        math.sqrt(spread[2]) * noise.correlation,
        max(free / alone, 1.0),
    )


@dataclass(frozen=True, slots=True)
class Piece:
    """A square of the image: values [ADU], which pixels are good, and where it lies.

    Pixel (0, 0) of the piece is (left, bottom) of the image; pixels beyond the edge
    are not good.
    """

    values: FloatArray
    good: npt.NDArray[np.bool_]
    left: int
    bottom: int

    @classmethod
    def about(cls, light: FrameLight, x: float, y: float, half: int) -> "Piece":
        """Cut out the square of half width `half` about a position."""
        left, bottom = round(x) - half, round(y) - half
        side = 2 * half + 1
        height, width = light.pixels.shape
        values = np.zeros((side, side))
        good = np.zeros((side, side), dtype=bool)
        x0, x1 = max(left, 0), min(left + side, width)
        y0, y1 = max(bottom, 0), min(bottom + side, height)
        if x0 < x1 and y0 < y1:
            inner = np.s_[y0 - bottom : y1 - bottom, x0 - left : x1 - left]
            values[inner] = light.pixels[y0:y1, x0:x1]
            good[inner] = True
            if light.mask is not None:
                good[inner] &= ~light.mask[y0:y1, x0:x1]
        return cls(values, good, left, bottom)

    def model(
        self, psf: PsfModel, x: FloatArray, y: FloatArray, flux: FloatArray
    ) -> FloatArray:
        """Light of stars in the piece's pixels [ADU]."""
        side = len(self.values)
        half = psf.half_px
        total = np.zeros((side, side))
        column = np.rint(x).astype(int) - self.left
        row = np.rint(y).astype(int) - self.bottom
        near = (column > -half) & (column < side + half)
        near &= (row > -half) & (row < side + half)
        chosen = np.flatnonzero(near)
        stamps = psf.stamps(x[chosen], y[chosen], half)
        for star, stamp in zip(chosen, stamps, strict=True):
            x0, y0 = column[star] - half, row[star] - half
            rows = slice(max(y0, 0), min(y0 + 2 * half + 1, side))
            columns = slice(max(x0, 0), min(x0 + 2 * half + 1, side))
            total[rows, columns] += (
                flux[star]
                * stamp[
                    rows.start - y0 : rows.stop - y0,
                    columns.start - x0 : columns.stop - x0,
                ]
            )
        return total

    def distance(self, x: float, y: float) -> FloatArray:
        """Distance of every pixel's centre from a position [px]."""
        row, column = np.indices(self.values.shape)
        away: FloatArray = np.hypot(column + self.left - x, row + self.bottom - y)
        return away
