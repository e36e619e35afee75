"""Chips of one file help each other to be found on the sky."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from bhtom_cpcs.reference_catalogues.catalogue import TileCatalogue, open_catalogue
from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.request import ReductionRequest, Site, TargetPosition
from bhtom_cpcs.science.results.reduction import FrameReduction, PlaneReduction
from bhtom_sky import Camera, Sky, frame_wcs, make_sky, render_frame, write_catalogue

COLUMNS, ROWS = 2, 2
SIDE, STEP = 256, 280  # px of a chip, and from one to the next
CAMERA = Camera(
    width_px=STEP * COLUMNS, height_px=STEP * ROWS, rotation_deg=37.0, cosmic_rays=0
)
EMPTY, SPARSE = 2, 3
N_SPARSE = 7
CENTRE = (201.0, 31.0)
NIGHT = datetime(2026, 4, 1, tzinfo=UTC)
WCS_CARDS = ("CTYPE", "CRVAL", "CRPIX", "CDELT", "CUNIT", "PC1_", "PC2_")
Change = Callable[[int, np.ndarray, fits.Header], np.ndarray]


def corner(chip: int) -> tuple[int, int]:
    """Column and row of a chip's first pixel on the detector."""
    return chip % COLUMNS * STEP, chip // COLUMNS * STEP


def thinned(sky: Sky) -> Sky:
    """The sky without stars on one chip, and with a few on another."""
    x, y = frame_wcs(CAMERA, CENTRE).wcs_world2pix(sky.ra_deg, sky.dec_deg, 0)
    keep = np.ones(len(x), dtype=bool)
    for chip, n_left in ((EMPTY, 0), (SPARSE, N_SPARSE)):
        left, bottom = corner(chip)
        on = (x > left - 12) & (x < left + SIDE + 12)
        on &= (y > bottom - 12) & (y < bottom + SIDE + 12)
        inside = on & (np.abs(x - left - SIDE / 2) < 110)
        inside &= np.abs(y - bottom - SIDE / 2) < 110
        bright = np.flatnonzero(inside & (sky.magnitude["r"] > 13.5))
        bright = bright[np.argsort(sky.magnitude["r"][bright], kind="stable")]
        keep[on] = False
        keep[bright[:n_left]] = True
    return replace(
        sky,
        ra_deg=sky.ra_deg[keep],
        dec_deg=sky.dec_deg[keep],
        magnitude={band: values[keep] for band, values in sky.magnitude.items()},
        variables=(),
    )


@dataclass(frozen=True)
class Scene:
    """A mosaic's detector as one image, its header, and the reference stars."""

    image: np.ndarray
    header: fits.Header
    reference: TileCatalogue
    request: ReductionRequest
    target_mag: float
    root: Path  # of the reference stars' tiles

    def write(self, path: Path, change: Change) -> Path:
        """Write the detector's chips as extensions."""
        hdus = [fits.PrimaryHDU(None, fits.Header([("TELESCOP", "Mosaic")]))]
        for chip in range(COLUMNS * ROWS):
            left, bottom = corner(chip)
            pixels = self.image[bottom : bottom + SIDE, left : left + SIDE]
            header = self.header.copy()
            header["CRPIX1"] -= left
            header["CRPIX2"] -= bottom
            pixels = change(chip, pixels, header)
            hdus.append(fits.ImageHDU(pixels, header, name=f"CHIP{chip}"))
        fits.HDUList(hdus).writeto(path, overwrite=True)
        return path


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    folder = tmp_path_factory.mktemp("mosaic")
    sky = thinned(make_sky(11, CENTRE, 0.2, 2000))
    write_catalogue(sky, folder / "sky.csv")
    import_slice(folder / "tiles", folder / "sky.csv", Cone(*CENTRE, 0.2))
    reference = open_catalogue(folder / "tiles", "GaiaSP")
    assert isinstance(reference, TileCatalogue)
    frame = render_frame(sky, CAMERA, NIGHT, 60.0, CENTRE, "GaiaSP/r", 3)
    path = folder / "detector.fits"
    path.write_bytes(frame.fits_bytes)
    with fits.open(path) as hdus:
        image, header = hdus[0].data.copy(), hdus[0].header.copy()
    for card in ("BZERO", "BSCALE", "NAXIS1", "NAXIS2"):
        header.remove(card, ignore_missing=True)
    x, y = frame_wcs(CAMERA, CENTRE).wcs_world2pix(sky.ra_deg, sky.dec_deg, 0)
    left, bottom = corner(SPARSE)
    on = (x > left) & (x < left + SIDE) & (y > bottom) & (y < bottom + SIDE)
    star = np.flatnonzero(on)[0]
    target = TargetPosition(1, float(sky.ra_deg[star]), float(sky.dec_deg[star]))
    request = ReductionRequest((target,), site=Site(28.3, -16.5, 2400.0))
    magnitude = float(sky.magnitude["r"][star])
    return Scene(image, header, reference, request, magnitude, folder / "tiles")


