"""The frame's celestial coordinates: header WCS, tangent plane, refinement."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.coordinates import FK5, ICRS, SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import wcs_to_celestial_frame

from bhtom_cpcs.science.astrometry.iraf_surfaces import write_as_tpv
from bhtom_cpcs.science.astrometry.plane_correction import (
    NO_CORRECTION,
    PlaneCorrection,
)
from bhtom_cpcs.science.frames.fits_files import FITS_ERRORS
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop

FloatArray = npt.NDArray[np.float64]

_SMALLEST_SCALE, _LARGEST_SCALE = 0.005, 1200.0  # arcsec per pixel
_LARGEST_FIELD_DEG = 40.0


@dataclass(frozen=True, slots=True)
class Astrometry:
    """Pixels (zero-based) to ICRS and back, with what was learnt from the stars."""

    wcs: WCS
    longitude_axis: int
    frame: Any  # an astropy frame, or None where the header's is ICRS already
    centre: tuple[float, float]
    radius_deg: float
    pixel_scale_arcsec: float
    rotation_deg: float
    mirrored: bool
    correction: PlaneCorrection = NO_CORRECTION

    def header_sky(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """ICRS position by the header alone [deg]."""
        return _sky(self.wcs, self.longitude_axis, self.frame, x, y)

    def plane(self, x: FloatArray, y: FloatArray) -> FloatArray:
        """Tangent-plane position about the centre by the header, (n, 2) [arcsec]."""
        return project(*self.header_sky(x, y), self.centre)

    def sky(self, x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
        """ICRS position after the correction [deg]."""
        return deproject(self.correction.apply(self.plane(x, y)), self.centre)

    def pixel(self, ra: FloatArray, dec: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Pixel position after the correction; NaN behind the tangent plane."""
        plane = self.correction.undo(project(ra, dec, self.centre))
        header_ra, header_dec = deproject(plane, self.centre)
        if self.frame is not None:
            there = SkyCoord(header_ra, header_dec, unit="deg").transform_to(self.frame)
            header_ra = there.spherical.lon.deg
            header_dec = there.spherical.lat.deg
        world = [header_ra, header_dec]
        if self.longitude_axis == 1:
            world.reverse()
        good = np.isfinite(header_ra)
        x = np.full(len(header_ra), np.nan)
        y = np.full(len(header_ra), np.nan)
        if good.any():
            x[good], y[good] = self.wcs.all_world2pix(
                world[0][good], world[1][good], 0, quiet=True
            )
        return x, y


