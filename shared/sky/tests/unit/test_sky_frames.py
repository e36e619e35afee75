"""Simulated frames keep what their truth promises."""

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from bhtom_sky import (
    BANDS,
    HUNTSMAN_CATALOGUE,
    HUNTSMAN_FOOTPRINT,
    HUNTSMAN_FRAME,
    Camera,
    Frame,
    catalogue_table,
    make_sky,
    mjd_of,
    night,
    render_frame,
    sample,
    write_catalogue,
)

MIDDLE = datetime(2026, 3, 1, 20, 0, 30, tzinfo=UTC)
SKY = make_sky(4, (150.0, 20.0), 0.1, 300)


def frame(camera: Camera | None = None, seed: int = 1, band: str = "GaiaSP/r") -> Frame:
    return render_frame(SKY, camera or Camera(), MIDDLE, 60.0, SKY.centre, band, seed)


def opened(made: Frame) -> tuple[np.ndarray, fits.Header]:
    with fits.open(io.BytesIO(made.fits_bytes)) as hdus:
        return hdus[0].data.astype(float), hdus[0].header.copy()


def test_same_seed_same_bytes() -> None:
    assert frame(seed=3).fits_bytes == frame(seed=3).fits_bytes
    assert frame(seed=3).fits_bytes != frame(seed=4).fits_bytes
    again = make_sky(4, (150.0, 20.0), 0.1, 300)
    assert np.array_equal(again.ra_deg, SKY.ra_deg)
    assert all(np.array_equal(again.magnitude[b], SKY.magnitude[b]) for b in BANDS)


def test_light_of_the_stars() -> None:
    """A wide aperture about bright, lonely stars gives their magnitudes back."""
    made = frame(Camera(cosmic_rays=0, width_px=512, height_px=512))
    image, _ = opened(made)
    x, y, magnitude = (
        np.array(made.truth[key]) for key in ("x_px", "y_px", "magnitude")
    )
    row, column = np.indices(image.shape)
    checked = 0
    for number in np.flatnonzero((magnitude > 12.8) & (magnitude < 16.0)):
        distance = np.hypot(x - x[number], y - y[number])
        rivals = (distance < 34) & (magnitude - magnitude[number] < 4)
        inside = 34 < x[number] < 477 and 34 < y[number] < 477
        if not inside or rivals.sum() > 1:
            continue
        radius = np.hypot(column - x[number], row - y[number])
        sky = np.median(image[(radius > 26) & (radius < 34)])
        flux = (image[radius < 16] - sky).sum()
        found = made.truth["zero_point"] - 2.5 * np.log10(flux)
        assert found == pytest.approx(magnitude[number], abs=0.05)
        checked += 1
    assert checked >= 2


def test_noise_is_that_of_the_camera() -> None:
    camera = Camera(cosmic_rays=0, gradient=0.0, width_px=400, height_px=400)
    empty = make_sky(5, (10.0, 0.0), 0.05, 1, variable_magnitude=30.0)
    made = render_frame(empty, camera, MIDDLE, 60.0, empty.centre, "r", 2)
    image, _ = opened(made)
    level = 10 ** (0.4 * (22.5 - 20.5)) * 0.8**2 * 60
    assert image.mean() == pytest.approx(level / 1.5, rel=0.01)
    assert image.std() == pytest.approx(np.sqrt(level + 64) / 1.5, rel=0.02)


def test_header_tells_where_and_when() -> None:
    made = frame(Camera(wcs_offset_arcsec=(3.0, -2.0)))
    _, header = opened(made)
    start = datetime.fromisoformat(header["DATE-OBS"]).replace(tzinfo=UTC)
    assert start + timedelta(seconds=30) == MIDDLE
    assert header["EXPTIME"] == 60.0
    assert header["FILTER"] == "r"
    assert made.truth["mid_exposure_mjd_utc"] == pytest.approx(mjd_of(MIDDLE))
    x, y = WCS(header).wcs_world2pix(SKY.ra_deg[:1], SKY.dec_deg[:1], 0)
    place = made.truth["magnitude"].index(made.truth["variables"][0]["magnitude"])
    # east is left: a header 3 arcsec too far east puts the star further right
    assert x[0] - made.truth["x_px"][place] == pytest.approx(3.0 / 0.8, abs=0.01)
    assert y[0] - made.truth["y_px"][place] == pytest.approx(2.0 / 0.8, abs=0.01)


def test_saturation_and_cosmic_rays() -> None:
    image, _ = opened(frame(Camera(saturation_adu=1000.0)))
    assert image.max() == 1000
    clean, _ = opened(frame(Camera(cosmic_rays=0)))
    hit, _ = opened(frame(Camera(cosmic_rays=300)))
    assert (hit > 600).sum() > (clean > 600).sum() + 100


def test_variable_star_varies_as_stated() -> None:
    camera = Camera()
    frames = list(night(SKY, camera, MIDDLE, n_frames=12, passbands=("r", "g"), seed=9))
    variable = SKY.variables[0]
    for made in frames:
        band = made.truth["passband"].removeprefix("GaiaSP/")
        (told,) = made.truth["variables"]
        expected = SKY.magnitude[band][0] + variable.offset_mag(
            made.truth["mid_exposure_mjd_utc"]
        )
        assert told["magnitude"] == pytest.approx(expected)
    assert [f.truth["passband"] for f in frames[:3]] == [
        "GaiaSP/r",
        "GaiaSP/g",
        "GaiaSP/r",
    ]
    assert len({f.fits_bytes for f in frames}) == 12
    assert len({f.name for f in frames}) == 12


def test_sky_is_a_disc_with_a_lonely_star() -> None:
    polar = make_sky(6, (20.0, 89.99), 0.2, 500)
    for sky in (SKY, polar):
        ra, dec = np.radians(sky.ra_deg), np.radians(sky.dec_deg)
        cosine = np.sin(dec) * np.sin(dec[0]) + np.cos(dec) * np.cos(dec[0]) * np.cos(
            ra - ra[0]
        )
        distance = np.degrees(np.arccos(np.clip(cosine[1:], -1, 1)))
        assert distance.max() <= sky.radius_deg * 1.001
        assert distance.min() * 3600 > 14.9


def test_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "sky.csv"
    write_catalogue(SKY, path)
    with path.open(encoding="ascii") as file:
        rows = list(csv.DictReader(file))
    table = catalogue_table(SKY)
    assert len(rows) == 300
    assert float(rows[7]["mag_V"]) == pytest.approx(table["mag_V"][7], abs=1e-7)
    pull = (table["mag_r"] - SKY.magnitude["r"]) / table["error_r"]
    assert np.std(pull) == pytest.approx(1, abs=0.12)


def test_sample_data_are_there() -> None:
    with sample(HUNTSMAN_FRAME) as path, fits.open(path) as hdus:
        assert hdus[0].shape == (800, 800)
    with sample(HUNTSMAN_CATALOGUE) as path:
        assert len(path.read_text(encoding="ascii").splitlines()) == 213
    with sample("SOURCES.md") as path:
        text = path.read_text(encoding="utf-8")
    assert "ESA/Gaia/DPAC" in text
    assert "huntsman-drp" in text
    assert HUNTSMAN_FOOTPRINT.radius_deg == 0.25