def without_wcs(header: fits.Header) -> None:
    for card in list(header):
        if card.startswith(WCS_CARDS):
            del header[card]


def section(chip: int) -> str:
    left, bottom = corner(chip)
    return f"[{left + 1}:{left + SIDE},{bottom + 1}:{bottom + SIDE}]"


def bare(chip: int, pixels: np.ndarray, header: fits.Header) -> np.ndarray:
    without_wcs(header)
    return pixels


def with_detector_sections(
    chip: int, pixels: np.ndarray, header: fits.Header
) -> np.ndarray:
    without_wcs(header)
    header["DETSEC"] = section(chip)
    return pixels


def read_out_mirrored(chip: int, pixels: np.ndarray, header: fits.Header) -> np.ndarray:
    """Every second chip is read from its other side, and DETSEC tells of it."""
    without_wcs(header)
    left, bottom = corner(chip)
    rows = f"{bottom + 1}:{bottom + SIDE}"
    if chip % 2 == 0:
        header["DETSEC"] = section(chip)
        return pixels
    header["DETSEC"] = f"[{left + SIDE}:{left + 1},{rows}]"
    return np.ascontiguousarray(pixels[:, ::-1])


def turned_and_mirrored(
    chip: int, pixels: np.ndarray, header: fits.Header
) -> np.ndarray:
    """Chips lie as they like, and no card tells how."""
    without_wcs(header)
    pixels = np.rot90(pixels, chip + 1)
    return np.ascontiguousarray(pixels[:, ::-1] if chip == SPARSE else pixels)


def wrong_as_a_whole(chip: int, pixels: np.ndarray, header: fits.Header) -> np.ndarray:
    """The mount was set on a wrong place, and turned."""
    header["CRVAL2"] += 0.15
    angle = np.radians(20.0)
    old = np.array(
        [
            [header["PC1_1"], header["PC1_2"]],
            [header["PC2_1"], header["PC2_2"]],
        ]
    )
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for (row, column), value in np.ndenumerate(turn @ old):
        header[f"PC{row + 1}_{column + 1}"] = value
    return pixels


def as_it_is(chip: int, pixels: np.ndarray, header: fits.Header) -> np.ndarray:
    return pixels


def reduced(scene: Scene, path: Path, change: Change) -> FrameReduction:
    return reduce_frame(scene.write(path, change), scene.request, scene.reference)


def is_placed(plane: PlaneReduction) -> bool:
    return plane.wcs is not None and bool(plane.wcs.n_matched)


@pytest.mark.parametrize(
    "change",
    [read_out_mirrored, turned_and_mirrored],
)
def test_the_target_on_a_sparse_chip_is_measured(
    scene: Scene, tmp_path: Path, change: Change
) -> None:
    """The chip alone has too few stars to be found; the others tell where it is."""
    planes = reduced(scene, tmp_path / "mosaic.fits", change).planes
    assert len(planes) == COLUMNS * ROWS
    sparse = planes[SPARSE]
    assert sparse.outcome is Outcome.CALIBRATED, sparse.message
    assert sparse.wcs is not None
    assert sparse.wcs.method == "solved_by_other_chips"
    assert sparse.measurements[0].magnitude == pytest.approx(scene.target_mag, abs=0.05)
    assert planes[EMPTY].outcome is Outcome.TOO_FEW_STARS
    for number, plane in enumerate(planes):
        if number not in (SPARSE, EMPTY):
            assert plane.outcome is Outcome.TARGET_OUTSIDE_FRAME, plane.message
            assert plane.message.startswith(
                f"The target is not on this image: image {SPARSE + 1} (CHIP{SPARSE})"
            )
            assert is_placed(plane)
            assert plane.zero_point is not None
            assert plane.zero_point.error < 0.01
            assert plane.measurements == ()
            assert plane.wcs.pixel_scale_arcsec == pytest.approx(0.8, rel=3e-3)
            assert plane.wcs.rms_px < 0.5


