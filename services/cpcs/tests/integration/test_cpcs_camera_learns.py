"""A camera of two chips, with filters and binnings, learns what was put into it."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from bhtom_contracts.events.cameras import CameraPin, LearnedFigures
from bhtom_contracts.events.frames import FitsUploaded
from bhtom_cpcs.calibrations.reduction_process import reduction_request, storable
from bhtom_cpcs.decisions.pinned import plain_decisions
from bhtom_cpcs.reference_catalogues.catalogue import TileCatalogue, open_catalogue
from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
from bhtom_cpcs.science.decisions import NOTHING_DECIDED
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.testing import Cpcs, camera_snapshot, keep_calibrations, request_for
from bhtom_sky import Camera, Sky, make_sky, render_frame, write_catalogue

SHA = "c" * 64
CENTRE = (160.0, 10.0)
BESIDE, ALONE = (160.5, 10.0), 2
SIDE_PX = 256
MONO, BAYER = 710, 711
MODEL = Camera(
    width_px=SIDE_PX,
    height_px=SIDE_PX,
    pixel_scale_arcsec=0.8,
    fwhm_arcsec=1.8,
    moffat_beta=8.0,
    saturation_adu=6000.0,
    gradient=0.0,
    cosmic_rays=0.0,
)
BINNED = replace(
    MODEL,
    width_px=SIDE_PX // 2,
    height_px=SIDE_PX // 2,
    pixel_scale_arcsec=1.6,
    fwhm_arcsec=3.2,
    gain_e_per_adu=4.0,
    saturation_adu=9000.0,
)
FINE = replace(
    MODEL, width_px=400, height_px=400, pixel_scale_arcsec=0.5, fwhm_arcsec=2.0
)
# What the left half of a chip responds more than the right one [mag].
STEPS = {("r", 0): 0.1, ("r", 1): -0.1, ("g", 0): -0.06, ("g", 1): 0.0}
BINNED_STEP = -0.12
SPACING_ARCSEC = 11.2
EAST_DEG = 0.03  # half the way from one chip to the other
# The Moon's light tells the gain.
SKIES_MAG = (20.5, 19.6, 19.0, 18.5, 18.1)
FILTERS = "GaiaSP/ugriz"
START = datetime(2026, 3, 1, 2, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """A sky with the catalogue of its stars."""

    sky: Sky
    beside: Sky
    reference: TileCatalogue
    folder: Path

    def image(
        self, model: Camera, band: str, night: int, chip: int, darker_mag: float = 0
    ) -> tuple[np.ndarray, fits.Header]:
        """What a chip sees: the second one lies east of the first, a third beside."""
        pointing = (CENTRE[0] + chip * 2 * EAST_DEG, CENTRE[1])
        sky = self.sky
        if chip == ALONE:
            pointing, sky = BESIDE, self.beside
        sky_mag = SKIES_MAG[night % len(SKIES_MAG)] + darker_mag
        frame = render_frame(
            sky,
            replace(model, sky_mag_arcsec2=sky_mag),
            START + timedelta(days=night),
            30.0,
            pointing,
            f"GaiaSP/{band}",
            seed=100 * night + 10 * chip + ord(band),
            filter_card=band,
        )
        path = self.folder / "one.fits"
        path.write_bytes(frame.fits_bytes)
        with fits.open(path) as hdus:
            image, header = hdus[0].data.astype(np.float32), hdus[0].header.copy()
        # The limit stated is not the one that the pixels show.
        for card in ("SATURATE", "BZERO", "BSCALE"):
            del header[card]
        return image, header


def spaced_sky() -> Sky:
    """Stars enough for every cell of a map, none in the light of another."""
    sides = np.arange(-27, 28) * SPACING_ARCSEC / 3600
    rng = np.random.default_rng(8)
    east, north = (
        (grid + rng.uniform(-1, 1, grid.shape) / 3600).ravel()
        for grid in np.meshgrid(sides, sides)
    )
    sky = make_sky(31, CENTRE, 0.16, len(east), brightest=13.0, faintest=16.5)
    dec = CENTRE[1] + north
    ra = CENTRE[0] + EAST_DEG + east / np.cos(np.radians(dec))
    return replace(sky, ra_deg=ra, dec_deg=dec, variables=())


def few_stars() -> Sky:
    """A field beside, where the sky's noise is seen between the stars."""
    return make_sky(32, BESIDE, 0.05, 120, brightest=13.0, faintest=16.5)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("learning")
    sky, beside = spaced_sky(), few_stars()
    for number, (one, cone) in enumerate(
        ((sky, Cone(*CENTRE, 0.14)), (beside, Cone(*BESIDE, 0.05)))
    ):
        path = folder / f"sky{number}.csv"
        write_catalogue(one, path)
        import_slice(folder / "tiles", path, cone)
    reference = open_catalogue(folder / "tiles", "GaiaSP")
    assert isinstance(reference, TileCatalogue)
    return World(sky, beside, reference, folder)


