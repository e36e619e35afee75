"""Renders frames of the simulated sky, each with its truth."""

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.wcs import WCS

from bhtom_sky.camera import Camera
from bhtom_sky.rendering import add_cosmic_rays, add_stars
from bhtom_sky.stars import FloatArray, Sky

_MJD_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Frame:
    """A rendered frame: its name, the FITS file's bytes, and the truth as JSON."""

    name: str
    fits_bytes: bytes
    truth: dict[str, Any]


def mjd_of(moment: datetime) -> float:
    """Modified Julian Date (UTC) of an aware datetime."""
    return (moment - _MJD_EPOCH) / timedelta(days=1)


def frame_wcs(camera: Camera, pointing: tuple[float, float]) -> WCS:
    """Return the TAN projection of a camera pointed at (ra, dec) [deg], north up."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.crval = pointing
    wcs.wcs.crpix = [(camera.width_px + 1) / 2, (camera.height_px + 1) / 2]
    scale, angle = camera.pixel_scale_arcsec / 3600, np.radians(camera.rotation_deg)
    wcs.wcs.cd = scale * np.array(
        [[-np.cos(angle), np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    )
    return wcs


def render_frame(
    sky: Sky,
    camera: Camera,
    mid_time: datetime,
    exposure_s: float,
    pointing: tuple[float, float],
    passband: str,
    seed: int,
    *,
    name: str = "frame.fits",
    filter_card: str | None = None,
) -> Frame:
    """Expose the camera on the sky.

    Parameters
    ----------
    mid_time : middle of the exposure, aware; a star's brightness is taken there
    pointing : ICRS position of the frame's centre [deg]
    passband : band of the sky ("GaiaSP/r" or "r")
    seed : of the noise; the same seed gives the same bytes
    filter_card : text of the FILTER card, the band by default
    """
    rng = np.random.default_rng(seed)
    band = passband.rpartition("/")[2]
    mjd = mjd_of(mid_time)
    wcs = frame_wcs(camera, pointing)
    x, y, magnitude = _stars_in_frame(sky, camera, wcs, band, mjd)
    electrons = 10 ** (0.4 * (camera.zero_point_mag - magnitude)) * exposure_s
    image = _sky_electrons(camera, exposure_s)
    pixel_noise_e = float(np.sqrt(image.mean() + camera.read_noise_e**2))
    add_stars(
        image,
        (x, y, electrons),
        camera.fwhm_px,
        camera.moffat_beta,
        0.02 * pixel_noise_e,
    )
    image = rng.poisson(image).astype(np.float32)
    add_cosmic_rays(image, rng.poisson(camera.cosmic_rays), rng)
    image += rng.standard_normal(image.shape, dtype=np.float32) * camera.read_noise_e
    image /= camera.gain_e_per_adu
    np.clip(np.rint(image), 0, camera.saturation_adu, out=image)
    header = _header(camera, wcs, mid_time, exposure_s, filter_card or band)
    truth = {
        "name": name,
        "sky_seed": sky.seed,
        "frame_seed": seed,
        "passband": f"GaiaSP/{band}",
        "mid_exposure_mjd_utc": mjd,
        "exposure_time_s": exposure_s,
        "fwhm_px": camera.fwhm_px,
        # reference = -2.5 log10(flux in ADU) + zero_point, for the whole light
        "zero_point": camera.zero_point_mag
        + 2.5 * float(np.log10(exposure_s / camera.gain_e_per_adu)),
        "variables": _variables(sky, band, mjd),
        "n_stars_in_frame": len(x),
        "x_px": x.tolist(),
        "y_px": y.tolist(),
        "magnitude": magnitude.tolist(),
    }
    return Frame(name, _fits_bytes(image, header), truth)


def _stars_in_frame(
    sky: Sky, camera: Camera, wcs: WCS, band: str, mjd: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Zero-based pixel positions and magnitudes of the stars on or near the frame."""
    centre = np.radians(wcs.wcs.crval)
    ra, dec = np.radians(sky.ra_deg), np.radians(sky.dec_deg)
    cosine = np.sin(dec) * np.sin(centre[1]) + np.cos(dec) * np.cos(centre[1]) * np.cos(
        ra - centre[0]
    )
    near = np.flatnonzero(cosine > np.cos(np.radians(camera.radius_deg * 1.2)))
    x, y = wcs.wcs_world2pix(sky.ra_deg[near], sky.dec_deg[near], 0)
    margin = 10 * camera.fwhm_px
    inside = (
        (x > -margin)
        & (x < camera.width_px + margin)
        & (y > -margin)
        & (y < camera.height_px + margin)
    )
    return x[inside], y[inside], sky.magnitudes_at(band, mjd)[near][inside]


def _sky_electrons(camera: Camera, exposure_s: float) -> npt.NDArray[np.float32]:
    """Electrons a pixel of the sky, brighter towards one corner."""
    level = (
        10 ** (0.4 * (camera.zero_point_mag - camera.sky_mag_arcsec2))
        * camera.pixel_scale_arcsec**2
        * exposure_s
    )
    along_x = np.linspace(-0.25, 0.25, camera.width_px, dtype=np.float32)
    along_y = np.linspace(-0.25, 0.25, camera.height_px, dtype=np.float32)
    tilt = camera.gradient * (along_y[:, None] + along_x[None, :])
    electrons: npt.NDArray[np.float32] = np.float32(level) * (1 + tilt)
    return electrons


def _variables(sky: Sky, band: str, mjd: float) -> list[dict[str, float]]:
    """Say where the variable stars are and how bright in this frame."""
    magnitude = sky.magnitudes_at(band, mjd)
    return [
        {
            "star": variable.star,
            "ra_deg": float(sky.ra_deg[variable.star]),
            "dec_deg": float(sky.dec_deg[variable.star]),
            "magnitude": float(magnitude[variable.star]),
        }
        for variable in sky.variables
    ]


def _header(
    camera: Camera, wcs: WCS, mid_time: datetime, exposure_s: float, filter_text: str
) -> fits.Header:
    """Cards as a well-kept observatory writes them; the WCS may be told to be off."""
    start = mid_time.astimezone(UTC) - timedelta(seconds=exposure_s / 2)
    header = wcs.to_header()
    if any(camera.wcs_offset_arcsec):
        along_ra, along_dec = camera.wcs_offset_arcsec
        dec = float(header["CRVAL2"])
        header["CRVAL1"] += along_ra / 3600 / float(np.cos(np.radians(dec)))
        header["CRVAL2"] += along_dec / 3600
    header["DATE-OBS"] = (
        start.replace(tzinfo=None).isoformat(timespec="milliseconds"),
        "UTC at the start of the exposure",
    )
    header["TIMESYS"] = "UTC"
    header["EXPTIME"] = (exposure_s, "[s]")
    header["FILTER"] = filter_text
    header["IMAGETYP"] = "Light Frame"
    header["INSTRUME"] = camera.name
    header["TELESCOP"] = "Simulated telescope"
    header["OBJECT"] = "Simulated variable star"
    header["EGAIN"] = (camera.gain_e_per_adu, "[e-/ADU]")
    header["RDNOISE"] = (camera.read_noise_e, "[e-]")
    header["SATURATE"] = (camera.saturation_adu, "[ADU]")
    return header


def _fits_bytes(image: npt.NDArray[np.float32], header: fits.Header) -> bytes:
    """Write the image as unsigned 16-bit integers, as cameras do."""
    buffer = io.BytesIO()
    fits.PrimaryHDU(image.astype(np.uint16), header).writeto(buffer)
    return buffer.getvalue()
