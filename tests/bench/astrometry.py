"""How many simulated fields are solved, how fast, and how good the positions are.

Lists of sources and stars with the statistics of real ones: number counts that rise by
10^0.3 a magnitude, magnitude limits of frame and catalogue that differ, 20-30 % of the
frame's stars missing and 20-30 % of its sources spurious, centroid errors that grow to
the limit, any rotation and parity, distortion of up to 0.6 % at the corners of wide
fields. A field counts as solvable when ten of its sources are in the catalogue.
"""

import math
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.astrometry.blind_solver import blind_solutions
from bhtom_cpcs.science.astrometry.coordinates import (
    deproject,
    project,
    separation_deg,
)
from bhtom_cpcs.science.astrometry.plate_solver import solve_in_plane
from bhtom_cpcs.science.astrometry.pose import Pose
from tests.bench.figures import Figure
from tests.bench.large_frame import large_frame
from tests.bench.simulated_fields import (
    COUNTS_SLOPE,
    LARGEST_DEG,
    POINTING_ERROR_DEG,
    Simulated,
    Stars,
    expose,
    hinted_field,
    uniform_stars,
)

if TYPE_CHECKING:
    from bhtom_cpcs.science.reference import ReferenceCatalogue

FloatArray = npt.NDArray[np.float64]

COMMAND: Final = "make bench (tests/bench/astrometry.py)"
FIELDS: Final = 400
BLIND_FIELDS: Final = 200
FEWEST_COMMON: Final = 10
SCALE_ERROR: Final = 1.2
# The sky for frames without a pointing: stars to 15 mag, as many as at 30 deg latitude.
CAP_CENTRE: Final = (150.0, -20.0)
CAP_RADIUS_DEG: Final = 20.0
CAP_STARS_A_DEG2: Final = 300.0
CAP_LIMIT_MAG: Final = 15.0


def measure() -> list[Figure]:
    """Solve fields near a pointing, of a wrong sky, and without one; then positions."""
    with tempfile.TemporaryDirectory() as folder:
        unit, positions = _positions(Path(folder))
        return [
            *_hinted(unit),
            _wrong_sky(),
            *_blind(Path(folder), unit),
            *positions,
        ]


def solve_hinted(
    frame: Simulated, stars: Stars, pointing: tuple[float, float], scale: float
) -> tuple[Pose | None, float]:
    """Solve a field whose scale is known to 20 %, and say how long it took [s]."""
    started = time.perf_counter()
    plane = project(stars.ra_deg, stars.dec_deg, pointing)
    plane = plane[np.isfinite(plane[:, 0])]
    pose = solve_in_plane(
        frame.field,
        plane[:, 0] + 1j * plane[:, 1],
        (scale / SCALE_ERROR, scale * SCALE_ERROR),
    )
    return pose, time.perf_counter() - started


def is_right(frame: Simulated, pose: Pose, pointing: tuple[float, float]) -> bool:
    """Whether the solved centre is within 2 % of the field's side of the true one."""
    ra, dec = deproject(np.array([[pose.b.real, pose.b.imag]]), pointing)
    centre = (float(ra[0]), float(dec[0]))
    return _apart(centre, frame.centre) < 0.02 * frame.side_deg


def _hinted(unit: float) -> list[Figure]:
    rng = np.random.default_rng(20)
    solvable = solved = wrong = 0
    seconds = []
    for _ in range(FIELDS):
        frame, stars, pointing = hinted_field(rng)
        scale = frame.scale_arcsec * SCALE_ERROR ** rng.uniform(-1, 1)
        pose, spent = solve_hinted(frame, stars, pointing, scale)
        right = pose is not None and is_right(frame, pose, pointing)
        wrong += pose is not None and not right
        if frame.n_common >= FEWEST_COMMON:
            solvable += 1
            solved += right
            seconds.append(spent)
    share = f"{100 * solved / solvable:.1f} % ({solved} of {solvable}; {wrong} wrong)"
    return [
        Figure(
            "Fields of 5' to 10 deg solved, pointing within 1 deg, scale within 20 %",
            ">= 98 %",
            share,
            f"{FIELDS} fields, those with {FEWEST_COMMON} common stars or more count",
            COMMAND,
            met=solved >= 0.98 * solvable,
        ),
        _time("Time to solve a field near its pointing", seconds, unit),
    ]


def _time(name: str, seconds: list[float], unit: float) -> Figure:
    middle, worst = statistics.median(seconds), max(seconds)
    return Figure(
        name,
        "<= 2 s each",
        f"median {middle:.2f} s, worst {worst:.2f} s "
        f"({middle / unit:.2f} and {worst / unit:.2f} of a reduction)",
        f"reduction of a 4k x 4k frame with 5,000 stars {unit:.2f} s",
        COMMAND,
        met=worst <= 2.0,
    )


