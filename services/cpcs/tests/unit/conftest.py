"""A simulated field and a real one, each with its reference stars as tiles."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bhtom_cpcs.reference_catalogues.catalogue import TileCatalogue, open_catalogue
from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
from bhtom_cpcs.science.request import (
    CameraSettings,
    ReductionRequest,
    Site,
    TargetPosition,
)
from bhtom_sky import (
    HUNTSMAN_CATALOGUE,
    HUNTSMAN_FOOTPRINT,
    HUNTSMAN_FRAME,
    Camera,
    Frame,
    Sky,
    make_sky,
    render_frame,
    sample,
    write_catalogue,
)

SITE = Site(latitude_deg=-31.16, longitude_deg=149.13, height_m=1160.0)
MIDNIGHT = datetime(2026, 3, 1, 14, tzinfo=UTC)


@dataclass(frozen=True)
class Field:
    """A sky, its catalogue, and a request for the variable star in its middle."""

    sky: Sky
    reference: TileCatalogue
    request: ReductionRequest
    root: Path  # of the catalogue's tiles


def catalogue_below(root: Path) -> TileCatalogue:
    found = open_catalogue(root, "GaiaSP")
    assert isinstance(found, TileCatalogue)
    return found


def request_for(
    ra: float, dec: float, requested: str = "GaiaSP/any"
) -> ReductionRequest:
    return ReductionRequest(
        targets=(TargetPosition(1, ra, dec),),
        site=SITE,
        camera=CameraSettings(),
        requested_filter=requested,
    )


def make_field(folder: Path, seed: int) -> Field:
    sky = make_sky(seed, (150.0 + 9 * seed, 20.0 - 7 * seed), 0.1, 500)
    slice_ = folder / f"sky{seed}.csv"
    write_catalogue(sky, slice_)
    root = folder / f"tiles{seed}"
    import_slice(root, slice_, Cone(*sky.centre, 0.1))
    return Field(sky, catalogue_below(root), request_for(*sky.centre), root)


@pytest.fixture(scope="session")
def fields(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Field]:
    folder = tmp_path_factory.mktemp("fields")
    made: dict[int, Field] = {}

    def give(seed: int) -> Field:
        if seed not in made:
            made[seed] = make_field(folder, seed)
        return made[seed]

    return give


@pytest.fixture(scope="session")
def field(fields: Callable[[int], Field]) -> Field:
    return fields(1)


@pytest.fixture(scope="session")
def huntsman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """The real frame and the folder of its tiles."""
    root = tmp_path_factory.mktemp("gaia")
    with sample(HUNTSMAN_CATALOGUE) as path:
        import_slice(root, path, Cone(*HUNTSMAN_FOOTPRINT))
    with sample(HUNTSMAN_FRAME) as frame:
        yield frame, root


@pytest.fixture
def frame_of(field: Field) -> Callable[..., Frame]:
    def render(
        camera: Camera | None = None,
        *,
        seed: int = 5,
        sky: Sky | None = None,
        **options: str,
    ) -> Frame:
        return render_frame(
            sky or field.sky,
            camera or Camera(),
            MIDNIGHT,
            60.0,
            field.sky.centre,
            "GaiaSP/r",
            seed,
            **options,
        )

    return render