def stepped(image: np.ndarray, step_mag: float) -> np.ndarray:
    """A flat field that was wrong: the left half is brighter, where unsaturated."""
    half = image.shape[1] // 2
    changed = image.copy()
    changed[:, :half] *= 10 ** (0.2 * step_mag)
    changed[:, half:] *= 10 ** (-0.2 * step_mag)
    return np.where(image >= image.max(), image, changed)


def mosaic(world: World, band: str, night: int, *, binned: bool = False) -> Path:
    """A file of both chips; binned ones have flats and figures of their own."""
    hdus = [fits.PrimaryHDU(None, fits.Header([("TELESCOP", "Two chips")]))]
    for chip in (0, 1):
        model, where = (BINNED, ALONE) if binned else (MODEL, chip)
        image, header = world.image(model, band, night, where)
        header["XBINNING"] = header["YBINNING"] = 2 if binned else 1
        step = BINNED_STEP if binned else STEPS[band, chip]
        pixels = stepped(image, step)
        hdus.append(fits.ImageHDU(pixels, header, name=f"CHIP{chip}"))
    path = world.folder / "mosaic.fits"
    fits.HDUList(hdus).writeto(path, overwrite=True)
    return path


def alone(world: World, night: int) -> Path:
    """A file of one chip, of the field with few stars."""
    image, header = world.image(MODEL, "r", night, ALONE)
    header["XBINNING"] = 1
    path = world.folder / "alone.fits"
    fits.PrimaryHDU(image, header).writeto(path, overwrite=True)
    return path


def raw_colours(world: World, night: int) -> Path:
    """A raw frame of a colour camera; its red pixels have the wrong flat field."""
    planes = {}
    for colour, band, darker in (("R", "r", 0), ("G", "g", 0.3), ("B", "g", 0.6)):
        planes[colour], header = world.image(FINE, band, night, 0, darker)
    planes["R"] = stepped(planes["R"], 0.1)
    row, column = np.indices(planes["R"].shape)
    is_red = (row % 2 == 0) & (column % 2 == 0)
    is_blue = (row % 2 == 1) & (column % 2 == 1)
    image = np.where(is_red, planes["R"], np.where(is_blue, planes["B"], planes["G"]))
    header["BAYERPAT"], header["FILTER"] = "RGGB", ""
    path = world.folder / "raw.fits"
    pixels = np.rint(image).astype(np.uint16)
    fits.PrimaryHDU(pixels, header).writeto(path, overwrite=True)
    return path


def pin(camera_id: int, **figures: Any) -> CameraPin:
    """A camera whose row is wrong about nearly all."""
    values = {
        "camera_id": camera_id,
        "gain": 2.5,
        "pixel_scale": 1.0,
        "saturation_level": 60000.0,
    }
    base = request_for(SHA, 1).camera
    return base.model_copy(update=values | figures)


def asked(
    product: int, camera: CameraPin, field: tuple[float, float] = CENTRE
) -> FitsUploaded:
    """A request for a place in a field without a star."""
    base = request_for(SHA, product)
    position = base.target.position.model_copy(
        update={"ra": field[0] + 0.01, "dec": field[1] + 0.01}
    )
    target = base.target.model_copy(update={"position": position})
    parameters = base.parameters.model_copy(update={"requested_filter": FILTERS})
    parts = {"camera": camera, "target": target, "parameters": parameters}
    return base.model_copy(update=parts)


def reduced(world: World, path: Path, request: FitsUploaded) -> list[dict[str, Any]]:
    """The planes' results as they are stored."""
    plain = plain_decisions(NOTHING_DECIDED)
    found = reduce_frame(path, reduction_request(request, plain), world.reference)
    return [storable(plane.to_json()) for plane in found.planes]