def _wrong_sky() -> Figure:
    rng = np.random.default_rng(21)
    found = 0
    for _ in range(FIELDS):
        frame, stars, pointing = hinted_field(rng)
        radius = 0.75 * frame.side_deg + 1.05 * POINTING_ERROR_DEG
        other = uniform_stars(rng, pointing, radius, len(stars.ra_deg), 15.0)
        pose, _ = solve_hinted(frame, other, pointing, frame.scale_arcsec)
        found += pose is not None
    return Figure(
        "False solutions of fields of another sky",
        "none",
        f"{found} of {FIELDS}",
        "the same fields against their own sky, above",
        COMMAND,
        met=found == 0,
    )


def _blind(folder: Path, unit: float) -> list[Figure]:
    rng = np.random.default_rng(22)
    stars, catalogue, how_made = _cap(folder / "cap", rng)
    known = np.ones(len(stars.ra_deg), dtype=bool)
    solvable = solved = wrong = 0
    seconds = []
    for _ in range(BLIND_FIELDS):
        side = 10 ** rng.uniform(math.log10(0.5), math.log10(LARGEST_DEG))
        away = 3600 * (CAP_RADIUS_DEG - side) * math.sqrt(rng.random())
        angle = 2 * math.pi * rng.random()
        ra, dec = deproject(
            np.array([[away * math.cos(angle), away * math.sin(angle)]]), CAP_CENTRE
        )
        wanted = 10 ** rng.uniform(math.log10(20), math.log10(400))
        limit = 15 + math.log10(wanted / (CAP_STARS_A_DEG2 * side**2)) / COUNTS_SLOPE
        limit = min(limit, CAP_LIMIT_MAG)
        centre = (float(ra[0]), float(dec[0]))
        frame = expose(rng, stars, known, centre, side, limit)
        started = time.perf_counter()
        found = next(
            blind_solutions(frame.field, catalogue, [(0.01, 600.0)], 2016.0), None
        )
        spent = time.perf_counter() - started
        right = found is not None and _apart(found.centre, centre) < 0.02 * side
        wrong += found is not None and not right
        if frame.n_common >= FEWEST_COMMON:
            solvable += 1
            solved += right
            seconds.append(spent)
    return [
        Figure(
            "Fields of 30' to 10 deg solved without pointing or scale",
            ">= 98 %",
            f"{100 * solved / solvable:.1f} % ({solved} of {solvable}; {wrong} wrong)",
            f"a cap of {CAP_RADIUS_DEG:.0f} deg with {len(known)} stars; {how_made}",
            COMMAND,
            met=solved >= 0.98 * solvable,
        ),
        _time("Time to solve a field without pointing or scale", seconds, unit),
    ]


def _apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    ra, dec = np.array([one[0]]), np.array([one[1]])
    return float(separation_deg(ra, dec, *other)[0])


