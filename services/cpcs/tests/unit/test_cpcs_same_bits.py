"""The same request gives the same bits, whatever the number of threads."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
from bhtom_sky import (
    HUNTSMAN_CATALOGUE,
    HUNTSMAN_FOOTPRINT,
    Camera,
    Sky,
    make_sky,
    render_frame,
    sample,
    write_catalogue,
)

PROGRAM: Final = Path(__file__).with_name("same_bits_program.py")
NIGHT: Final = datetime(2026, 3, 1, 4, tzinfo=UTC)
MJD: Final = 61100.2
FWHM_PX: Final = 3.0
SIDE: Final = 200
CAMERA: Final = Camera(
    width_px=SIDE, height_px=SIDE, fwhm_arcsec=0.8 * FWHM_PX, cosmic_rays=4
)
# A source each 40 FWHM^2 of the sky about the frame.
CROWD: Final = round(np.pi * (0.04 * 3600 / 0.8) ** 2 / (40 * FWHM_PX**2))
# What each kind of file is there for: where its field is, and how many stars it has.
FIELDS: Final = {
    "sparse": ((150.0, 12.0), 40),
    "crowd": ((160.0, -8.0), CROWD),
    "mosaic": ((170.0, 5.0), 160),
    "catalogue": ((180.0, -15.0), 300),
}


def observed(sky: Sky, camera: Camera) -> bytes:
    return render_frame(sky, camera, NIGHT, 60.0, sky.centre, "GaiaSP/r", 3).fits_bytes


def mosaic(sky: Sky, path: Path) -> None:
    """The target's chip, and one beside it, which does not show the target."""
    path.write_bytes(observed(sky, CAMERA))
    with fits.open(path) as hdus:
        pixels, header = hdus[0].data.copy(), hdus[0].header.copy()
    header["CRPIX1"] -= SIDE // 4
    chips = [
        fits.ImageHDU(pixels[:, SIDE // 4 :], header, name="CHIP1"),
        fits.ImageHDU(pixels[:, : SIDE // 4], hdus[0].header, name="CHIP2"),
    ]
    fits.HDUList([fits.PrimaryHDU(), *chips]).writeto(path, overwrite=True)


def source_list(sky: Sky, path: Path) -> None:
    """What SExtractor would say of the stars in the middle of the sky."""
    rng = np.random.default_rng(4)
    magnitude = sky.magnitude["r"] - 24.0
    error = 0.01 + 10 ** (0.4 * (sky.magnitude["r"] - 21.5))
    inner = np.hypot(sky.ra_deg - sky.centre[0], sky.dec_deg - sky.centre[1]) < 0.025
    table = Table(
        {
            "ALPHA_J2000": sky.ra_deg,
            "DELTA_J2000": sky.dec_deg,
            "MAG_AUTO": magnitude + rng.normal(size=len(error)) * error,
            "MAGERR_AUTO": error,
            "FLAGS": np.zeros(len(error), dtype=int),
        }
    )
    table[inner].write(path, format="fits")


@pytest.fixture(scope="module")
def cases(
    huntsman: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """A file of each kind, with its stars."""
    folder = tmp_path_factory.mktemp("bits")
    found: dict[str, dict[str, Any]] = {}
    for number, (name, (centre, n_stars)) in enumerate(FIELDS.items()):
        sky = make_sky(40 + number, centre, 0.04, n_stars)
        write_catalogue(sky, folder / f"{name}.csv")
        import_slice(folder / "tiles", folder / f"{name}.csv", Cone(*centre, 0.04))
        path = folder / f"{name}.fits"
        if name == "mosaic":
            mosaic(sky, path)
        elif name == "catalogue":
            source_list(sky, path)
        else:
            path.write_bytes(observed(sky, CAMERA))
        is_list = name == "catalogue"
        found[name] = {
            "kind": "photometry" if is_list else "fits_file",
            "path": str(path),
            "catalogues": str(folder / "tiles"),
            "ra": centre[0],
            "dec": centre[1],
            "mjd": MJD if is_list else None,
        }
    found["huntsman"] = {
        "kind": "fits_file",
        "path": str(huntsman[0]),
        "catalogues": str(huntsman[1]),
        "mjd": None,
        **real_star(),
    }
    return found


def real_star() -> dict[str, float]:
    """A star of 15 mag in the middle of the real frame."""
    with sample(HUNTSMAN_CATALOGUE) as path:
        stars = Table.read(path, format="ascii.csv")
    away = np.hypot(
        (stars["ra_deg"] - HUNTSMAN_FOOTPRINT.ra_deg)
        * np.cos(np.radians(HUNTSMAN_FOOTPRINT.dec_deg)),
        stars["dec_deg"] - HUNTSMAN_FOOTPRINT.dec_deg,
    )
    near = stars[np.asarray(away) < 0.1]
    star = near[int(np.argmin(np.abs(np.asarray(near["mag_r"], dtype=float) - 15.0)))]
    return {"ra": float(star["ra_deg"]), "dec": float(star["dec_deg"])}


@pytest.fixture(scope="module")
def answers(
    cases: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> dict[int, dict[str, Any]]:
    """What would be stored with one thread, twice, and with two; both at once."""
    folder = tmp_path_factory.mktemp("answers")

    def answer(threads: int, times: int) -> dict[str, Any]:
        wanted, found = folder / f"{threads}.json", folder / f"{threads}.answers.json"
        wanted.write_text(json.dumps({"cases": cases, "times": times}))
        libraries = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA")
        variables = {f"{library}_NUM_THREADS": str(threads) for library in libraries}
        ended = subprocess.run(
            [sys.executable, str(PROGRAM), str(wanted), str(found)],
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        answered: dict[str, Any] = json.loads(found.read_text())
        return answered

    with ThreadPoolExecutor(2) as pool:
        once, twice = pool.submit(answer, 1, 2), pool.submit(answer, 2, 1)
        return {1: once.result(), 2: twice.result()}


def test_two_threads_are_more_than_one(answers: dict[int, dict[str, Any]]) -> None:
    """The control: the number of threads was no empty word."""
    assert answers[2]["threads"] > answers[1]["threads"]


@pytest.mark.parametrize("name", [*FIELDS, "huntsman"])
def test_one_and_two_threads_and_a_repeat_agree_in_every_bit(
    answers: dict[int, dict[str, Any]], name: str
) -> None:
    once = answers[1][f"{name} 0"]
    outcomes = [plane["result"]["outcome"] for plane in once["planes"]]
    if name == "mosaic":
        assert outcomes == ["calibrated", "target_outside_frame"]
    else:
        assert outcomes == ["calibrated"]
    assert all(plane["result"]["zero_point"] for plane in once["planes"])
    assert answers[1][f"{name} 1"] == once
    assert answers[2][f"{name} 0"] == once
