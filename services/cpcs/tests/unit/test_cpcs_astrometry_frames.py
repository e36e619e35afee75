"""Frames with good, wrong and missing coordinates end up where they are."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.results.reduction import PlaneReduction
from bhtom_sky import Camera, Frame

WCS_CARDS = ("CTYPE", "CRVAL", "CRPIX", "CDELT", "CUNIT", "PC1_", "PC2_")


def reduced(
    frame: Frame,
    field,
    folder: Path,
    change: Callable[[np.ndarray, fits.Header], np.ndarray],
) -> PlaneReduction:
    source = folder / "before.fits"
    source.write_bytes(frame.fits_bytes)
    with fits.open(source) as hdus:
        header = hdus[0].header.copy()
        image = change(hdus[0].data.astype(np.float32), header)
    for card in ("BZERO", "BSCALE"):
        header.remove(card, ignore_missing=True)
    path = folder / "frame.fits"
    fits.PrimaryHDU(image, header).writeto(path)
    (plane,) = reduce_frame(path, field.request, field.reference).planes
    return plane


def as_it_is(image: np.ndarray, header: fits.Header) -> np.ndarray:
    return image


def without_wcs(image: np.ndarray, header: fits.Header) -> np.ndarray:
    for card in list(header):
        if card.startswith(WCS_CARDS):
            del header[card]
    return image


def only_a_pointing(image: np.ndarray, header: fits.Header) -> np.ndarray:
    header["OBJCTRA"], header["OBJCTDEC"] = "10 35 55", "+13 03 00"
    return without_wcs(image, header)


def beside(image: np.ndarray, header: fits.Header) -> np.ndarray:
    header["CRVAL2"] += 0.05
    return image


def turned(image: np.ndarray, header: fits.Header) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(image))


def flipped(image: np.ndarray, header: fits.Header) -> np.ndarray:
    return np.ascontiguousarray(image[:, ::-1])


def at_zero(image: np.ndarray, header: fits.Header) -> np.ndarray:
    header["CRVAL1"], header["CRVAL2"] = 0.0, 0.0
    return image


def degrees_off(image: np.ndarray, header: fits.Header) -> np.ndarray:
    header["CRVAL2"] += 3.0
    return image


def in_hours(image: np.ndarray, header: fits.Header) -> np.ndarray:
    header["CRVAL1"] /= 15
    return image


def a_degree_per_pixel(image: np.ndarray, header: fits.Header) -> np.ndarray:
    for card in ("CRVAL", "CRPIX"):
        header[f"{card}1"], header[f"{card}2"] = 0.0, 0.0
    header["CDELT1"], header["CDELT2"] = 1.0, 1.0
    return image


def scaled(factor: float) -> Callable[[np.ndarray, fits.Header], np.ndarray]:
    def change(image: np.ndarray, header: fits.Header) -> np.ndarray:
        header["CDELT1"] *= factor
        header["CDELT2"] *= factor
        return image

    return change


@pytest.mark.parametrize(
    ("change", "method"),
    [
        (as_it_is, "header"),
        (beside, "repaired"),
        (turned, "repaired"),
        (flipped, "repaired"),
        (scaled(1.15), "repaired"),
        (scaled(1.3), "repaired"),
        (scaled(2.0), "repaired"),
        (scaled(0.5), "repaired"),
        (at_zero, "repaired"),
        (degrees_off, "repaired"),
        (in_hours, "repaired"),
        (a_degree_per_pixel, "repaired"),
        (without_wcs, "solved_hinted"),
        (only_a_pointing, "solved_hinted"),
    ],
)
def test_frames_are_put_where_they_are(
    field, frame_of: Callable[..., Frame], tmp_path: Path, change, method: str
) -> None:
    """The variable star is found and measured whatever the header says."""
    frame = frame_of(Camera(width_px=300, height_px=280))
    plane = reduced(frame, field, tmp_path, change)
    assert plane.outcome is Outcome.CALIBRATED, plane.message
    assert plane.wcs is not None
    assert plane.wcs.method == method
    assert plane.wcs.pixel_scale_arcsec == pytest.approx(0.8, rel=2e-3)
    assert plane.wcs.rms_px < 0.5
    true = frame.truth["variables"][0]["magnitude"]
    measured = plane.measurements[0]
    assert measured.magnitude == pytest.approx(true, abs=0.1)
    cards = fits.Header()
    cards.update(dict(plane.wcs.cards))
    x, y = WCS(cards).all_world2pix([[measured.ra_deg, measured.dec_deg]], 0)[0]
    assert np.hypot(x - measured.x_px, y - measured.y_px) < 0.7


def test_a_wrong_header_is_said(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    plane = reduced(frame_of(), field, tmp_path, beside)
    assert plane.wcs is not None
    assert plane.wcs.offset_arcsec == pytest.approx(180, abs=3)
    assert any("wrong by 180 arcsec" in text for text in plane.warnings)


def test_a_header_off_by_more_than_the_stored_stars_is_solved_at_the_target(
    field, frame_of: Callable[..., Frame], tmp_path: Path
) -> None:
    """Half a degree off, where no tiles are; the target's own field has them."""
    path = tmp_path / "off.fits"
    path.write_bytes(frame_of().fits_bytes)
    with fits.open(path, mode="update") as hdus:
        hdus[0].header["CRVAL2"] += 0.5
    (plane,) = reduce_frame(path, field.request, field.reference).planes
    assert plane.outcome is Outcome.CALIBRATED, plane.message
    assert plane.wcs is not None
    assert plane.wcs.method == "repaired"
