"""What frames wait for whose stars are not all here: the table of ADR 0029."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from bhtom_cpcs.reference_catalogues.catalogue import open_catalogue
from bhtom_cpcs.reference_catalogues.fetching.fetch import MissingField, cone_about
from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
from bhtom_cpcs.science.astrometry.coordinates import separation_deg
from bhtom_cpcs.science.astrometry.wanted_field import (
    LARGEST_FIRST_RADIUS_DEG,
    LARGEST_RADIUS_DEG,
    USUAL_RADIUS_DEG,
    wanted_radii_deg,
)
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reduction import reduce_frame
from bhtom_cpcs.science.request import (
    CameraSettings,
    ReductionRequest,
    Site,
    TargetPosition,
)
from bhtom_cpcs.science.results.reduction import PlaneReduction
from bhtom_sky import Camera, Sky, make_sky, render_frame, write_catalogue

TARGET, OTHER = (159.0, 13.0), (201.0, 31.0)
RADIUS = 0.12
CAMERA = Camera(width_px=220, height_px=200, cosmic_rays=0)
FRAME_RADIUS_DEG = 0.8 * np.hypot(220, 200) / 2 / 3600
NIGHT = datetime(2026, 4, 1, tzinfo=UTC)
WCS_CARDS = ("CTYPE", "CRVAL", "CRPIX", "CDELT", "CUNIT", "PC1_", "PC2_")
STATED = CameraSettings(pixel_scale_arcsec=0.8)
Change = Callable[[fits.Header], None]

CALIBRATED, WAITS = Outcome.CALIBRATED, Outcome.WAITING_FOR_CATALOGUE
OUTSIDE = Outcome.TARGET_OUTSIDE_FRAME
NO_MATCH, NO_WCS = Outcome.TOO_FEW_MATCHES, Outcome.NO_WCS


@dataclass(frozen=True)
class World:
    """Two pieces of sky, a frame of each, and their reference stars in files."""

    skies: dict[str, Sky]
    slices: dict[str, Path]
    frames: dict[str, bytes]
    tiles: dict[tuple[str, ...], Path]

    def reduce(
        self,
        folder: Path,
        shows: str,
        change: Change,
        root: Path,
        camera: CameraSettings = STATED,
    ) -> PlaneReduction:
        """Reduce the frame that shows a place, for the target, with tiles."""
        with fits.open(io.BytesIO(self.frames[shows])) as hdus:
            header, image = hdus[0].header.copy(), hdus[0].data.astype(np.float32)
        for card in ("BZERO", "BSCALE"):
            header.remove(card, ignore_missing=True)
        change(header)
        path = folder / "frame.fits"
        fits.PrimaryHDU(image, header).writeto(path, overwrite=True)
        request = ReductionRequest(
            (TargetPosition(1, *self.skies["target"].centre),),
            site=Site(28.3, -16.5, 2400.0),
            camera=camera,
        )
        catalogue = open_catalogue(root, "GaiaSP")
        (plane,) = reduce_frame(path, request, catalogue).planes
        return plane


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("waiting")
    skies = {
        name: make_sky(seed, centre, RADIUS, 700)
        for seed, (name, centre) in enumerate(
            {"target": TARGET, "other": OTHER}.items(), start=21
        )
    }
    slices, frames = {}, {}
    for name, sky in skies.items():
        slices[name] = folder / f"{name}.csv"
        write_catalogue(sky, slices[name])
        frames[name] = render_frame(
            sky, CAMERA, NIGHT, 60.0, sky.centre, "GaiaSP/r", 3
        ).fits_bytes
    tiles: dict[tuple[str, ...], Path] = {}
    for held in ((), ("target",), ("other",), ("other", "target")):
        tiles[held] = folder / "_".join(("tiles", *held))
        for name in held:
            import_slice(tiles[held], slices[name], Cone(*skies[name].centre, RADIUS))
    return World(skies, slices, frames, tiles)


def as_it_is(_: fits.Header) -> None:
    return


def none(header: fits.Header) -> None:
    for card in list(header):
        if card.startswith(WCS_CARDS):
            del header[card]


def pointing_to(place: tuple[float, float]) -> Change:
    def change(header: fits.Header) -> None:
        header["CRVAL1"], header["CRVAL2"] = place

    return change


def scaled(factor: float) -> Change:
    def change(header: fits.Header) -> None:
        header["CDELT1"] *= factor
        header["CDELT2"] *= factor

    return change


def waits_for_target(plane: PlaneReduction) -> bool:
    """Whether the field that is asked for is that of the target."""
    assert plane.missing_tiles is not None, plane.message
    cone = cone_about(MissingField("GaiaSP", *order_and_pixels(plane)))
    away = separation_deg(np.array([cone.ra_deg]), np.array([cone.dec_deg]), *TARGET)
    return bool(away[0] < FRAME_RADIUS_DEG / 2) and "goes on by itself" in plane.message


def order_and_pixels(plane: PlaneReduction) -> tuple[int, tuple[int, ...]]:
    assert plane.missing_tiles is not None, plane.message
    return plane.missing_tiles.healpix_order, plane.missing_tiles.pixels


# What the frame shows, what its header says, and the outcome by the tiles that are
# here: (none, the header's, the target's, both). Where the header has no place of its
# own, "the header's" are those of the other place.
TABLE = [
    ("target", "right", (WAITS, WAITS, CALIBRATED, CALIBRATED)),
    ("target", "other", (WAITS, WAITS, CALIBRATED, CALIBRATED)),
    ("target", "junk", (WAITS, WAITS, CALIBRATED, CALIBRATED)),
    ("target", "none", (WAITS, WAITS, CALIBRATED, CALIBRATED)),
    ("other", "right", (WAITS, OUTSIDE, NO_MATCH, OUTSIDE)),
    ("other", "target", (WAITS, WAITS, NO_MATCH, NO_MATCH)),
    ("other", "junk", (WAITS, WAITS, NO_MATCH, NO_MATCH)),
    ("other", "none", (WAITS, WAITS, NO_WCS, NO_WCS)),
]
HEADERS: dict[str, Change] = {
    "right": as_it_is,
    "target": pointing_to(TARGET),
    "other": pointing_to(OTHER),
    "junk": pointing_to((0.0, 0.0)),
    "none": none,
}
HELD: tuple[tuple[str, ...], ...] = (
    (),
    ("other",),
    ("target",),
    ("other", "target"),
)


@pytest.mark.parametrize(
    ("shows", "says", "held", "expected"),
    [
        (shows, says, held, outcome)
        for shows, says, outcomes in TABLE
        for held, outcome in zip(HELD, outcomes, strict=True)
    ],
)
def test_the_table_of_headers_and_tiles(
    world: World,
    tmp_path: Path,
    shows: str,
    says: str,
    held: tuple[str, ...],
    expected: Outcome,
) -> None:
    plane = world.reduce(tmp_path, shows, HEADERS[says], world.tiles[held])
    assert plane.outcome is expected, plane.message
    if expected is WAITS:
        assert waits_for_target(plane)
    else:
        assert plane.missing_tiles is None
    if (shows, says, expected) == ("other", "right", NO_MATCH):
        assert "201.0000 +31.0000 deg" in plane.message


@pytest.mark.parametrize(
    ("change", "camera"),
    [
        (pointing_to((TARGET[0] / 15, TARGET[1])), STATED),
        (pointing_to(OTHER), CameraSettings()),
        (none, CameraSettings()),
        (scaled(10.0), STATED),
        (scaled(0.1), STATED),
        (scaled(10.0), CameraSettings()),
        (scaled(0.1), CameraSettings()),
    ],
)
def test_a_frame_goes_on_with_the_field_it_asked_for(
    world: World, tmp_path: Path, change: Change, camera: CameraSettings
) -> None:
    """What the fetcher would bring is imported, as small or large as it was asked."""
    first = world.reduce(tmp_path, "target", change, tmp_path / "tiles", camera)
    assert first.outcome is WAITS
    assert waits_for_target(first)
    cone = cone_about(MissingField("GaiaSP", *order_and_pixels(first)))
    assert cone.radius_deg > FRAME_RADIUS_DEG
    assert cone.radius_deg < (0.1 if camera is STATED else 0.6)
    import_slice(tmp_path / "tiles", world.slices["target"], cone)
    second = world.reduce(tmp_path, "target", change, tmp_path / "tiles", camera)
    assert second.outcome is CALIBRATED, second.message


@pytest.mark.parametrize("change", [scaled(10.0), none])
def test_no_frame_waits_twice_for_the_same_field(
    world: World, tmp_path: Path, change: Change
) -> None:
    """A frame of somewhere else ends when the stars that it asked for have come."""
    root = tmp_path / "tiles"
    asked: set[tuple[int, tuple[int, ...]]] = set()
    for _ in range(4):
        plane = world.reduce(tmp_path, "other", change, root, CameraSettings())
        if plane.outcome is not WAITS:
            break
        field = order_and_pixels(plane)
        assert field not in asked
        asked.add(field)
        cone = cone_about(MissingField("GaiaSP", *field))
        import_slice(root, world.slices["target"], cone)
    assert plane.outcome in (NO_MATCH, NO_WCS, OUTSIDE), plane.message


def test_a_frame_without_stars_enough_to_be_placed_does_not_wait(
    world: World, tmp_path: Path
) -> None:
    few = replace(world.skies["target"], variables=())
    bright = np.argsort(few.magnitude["r"])[:5]
    few = replace(
        few,
        ra_deg=few.ra_deg[bright],
        dec_deg=few.dec_deg[bright],
        magnitude={band: values[bright] for band, values in few.magnitude.items()},
    )
    frame = render_frame(few, CAMERA, NIGHT, 60.0, few.centre, "GaiaSP/r", 3)
    world = replace(world, frames={"target": frame.fits_bytes})
    plane = world.reduce(tmp_path, "target", none, world.tiles[()])
    assert plane.outcome in (NO_WCS, Outcome.TOO_FEW_STARS), plane.message


SHAPE = (2160, 2880)  # half the diagonal is 1800 px


@pytest.mark.parametrize(
    ("header", "camera", "cards", "expected"),
    [
        (0.8, (0.8,), (), (0.4,)),
        (0.85, (0.8,), (), (0.425,)),
        (8.0, (0.8,), (), (0.4,)),
        (0.08, (0.8, 1.6), (), (0.4, 0.8)),
        (None, (0.8,), (1.4,), (0.4,)),
        (None, (), (0.8,), (0.4,)),
        (8.0, (), (0.8,), (0.4, LARGEST_FIRST_RADIUS_DEG, 4.0)),
        (8.0, (), (8.2,), (4.0,)),
        (1.0, (), (), (0.5,)),
        (0.01, (), (), (USUAL_RADIUS_DEG,)),
        (None, (), (), (USUAL_RADIUS_DEG,)),
        (600.0, (), (), (LARGEST_FIRST_RADIUS_DEG, LARGEST_RADIUS_DEG)),
        (None, (600.0,), (), (LARGEST_RADIUS_DEG,)),
    ],
)
def test_the_field_that_is_asked_for(
    header: float | None,
    camera: tuple[float, ...],
    cards: tuple[float, ...],
    expected: tuple[float, ...],
) -> None:
    assert wanted_radii_deg(header, camera, cards, SHAPE) == pytest.approx(expected)


def test_stars_that_outnumber_the_header_s_field_ask_for_a_usual_one() -> None:
    radii = wanted_radii_deg(0.1, (), (), SHAPE, header_doubted=True)
    assert radii == pytest.approx((0.05, USUAL_RADIUS_DEG))