def test_chips_before_the_first_solved_one_are_tried_again(
    scene: Scene, tmp_path: Path
) -> None:
    """The sparse chip comes first; its header is wrong as those of the others are."""
    path = scene.write(tmp_path / "mosaic.fits", wrong_as_a_whole)
    with fits.open(path) as hdus:
        turned = fits.HDUList([hdus[number] for number in (0, 4, 3, 2, 1)])
        turned.writeto(tmp_path / "turned.fits")
    one, two = (
        reduce_frame(tmp_path / "turned.fits", scene.request, scene.reference)
        for _ in range(2)
    )
    first = one.planes[0]
    assert first.plane_name == f"CHIP{SPARSE}"
    assert first.outcome is Outcome.CALIBRATED, first.message
    assert first.wcs is not None
    assert first.wcs.method == "solved_by_other_chips"
    assert first.measurements[0].magnitude == pytest.approx(scene.target_mag, abs=0.05)
    assert [plane.plane for plane in one.planes] == [0, 1, 2, 3]
    assert one.to_json()["planes"] == two.to_json()["planes"]


def test_alone_the_sparse_chip_is_not_found(scene: Scene, tmp_path: Path) -> None:
    """The control: without the others nobody knows where it is."""
    path = scene.write(tmp_path / "mosaic.fits", bare)
    with fits.open(path) as hdus:
        alone = fits.PrimaryHDU(hdus[SPARSE + 1].data, hdus[SPARSE + 1].header)
    alone.header.remove("XTENSION", ignore_missing=True)
    alone.writeto(tmp_path / "alone.fits")
    (plane,) = reduce_frame(
        tmp_path / "alone.fits", scene.request, scene.reference
    ).planes
    assert plane.outcome is Outcome.NO_WCS, plane.message


def test_a_frame_of_one_image_ends_where_its_target_is_not(
    scene: Scene, tmp_path: Path
) -> None:
    """A chip of several is calibrated without the target; this costs no more."""
    path = scene.write(tmp_path / "mosaic.fits", wrong_as_a_whole)
    with fits.open(path) as hdus:
        alone = fits.PrimaryHDU(hdus[1].data, hdus[1].header)
    alone.writeto(tmp_path / "alone.fits")
    (plane,) = reduce_frame(
        tmp_path / "alone.fits", scene.request, scene.reference
    ).planes
    assert plane.outcome is Outcome.TARGET_OUTSIDE_FRAME
    assert plane.zero_point is None


def test_false_stars_are_never_placed(scene: Scene, tmp_path: Path) -> None:
    """A chip cut into tiles that were mixed stays unsolved, whatever the others say."""
    order = np.random.default_rng(8).permutation(64)

    def mixed(chip: int, pixels: np.ndarray, header: fits.Header) -> np.ndarray:
        pixels = with_detector_sections(chip, pixels, header)
        if chip == 1:
            tiles = pixels.reshape(8, 32, 8, 32).swapaxes(1, 2).reshape(64, 32, 32)
            tiles = tiles[order].reshape(8, 8, 32, 32).swapaxes(1, 2)
            pixels = np.ascontiguousarray(tiles.reshape(SIDE, SIDE))
        return pixels

    planes = reduced(scene, tmp_path / "mosaic.fits", mixed).planes
    assert planes[1].outcome is Outcome.NO_WCS, planes[1].message
    assert planes[SPARSE].outcome is Outcome.CALIBRATED


def test_a_chip_cannot_lie_in_another_part_of_the_sky(
    scene: Scene, tmp_path: Path
) -> None:
    """Its stars and its own cards say so, but one telescope took all chips."""
    sky = make_sky(12, (161.0, -20.0), 0.1, 500)
    write_catalogue(sky, tmp_path / "sky.csv")
    import_slice(scene.root, tmp_path / "sky.csv", Cone(*sky.centre, 0.1))
    reference = open_catalogue(scene.root, "GaiaSP")
    camera = Camera(width_px=SIDE, height_px=SIDE, cosmic_rays=0)
    other = render_frame(sky, camera, NIGHT, 60.0, sky.centre, "GaiaSP/r", 4)
    (tmp_path / "other.fits").write_bytes(other.fits_bytes)

    def elsewhere(chip: int, pixels: np.ndarray, header: fits.Header) -> np.ndarray:
        without_wcs(header)
        if chip != EMPTY:
            return pixels
        header["OBJCTRA"], header["OBJCTDEC"] = "10 44 00", "-20 00 00"
        return np.asarray(fits.getdata(tmp_path / "other.fits"))

    path = scene.write(tmp_path / "mosaic.fits", elsewhere)
    planes = reduce_frame(path, scene.request, reference).planes
    assert planes[EMPTY].outcome is Outcome.NO_WCS, planes[EMPTY].message
    assert "it cannot be" in planes[EMPTY].message
    assert planes[SPARSE].outcome is Outcome.CALIBRATED


