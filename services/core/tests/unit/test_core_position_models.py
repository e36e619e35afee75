"""Orbital elements and ephemerides as people give them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from bhtom_contracts.events import targets as contract
from bhtom_contracts.events.cameras import (
    MOST_FLAT_MAPS,
    CameraPin,
    FlatCell,
    FlatMap,
    FlatResiduals,
    LearnedColourTerm,
    LearnedFigures,
    LearnedLimit,
    Site,
)
from bhtom_contracts.events.frames import CalibrationParameters, FitsUploaded, TargetPin
from bhtom_contracts.registry import MAX_EVENT_BYTES
from bhtom_core.targets.ephemeris_text import MOST_ROWS, rows_of_text
from bhtom_core.targets.mpc_line import elements_of_line
from bhtom_core.targets.position_models import (
    Elements,
    Ephemeris,
    compact_rows,
    summary_of,
    table_of,
)

ORBIT: dict[str, Any] = {
    "epoch_mjd": 61000.0,
    "semi_major_axis": 2.7660512,
    "eccentricity": 0.0794013,
    "inclination": 10.58780,
    "ascending_node": 80.25221,
    "perihelion_argument": 73.27343,
    "mean_anomaly": 188.70269,
}
# In the columns of the Minor Planet Center's "Export Format For Minor-Planet Orbits".
MPC_LINE = (
    "00001    3.34  0.15 K25BL 188.70269   73.27343   80.25221   10.58780  "
    "0.0794013  0.21424651   2.7660512  0 E2024-V47  7258 125 1801-2024 0.80"
)
HORIZONS = """\
Target body name: 1 Ceres (A801 AA)               {source: JPL#48}
Center body name: Earth (399)                     {source: DE441}
**********************************************************************
 Date__(UT)__HR:MN, , , R.A._(ICRF), DEC__(ICRF),            delta,     deldot,
**********************************************************************
$$SOE
 2026-Nov-22 00:00, , , 350.123400000, -12.500000000, 2.00000000000000,  1.0,
 2026-Nov-22 12:00, , , 350.223400000, -12.400000000, 2.00100000000000,  1.0,
 2026-Nov-23 00:00, , , 350.323400000, -12.300000000, 2.00200000000000,  1.0,
 2026-Nov-23 12:00, , , 350.423400000, -12.200000000, 2.00300000000000,  1.0,
$$EOE
**********************************************************************
Column meaning: comes after.
"""


def rows(count: int = 5, **changes: Any) -> list[dict[str, Any]]:
    return [
        {"mjd": 61000.0 + n, "ra": 10.0 + n / 10, "dec": -5.0, **changes}
        for n in range(count)
    ]


def sentence(error: pytest.ExceptionInfo[ValidationError]) -> str:
    return "; ".join(
        f"{'.'.join(map(str, one['loc']))}: {one['msg']}"
        for one in error.value.errors()
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"eccentricity": -0.1}, "eccentricity"),
        ({"eccentricity": float("nan")}, "finite"),
        ({"inclination": float("inf")}, "finite"),
        ({"inclination": 181}, "inclination"),
        ({"semi_major_axis": 0}, "do not agree"),
        ({"semi_major_axis": -2.0}, "do not agree"),
        ({"semi_major_axis": 1e9}, "0.001 to 100000 au"),
        ({"eccentricity": 1.0}, "do not agree"),
        ({"semi_major_axis": None}, "semi-major axis or a perihelion distance"),
        ({"perihelion_distance": 2.5}, "semi-major axis or a perihelion distance"),
        ({"mean_anomaly": None}, "mean anomaly or a time of perihelion"),
        ({"mean_anomaly": 400}, "mean_anomaly"),
        ({"ascending_node": 1e300}, "ascending_node"),
        ({"epoch_mjd": 2461000.5}, "looks like a Julian date: MJD 61000.0"),
        ({"epoch_mjd": 0}, "1900 to 2100"),
        (
            {"mean_anomaly": None, "perihelion_mjd": 2461000.5},
            "perihelion_mjd: 2.461e+06 is no MJD",
        ),
        ({"perihelion": 1.0}, "Extra inputs"),
    ],
)
def test_impossible_orbits_are_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Elements.model_validate(ORBIT | changes)
    assert told in sentence(refused)


def test_comets_have_a_perihelion() -> None:
    comet = {
        name: value
        for name, value in ORBIT.items()
        if name not in ("semi_major_axis", "mean_anomaly")
    }
    comet |= {"perihelion_distance": 0.39, "perihelion_mjd": 61010.5}
    for eccentricity in (0.9, 1.0, 1.2):
        made = Elements.model_validate(comet | {"eccentricity": eccentricity})
        assert made.eccentricity == eccentricity
    hyperbola = ORBIT | {"semi_major_axis": -1.3, "eccentricity": 3.4}
    hyperbola |= {"mean_anomaly": None, "perihelion_mjd": 61010.5}
    assert Elements.model_validate(hyperbola).semi_major_axis == -1.3


def test_a_line_of_the_minor_planet_center_is_read() -> None:
    assert elements_of_line(MPC_LINE) == ORBIT
    assert Elements.model_validate(MPC_LINE).inclination == 10.5878
    assert elements_of_line(MPC_LINE.replace("K25BL", "J9611"))["epoch_mjd"] == 50083.0


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "shorter"),
        (MPC_LINE[:100], "shorter"),
        (f"{MPC_LINE}\n{MPC_LINE}", "one line"),
        (MPC_LINE.replace("K25BL", "K25WL"), "no epoch"),
        (MPC_LINE.replace("K25BL", "X25BL"), "no epoch"),
        (MPC_LINE.replace("K25BL", "K252V"), "no epoch"),
        (" " + MPC_LINE, "no epoch"),
        (MPC_LINE.replace("0.0794013", "0.07940x3"), "no eccentricity"),
        ("é" * 110, "no epoch"),
    ],
)
def test_what_is_no_such_line_is_told(line: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        elements_of_line(line)
    with pytest.raises(ValidationError):
        Elements.model_validate(line)


@pytest.mark.parametrize(
    "text",
    [
        "mjd,ra,dec\n61000,10,-5\n61001,10.1,-5\n61002,10.2,-5\n61003,10.3,-5\n",
        "# mine\nJD;RA;Dec\r\n2461000.5;10;-5\r\n2461001.5;10.1;-5\r\n"
        "2461002.5;10.2;-5\r\n2461003.5;10.3;-5",
        "mjd ra dec\n61000 10 -5\n 61001  10.1 -5\n61002 10.2 -5\n61003 10.3 -5",
        "time\tRA (deg)\tDec [deg]\n2025-11-21T00:00:00Z\t10\t-5\n"
        "2025-11-22\t0:40:24\t-5\n2025-11-23 00:00\t0:40:48\t-05:00:00\n"
        "2025-11-24T02:00:00+02:00\t0:41:12\t-5",
    ],
)
def test_tables_are_read_in_many_forms(text: str) -> None:
    found = Ephemeris.model_validate({"observer": "site", "rows": text})
    assert [row.mjd for row in found.rows] == [61000, 61001, 61002, 61003]
    assert [row.ra for row in found.rows] == pytest.approx([10, 10.1, 10.2, 10.3])
    assert {row.dec for row in found.rows} == {-5.0}


def test_a_listing_of_horizons_is_read() -> None:
    found = rows_of_text(HORIZONS)
    assert [row["mjd"] for row in found] == [61366.0, 61366.5, 61367.0, 61367.5]
    assert found[1] == {"mjd": 61366.5, "ra": 350.2234, "dec": -12.4, "distance": 2.001}
    apparent = HORIZONS.replace("R.A._(ICRF)", "R.A._(a-app)")
    with pytest.raises(ValueError, match="there is none for ra"):
        rows_of_text(apparent)
    with pytest.raises(ValueError, match="CSV format"):
        rows_of_text(HORIZONS.replace("R.A._(ICRF), DEC__(ICRF),", ""))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (rows(3), "at least 4"),
        (rows(MOST_ROWS + 1), "at most 1000"),
        (rows()[::-1], "not later than the row before"),
        ([*rows(), rows()[-1]], r"Row 6 \(MJD 61004.00000\) is not later"),
        ([*rows(), {"mjd": 61005, "ra": 400, "dec": 0}], "rows.5.ra"),
        ([*rows(), {"mjd": 61005, "ra": 10, "dec": -91}], "rows.5.dec"),
        ([*rows(), {"mjd": 61005, "ra": 10}], "rows.5.dec"),
        ([*rows(), {"mjd": 61005, "ra": 90, "dec": 0}], "Rows 5 and 6 are 80 degrees"),
        (rows(mjd=float("nan")), "finite"),
        (rows(distance=0), "distance"),
        ([*rows(), {"mjd": 61005, "ra": 10, "dec": 0, "distance": 1}], "in every row"),
        ([row | {"mjd": row["mjd"] + 2400000.5} for row in rows()], "Julian date"),
        ("", "empty"),
        ("61000 10 -5\n" * 9, "must name the columns"),
        ("mjd,ra\n" + "61000,10\n" * 9, "none for dec"),
        ("mjd,jd,ra,dec\n1,1,1,1", "more than one column for its mjd"),
        ("mjd,ra,dec\n61000,10,-5\n61001,10", "Line 3 has no dec"),
        ("mjd,ra,dec\n61000,,-5", "Line 2 has no ra"),
        ("mjd,ra,dec\n\n61000,400,-5", "Line 3: ra: '400' is beyond the range"),
        ("mjd,ra,dec\n61000,10,north", "Line 2: dec: 'north' cannot be read"),
        ("mjd,ra,dec\ntomorrow,10,-5", "Line 2: 'tomorrow' cannot be read as mjd"),
        ("time,ra,dec\n2026-Foo-01 00:00,10,-5", "cannot be read as mjd"),
        ("mjd,ra,dec\n" + "inf,10,-5\n" * 4, "finite"),
        ("mjd,ra,dec\n" + "61000,10,-5\n" * (MOST_ROWS + 1), "has 1001 rows"),
        ("x" * 1_000_001, "longer than"),
        ('mjd,ra,dec\n"61000,10,-5\n' * 4, "Line 2"),
        ("\0", "must name"),
        (7, "rows"),
    ],
)
def test_tables_that_are_no_path_are_refused(given: object, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Ephemeris.model_validate({"observer": "site", "rows": given})


def test_the_observer_is_said() -> None:
    for given in ({"rows": rows()}, {"rows": rows(), "observer": "moon"}):
        with pytest.raises(ValidationError, match="observer"):
            Ephemeris.model_validate(given)


def fullest_request(table: contract.Ephemeris) -> FitsUploaded:
    """A request of a camera of which as much is known as there can be."""
    third = 1 / 3
    cells = [
        FlatCell(column=n % 32, row=n // 32, residual=-third, error=third, stars=99999)
        for n in range(1024)
    ]
    band = "GaiaSP/r" * 7
    term = LearnedColourTerm(
        passband=band, colour=band, slope=-third, slope_error=third, frames=99999
    )
    limit = LearnedLimit(
        passband=band, exposure_time=third, limit_5_sigma=third, frames=99999
    )
    flat = FlatMap(
        passband=band,
        image="x" * 40,
        colour="R",
        width=99999,
        height=99999,
        columns=8,
        rows=8,
        residuals=(-third,) * 64,
        errors=(third,) * 64,
        stars=99999,
        frames=99999,
    )
    learned = LearnedFigures(
        frames=99999,
        nights=9999,
        first_mjd=60000 + third,
        last_mjd=60000 + third,
        software_version="1.0",
        colour_terms=(term,) * 100,
        limits=(limit,) * 100,
        flat_residuals=FlatResiduals(columns=32, rows=32, cells=tuple(cells)),
        flat_maps=(flat,) * MOST_FLAT_MAPS,
    )
    position = contract.TargetPosition(kind="ephemeris", ephemeris=table)
    return FitsUploaded(
        data_product_id=2**62,
        calibration_request_id=2**62,
        request_order=1,
        purpose="record",
        owner_id=2**62,
        target=TargetPin(target_id=2**62, name="x" * 100, position=position),
        camera=CameraPin(
            camera_id=1,
            camera_version=1,
            oname="x" * 100,
            observatory_name="x" * 100,
            site=Site(longitude=third, latitude=third),
            learned=learned,
        ),
        parameters=CalibrationParameters(),
        sha256="a" * 64,
        size_bytes=2**40,
        file_name="x" * 255,
        uploaded_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_the_longest_table_fits_into_an_event() -> None:
    many = [
        {
            "mjd": 61000 + n / 7e3,
            "ra": 359 + n / 3e4,
            "dec": -80 + n / 7e6,
            "distance": d,
        }
        for n, d in zip(range(MOST_ROWS), [1 / 3] * MOST_ROWS, strict=True)
    ]
    given = Ephemeris.model_validate({"observer": "site", "rows": many}).model_dump()
    stored = json.loads(json.dumps(compact_rows(given)))
    table = table_of("site", stored)
    asked = fullest_request(table)
    size = len(asked.model_dump_json().encode())
    assert 0.6 * MAX_EVENT_BYTES < size < MAX_EVENT_BYTES
    assert table.rows[-1].ra == pytest.approx(many[-1]["ra"], abs=1e-9)
    short = summary_of("site", stored)
    assert (short["row_count"], short["has_distance"]) == (MOST_ROWS, True)
    assert short["longest_gap_days"] == pytest.approx(1 / 7e3, abs=2e-9)