async def report(cpcs: Cpcs, camera: CameraPin) -> dict[str, Any]:
    await cpcs.deliver(camera_snapshot(camera))
    path = f"/api/v1/calibrations/cameras/{camera.camera_id}/report"
    answer = await cpcs.client.get(path, headers=cpcs.headers("owner"))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def step_of(flat: dict[str, Any]) -> float:
    """Left half minus right half of a map, its middle columns apart [mag]."""
    cells = np.array(flat["residuals"], dtype=float).reshape(8, 8)
    left, right = cells[:, :3], cells[:, 5:]
    assert np.isfinite(left).sum() > 2
    assert np.isfinite(right).sum() > 2
    return float(np.nanmedian(left) - np.nanmedian(right))


def figures_of(found: dict[str, Any]) -> dict[str, float]:
    return {one["name"]: one["measured"] for one in found["figures"]}


async def test_two_chips_bands_and_binnings_are_told_apart(
    cpcs: Cpcs, world: World
) -> None:
    camera = pin(MONO)
    product = 7100
    for night in range(5):
        for band in ("r", "g"):
            product += 1
            request = asked(product, camera)
            planes = reduced(world, mosaic(world, band, night), request)
            await keep_calibrations(cpcs, request, planes)
        product += 1
        request = asked(product, camera, BESIDE)
        planes = reduced(world, alone(world, night), request)
        await keep_calibrations(cpcs, request, planes)
    for night in range(2):
        product += 1
        request = asked(product, camera, BESIDE)
        planes = reduced(world, mosaic(world, "r", night, binned=True), request)
        assert any("binned 2x2" in one for one in planes[0]["warnings"])
        await keep_calibrations(cpcs, request, planes)
    found = await report(cpcs, camera)
    assert (found["binning"], found["other_binnings"]) == ("1x1", {"2x2": 4})
    figures = figures_of(found)
    assert figures["pixel_scale"] == pytest.approx(0.8, rel=0.002)
    assert figures["gain"] == pytest.approx(1.5, rel=0.1)
    assert figures["saturation_level"] == pytest.approx(6000.0, rel=0.05)
    maps = {(one["passband"][-1], one["image"]): one for one in found["flat_maps"]}
    names = ("1 CHIP0", "2 CHIP1")
    of_chips = {(band, name) for band in "rg" for name in names}
    assert set(maps) == {*of_chips, ("r", "")}  # and of the files of one image
    for (band, chip), step in STEPS.items():
        flat = maps[band, names[chip]]
        assert step_of(flat) == pytest.approx(step, abs=0.02), (band, chip)
        assert (flat["width"], flat["frames"]) == (SIDE_PX, 5)
    await the_version_offered_mends(world, found, camera)


async def the_version_offered_mends(
    world: World, found: dict[str, Any], camera: CameraPin
) -> None:
    """Each chip's frame in each band is mended by its own map, a binned one by none."""
    learned = LearnedFigures.model_validate(found["proposal"]["changes"]["learned"])
    newer = camera.model_copy(update={"learned": learned, "camera_version": 3})
    for band in ("r", "g"):
        for plane in reduced(world, mosaic(world, band, 6), asked(7190, newer)):
            term = plane["zero_point"]["flat_term"]
            assert term["passband"] == f"GaiaSP/{band}"
            cells = np.reshape(term["residuals"], (8, 8))
            known = next(
                np.reshape(np.array(one.residuals, dtype=float), (8, 8))
                for one in learned.flat_maps
                if (one.passband, one.image) == (term["passband"], plane["image"])
            )
            used = cells != 0
            assert np.allclose(cells[used], known[used], rtol=0.15)
            assert used.any() or STEPS[band, plane["plane"]] == 0
    request = asked(7191, newer, BESIDE)
    for plane in reduced(world, mosaic(world, "r", 6, binned=True), request):
        assert plane["zero_point"]["flat_term"] is None
        assert any("flat-field maps is of" in one for one in plane["warnings"])


async def test_a_colour_camera_learns_of_its_own_pixels(
    cpcs: Cpcs, world: World
) -> None:
    camera = pin(BAYER)
    for night in range(5):
        request = asked(7200 + night, camera)
        planes = reduced(world, raw_colours(world, night), request)
        await keep_calibrations(cpcs, request, planes)
    found = await report(cpcs, camera)
    assert (found["planes"], found["binning"]) == (15, None)
    figures = figures_of(found)
    assert figures["pixel_scale"] == pytest.approx(0.5, rel=0.002)
    assert "gain" not in figures  # stars all over the image
    maps = {one["colour"]: one for one in found["flat_maps"]}
    assert step_of(maps["R"]) == pytest.approx(0.1, abs=0.03)
    assert step_of(maps["G"]) == pytest.approx(0.0, abs=0.03)
    assert {one["image"] for one in found["flat_maps"]} == {""}