def test_good_headers_are_left_as_they_are(scene: Scene, tmp_path: Path) -> None:
    planes = reduced(scene, tmp_path / "mosaic.fits", as_it_is).planes
    assert planes[SPARSE].outcome is Outcome.CALIBRATED
    assert {plane.wcs.method for plane in planes if is_placed(plane)} == {"header"}


def test_chips_wait_together_for_their_stars(scene: Scene, tmp_path: Path) -> None:
    """The header puts the target on one chip, the stars on another: both must wait."""

    def off_by_a_chip(chip: int, pixels: np.ndarray, header: fits.Header) -> np.ndarray:
        # The target seems to be on the chip below its own.
        header["CRPIX2"] -= STEP
        return pixels

    path = scene.write(tmp_path / "mosaic.fits", off_by_a_chip)
    nothing = open_catalogue(tmp_path / "no_tiles", "GaiaSP")
    planes = reduce_frame(path, scene.request, nothing).planes
    waits = Outcome.WAITING_FOR_CATALOGUE
    assert {plane.outcome for plane in planes} <= {waits, Outcome.TOO_FEW_STARS}
    assert planes[SPARSE].outcome is waits, planes[SPARSE].message
    assert "goes on by itself" in planes[SPARSE].message
    assert planes[SPARSE].missing_tiles is not None
    planes = reduce_frame(path, scene.request, scene.reference).planes
    assert planes[SPARSE].outcome is Outcome.CALIBRATED, planes[SPARSE].message
    assert Outcome.WAITING_FOR_CATALOGUE not in {plane.outcome for plane in planes}


def test_chips_of_another_part_of_the_sky_say_so_once(
    scene: Scene, tmp_path: Path
) -> None:
    """Their stars are here, and confirm the header that the target is not near."""
    path = scene.write(tmp_path / "mosaic.fits", as_it_is)
    far = ReductionRequest((TargetPosition(1, 20.0, -60.0),), site=scene.request.site)
    planes = reduce_frame(path, far, scene.reference).planes
    assert {plane.outcome for plane in planes} == {Outcome.TARGET_OUTSIDE_FRAME}
    first, *others = planes
    assert "none of the file's 4 images shows it" in first.message
    assert "deg from the centre of image" in first.message
    assert first.explanation is not None
    assert first.explanation.verdict == first.message
    assert is_placed(first)
    for plane in others:
        assert plane.message.startswith("The target is not on this image either: see")


@pytest.mark.parametrize("target", [None, (20.0, -60.0)])
def test_chips_whose_headers_are_all_far_off_wait_for_the_target(
    scene: Scene, tmp_path: Path, target: tuple[float, float] | None
) -> None:
    """The mount wrote nonsense into every header, or the target is another one."""

    def nonsense(chip: int, pixels: np.ndarray, header: fits.Header) -> np.ndarray:
        header["CRVAL1"], header["CRVAL2"] = 0.0, 0.0
        return pixels

    path = scene.write(tmp_path / "mosaic.fits", nonsense)
    request = scene.request
    if target is not None:
        request = replace(request, targets=(TargetPosition(1, *target),))
    nothing = open_catalogue(tmp_path / "none", "GaiaSP")
    planes = reduce_frame(path, request, nothing).planes
    assert {plane.outcome for plane in planes} == {Outcome.WAITING_FOR_CATALOGUE}
    place = request.targets[0]
    assert f"{place.ra_deg:.4f} {place.dec_deg:+.4f} deg" in planes[0].message
    if target is None:
        planes = reduce_frame(path, request, scene.reference).planes
        assert planes[SPARSE].outcome is Outcome.CALIBRATED, planes[SPARSE].message
        assert sum(is_placed(plane) for plane in planes) == COLUMNS * ROWS - 1


def test_the_target_between_the_chips_is_said_once(
    scene: Scene, tmp_path: Path
) -> None:
    gap = frame_wcs(CAMERA, CENTRE).wcs_pix2world([[268.0, 268.0]], 0)[0]
    between = TargetPosition(1, float(gap[0]), float(gap[1]))
    request = replace(scene.request, targets=(between,))
    path = scene.write(tmp_path / "mosaic.fits", as_it_is)
    planes = reduce_frame(path, request, scene.reference).planes
    beside = [p for p in planes if p.outcome is Outcome.TARGET_OUTSIDE_FRAME]
    assert len(beside) == COLUMNS * ROWS - 1  # one chip has no stars
    assert sum("check the target" in plane.message for plane in planes) == 1
    assert "none of the 3 of 4 images whose place is known" in beside[0].message