def _cap(
    folder: Path, rng: np.random.Generator
) -> tuple[Stars, "ReferenceCatalogue", str]:
    """A large piece of sky as tiles, with patterns for frames without a pointing."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from bhtom_cpcs.reference_catalogues.catalogue import open_catalogue
    from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
    from bhtom_cpcs.reference_catalogues.solver_index import make_patterns

    area = 2 * math.pi * (1 - math.cos(math.radians(CAP_RADIUS_DEG)))
    count = int(area * math.degrees(1) ** 2 * CAP_STARS_A_DEG2)
    stars = uniform_stars(rng, CAP_CENTRE, CAP_RADIUS_DEG, count, CAP_LIMIT_MAG)
    folder.mkdir()
    columns = {"ra_deg": stars.ra_deg, "dec_deg": stars.dec_deg}
    pq.write_table(
        pa.table({**columns, "mag_r": stars.magnitude}), folder / "s.parquet"
    )
    manifest = import_slice(
        folder, folder / "s.parquet", Cone(*CAP_CENTRE, CAP_RADIUS_DEG)
    )
    started = time.perf_counter()
    n_patterns = make_patterns(folder / "GaiaSP", manifest)
    spent = time.perf_counter() - started
    size = sum(
        path.stat().st_size for path in (folder / "GaiaSP/patterns").rglob("*.npy")
    )
    made = f"{n_patterns} patterns, {size / 1e6:.0f} MB, made in {spent:.0f} s"
    return stars, open_catalogue(folder, "GaiaSP"), made


def _positions(folder: Path) -> tuple[float, list[Figure]]:
    """Reduce the large frame, whose time is the unit; then how good positions are."""
    from bhtom_cpcs.reference_catalogues.catalogue import open_catalogue
    from bhtom_cpcs.science.reduction import reduce_frame

    frame = large_frame(folder)
    frame.reduce()
    started = time.perf_counter()
    frame.reduce()
    unit = time.perf_counter() - started
    reduction = reduce_frame(
        frame.path, frame.request, open_catalogue(frame.catalogues, "GaiaSP")
    )
    share = reduction.stage_seconds["match_to_sky"] / sum(
        reduction.stage_seconds.values()
    )
    return unit, [
        Figure(
            "Matching a frame whose header is good",
            "<= 5 % of its reduction",
            f"{100 * share:.1f} %",
            f"the whole reduction, {unit:.2f} s",
            COMMAND,
            met=share <= 0.05,
        ),
        *_bright_positions(),
    ]


def _bright_positions() -> list[Figure]:
    """Residuals of stars with S/N >= 50 in frames of 1024 pixels, and the mapping's."""
    residuals, mapping, pairs = [], [], []
    for seed in range(1, 7):
        with tempfile.TemporaryDirectory() as folder:
            found, true = _bright_residuals(Path(folder), seed)
        residuals.append(math.sqrt(float(np.mean(found**2))))
        mapping.append(true)
        pairs.append(len(found))
    return [
        Figure(
            "Residuals of matched stars with S/N >= 50, rms of an axis",
            "<= 0.1 px",
            f"{statistics.median(residuals):.3f} px, worst {max(residuals):.3f} px",
            f"{len(pairs)} frames of {min(pairs)} to {max(pairs)} stars, unclipped",
            COMMAND,
            met=max(residuals) <= 0.1,
        ),
        Figure(
            "Coordinates of a frame against the truth, rms over the frame",
            "<= 0.1 px",
            f"{statistics.median(mapping):.3f} px, worst {max(mapping):.3f} px",
            "the coordinates that the frames were rendered with",
            COMMAND,
            met=max(mapping) <= 0.1,
        ),
    ]


def _bright_residuals(folder: Path, seed: int) -> tuple[FloatArray, float]:
    """Residuals [px] of bright stars in both axes, and the coordinates' rms error."""
    from astropy.wcs import WCS

    from bhtom_cpcs.reference_catalogues.catalogue import open_catalogue
    from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
    from bhtom_cpcs.science.frames.fits_files import open_fits
    from bhtom_cpcs.science.frames.fits_input import read_planes
    from bhtom_cpcs.science.reduction import STAGES
    from bhtom_cpcs.science.request import ReductionRequest, Site, TargetPosition
    from bhtom_cpcs.science.stages.plane_state import PlaneState
    from bhtom_sky import Camera, frame_wcs, make_sky, render_frame, write_catalogue

    side, centre = 1024, (40.0 * seed, 15.0 * seed - 60)
    sky = make_sky(seed, centre, 0.18, 700)
    camera = Camera(
        width_px=side,
        height_px=side,
        rotation_deg=50.0 * seed,
        wcs_offset_arcsec=(8.0, -5.0),
    )
    moment = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
    frame = render_frame(sky, camera, moment, 60.0, centre, "GaiaSP/r", seed=seed)
    path = folder / frame.name
    path.write_bytes(frame.fits_bytes)
    write_catalogue(sky, folder / "stars.csv")
    import_slice(folder, folder / "stars.csv", Cone(*centre, 0.18))
    request = ReductionRequest(
        targets=(TargetPosition(1, *centre),), site=Site(-24.6, -70.4, 2400.0)
    )
    with open_fits(path) as hdus:
        plane = next(iter(read_planes(hdus)))
        state = PlaneState(plane, request, open_catalogue(folder, "GaiaSP"))
        for stage in STAGES:
            stage(state)
    assert state.matches is not None
    assert state.sources is not None
    assert state.astrometry is not None
    assert state.reference is not None
    assert state.star_fluxes is not None
    fluxes, matches = state.star_fluxes, state.matches
    bright = fluxes.complete & (fluxes.flux > 50 * fluxes.error)
    source, star = matches.source[bright], matches.reference[bright]
    x, y = state.astrometry.pixel(
        state.reference.ra_deg[star], state.reference.dec_deg[star]
    )
    residuals = np.concatenate(
        [x - state.sources.x[source], y - state.sources.y[source]]
    )
    grid = np.meshgrid(np.linspace(0, side - 1, 9), np.linspace(0, side - 1, 9))
    grid_x, grid_y = (axis.ravel() for axis in grid)
    true = WCS(frame_wcs(camera, centre).to_header())
    back = state.astrometry.pixel(*true.all_pix2world(grid_x, grid_y, 0))
    error = np.concatenate([back[0] - grid_x, back[1] - grid_y])
    return residuals, math.sqrt(float(np.mean(error**2)))