def read_astrometry(header: fits.Header, shape: tuple[int, int]) -> Astrometry:
    """Read the header's WCS (TAN, TPV, TNX, ZPN, SIP with or without suffix, ...).

    Raises
    ------
    Stop
        `no_wcs` when there is none, or one that does not describe a piece of sky.
    """
    ctypes = [str(header.get(f"CTYPE{axis}", "")).strip() for axis in (1, 2)]
    if not all(ctypes):
        raise Stop(Outcome.NO_WCS, reason="the cards CTYPE1 and CTYPE2 are missing")
    try:
        wcs = WCS(_wcs_header(header, ctypes), naxis=2)
        if not wcs.has_celestial:
            raise Stop(Outcome.NO_WCS, reason=f"CTYPE is {ctypes[0]}, {ctypes[1]}")
        return _measure(wcs, _other_frame(wcs), shape)
    except (*FITS_ERRORS, ArithmeticError, MemoryError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise Stop(Outcome.NO_WCS, reason=reason) from error


def _wcs_header(header: fits.Header, ctypes: list[str]) -> fits.Header:
    """Copy the cards of the WCS; SIP coefficients without the suffix get it.

    `Header.strip` is of no use here: it counts to the number in the card TFIELDS.
    """
    copy = header.copy()
    for card in [name for name in copy if name.startswith("NAXIS")]:
        copy.remove(card, ignore_missing=True, remove_all=True)
    for axis, ctype in enumerate(ctypes, start=1):
        if ctype.endswith("-TAN") and "A_ORDER" in copy and "B_ORDER" in copy:
            copy[f"CTYPE{axis}"] = f"{ctype}-SIP"
    for card in ("DATE-OBS", "MJD-OBS", "DATE", "TIME-OBS", "DATE-AVG", "DATE-BEG"):
        copy.remove(card, ignore_missing=True, remove_all=True)
    if all(ctype.endswith("-TNX") for ctype in ctypes):
        write_as_tpv(copy)
    return copy


def _other_frame(wcs: WCS) -> Any:
    """Return the WCS's frame unless it is as good as ICRS."""
    frame = wcs_to_celestial_frame(wcs)
    if isinstance(frame, ICRS):
        return None
    if isinstance(frame, FK5) and abs(frame.equinox.jyear - 2000.0) < 0.1:
        return None  # within 0.03 arcsec of ICRS
    return frame


def _sky(
    wcs: WCS, longitude_axis: int, frame: Any, x: FloatArray, y: FloatArray
) -> tuple[FloatArray, FloatArray]:
    world = wcs.all_pix2world(x, y, 0)
    ra, dec = world[longitude_axis], world[1 - longitude_axis]
    if frame is not None:
        there = SkyCoord(ra, dec, unit="deg", frame=frame).icrs
        ra, dec = there.ra.deg, there.dec.deg
    return np.asarray(ra, dtype=float), np.asarray(dec, dtype=float)


def _measure(wcs: WCS, frame: Any, shape: tuple[int, int]) -> Astrometry:
    """Work out centre, size, scale and orientation, and refuse nonsense."""
    height, width = shape
    axis = int(wcs.wcs.lng)
    x_mid, y_mid = (width - 1) / 2, (height - 1) / 2
    x = np.array([x_mid, x_mid + 1, x_mid, -0.5, -0.5, width - 0.5, width - 0.5])
    y = np.array([y_mid, y_mid, y_mid + 1, -0.5, height - 0.5, -0.5, height - 0.5])
    ra, dec = _sky(wcs, axis, frame, x, y)
    if not (np.isfinite(ra).all() and np.isfinite(dec).all()):
        raise Stop(Outcome.NO_WCS, reason="its coordinates are not on the sky")
    centre = (float(ra[0]) % 360, float(dec[0]))
    radius = float(np.max(separation_deg(ra[3:], dec[3:], *centre)))
    plane = project(ra, dec, centre)
    step_x, step_y = plane[1] - plane[0], plane[2] - plane[0]
    determinant = float(step_x[0] * step_y[1] - step_x[1] * step_y[0])
    scale = math.sqrt(abs(determinant))
    if not _SMALLEST_SCALE < scale < _LARGEST_SCALE:
        raise Stop(Outcome.NO_WCS, reason=f"its pixels are {scale:.3g} arcsec wide")
    if radius > _LARGEST_FIELD_DEG:
        raise Stop(Outcome.NO_WCS, reason=f"its field is {2 * radius:.0f} deg wide")
    rotation = math.degrees(math.atan2(step_y[0], step_y[1]))
    return Astrometry(
        wcs, axis, frame, centre, radius, scale, rotation, determinant > 0
    )


def separation_deg(
    ra: FloatArray, dec: FloatArray, ra_0: float, dec_0: float
) -> FloatArray:
    """Angle between positions and one position [deg], by the haversine."""
    ra, dec = np.radians(ra), np.radians(dec)
    ra_0, dec_0 = math.radians(ra_0), math.radians(dec_0)
    half = (
        np.sin((dec - dec_0) / 2) ** 2
        + np.cos(dec) * math.cos(dec_0) * np.sin((ra - ra_0) / 2) ** 2
    )
    angle: FloatArray = np.degrees(2 * np.arcsin(np.sqrt(np.clip(half, 0, 1))))
    return angle


def project(ra: FloatArray, dec: FloatArray, centre: tuple[float, float]) -> FloatArray:
    """Gnomonic projection about a centre: (xi east, eta north) [arcsec], (n, 2).

    NaN for positions 80 deg and more away.
    """
    ra, dec = np.radians(ra), np.radians(dec)
    ra_0, dec_0 = (math.radians(value) for value in centre)
    cos_delta = np.cos(ra - ra_0)
    depth = np.sin(dec) * math.sin(dec_0) + np.cos(dec) * math.cos(dec_0) * cos_delta
    depth = np.where(depth > 0.17, depth, np.nan)
    xi = np.cos(dec) * np.sin(ra - ra_0) / depth
    eta = (
        np.sin(dec) * math.cos(dec_0) - np.cos(dec) * math.sin(dec_0) * cos_delta
    ) / depth
    return np.degrees(np.stack([xi, eta], axis=-1)) * 3600


def deproject(
    plane: FloatArray, centre: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """Inverse of `project`: (ra, dec) [deg]."""
    xi, eta = np.radians(plane[..., 0] / 3600), np.radians(plane[..., 1] / 3600)
    ra_0, dec_0 = (math.radians(value) for value in centre)
    depth = math.cos(dec_0) - eta * math.sin(dec_0)
    ra = ra_0 + np.arctan2(xi, depth)
    dec = np.arctan2(math.sin(dec_0) + eta * math.cos(dec_0), np.hypot(xi, depth))
    return np.degrees(ra) % 360, np.degrees(dec)
