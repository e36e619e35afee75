"""Real frames whose headers lack coordinates, or are told to be wrong."""

import csv
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from bhtom_cpcs.reference_catalogues.catalogue import EmptyCatalogue, open_catalogue
from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.request import ReductionRequest, TargetPosition
from bhtom_sky import HUNTSMAN_FOOTPRINT

SAMPLES = os.environ.get("SKY_SAMPLE_DATA")
needs_samples = pytest.mark.skipif(
    not SAMPLES, reason="SKY_SAMPLE_DATA names no folder of samples"
)
WCS_CARDS = ("CTYPE", "CRVAL", "CRPIX", "CD1_", "CD2_", "PC1_", "PC2_", "CDELT")


def request_at(ra: float, dec: float) -> ReductionRequest:
    return ReductionRequest((TargetPosition(1, ra, dec),))


def without_wcs(image: np.ndarray, header: fits.Header) -> np.ndarray:
    for card in list(header):
        if card.startswith(WCS_CARDS):
            del header[card]
    return image


def mirrored(image: np.ndarray, header: fits.Header) -> np.ndarray:
    return np.ascontiguousarray(image[:, ::-1])


def turned(image: np.ndarray, header: fits.Header) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(image))


@pytest.mark.parametrize(
    ("change", "method"),
    [(without_wcs, "solved_hinted"), (mirrored, "repaired"), (turned, "repaired")],
)
def test_huntsman_frame_is_found_again(
    huntsman: tuple[Path, Path],
    tmp_path: Path,
    change: Callable[[np.ndarray, fits.Header], np.ndarray],
    method: str,
) -> None:
    frame, root = huntsman
    with fits.open(frame) as hdus:
        header = hdus[0].header.copy()
        image = change(hdus[0].data.astype(np.float32), header)
    for card in ("BZERO", "BSCALE"):
        header.remove(card, ignore_missing=True)
    fits.PrimaryHDU(image, header).writeto(tmp_path / "changed.fits")
    ra, dec, _ = HUNTSMAN_FOOTPRINT
    catalogue = open_catalogue(root, "GaiaSP")
    (as_it_was,) = reduce_frame(frame, request_at(ra, dec), catalogue).planes
    (plane,) = reduce_frame(
        tmp_path / "changed.fits", request_at(ra, dec), catalogue
    ).planes
    assert plane.wcs is not None
    assert plane.wcs.method == method
    assert plane.wcs.centre_ra_deg == pytest.approx(
        as_it_was.wcs.centre_ra_deg, abs=2e-4
    )
    assert plane.wcs.n_matched >= 60
    assert plane.wcs.rms_px < 0.15
    assert plane.outcome == as_it_was.outcome


@needs_samples
def test_wide_field_without_wcs_is_solved(tmp_path: Path) -> None:
    """Two degrees of Cygnus by a colour camera; its scale is not known."""
    source = Path(str(SAMPLES)) / "catalogs" / "tycho2_vt_cygnus_303+46.csv"
    with source.open() as file:
        rows = list(csv.DictReader(file))
    lines = [f"{row['ra_deg']},{row['dec_deg']},{row['VT_mag']}" for row in rows]
    stars = tmp_path / "tycho.csv"
    stars.write_text("\n".join(["ra_deg,dec_deg,mag_V", *lines]), encoding="ascii")
    import_slice(tmp_path, stars, Cone(303.0, 46.0, 1.6))
    frame = Path(str(SAMPLES)) / "images" / "panoptes_unsolved_cygnus.fits"
    planes = reduce_frame(
        frame, request_at(303.0, 46.0), open_catalogue(tmp_path, "GaiaSP")
    ).planes
    methods = ("solved_hinted", "solved_by_other_chips", "solved_by_other_chips")
    for plane, method in zip(planes, methods, strict=True):
        # the camera's colours, each of every second pixel
        assert plane.wcs is not None
        assert plane.wcs.method == method
        assert plane.wcs.pixel_scale_arcsec == pytest.approx(20.615, abs=0.02)
        assert plane.wcs.centre_ra_deg == pytest.approx(303.213, abs=0.005)
        assert plane.wcs.centre_dec_deg == pytest.approx(46.020, abs=0.005)
        assert plane.wcs.n_matched > 200
        assert plane.wcs.rms_px < 0.2


@needs_samples
def test_unsolved_frame_waits_where_nothing_is_stored() -> None:
    frame = Path(str(SAMPLES)) / "images" / "apogee_061m_v_nowcs.fits"
    (plane,) = reduce_frame(
        frame, request_at(10.0, 10.0), EmptyCatalogue("GaiaSP")
    ).planes
    assert plane.outcome is Outcome.WAITING_FOR_CATALOGUE
    assert plane.missing_tiles is not None
