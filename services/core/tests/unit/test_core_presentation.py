"""Light curves as JSON and CSV."""

import csv
import io
from typing import Any

import orjson

from bhtom_contracts.flags import PointFlag
from bhtom_core.light_curves.plot_columns import light_curve_columns
from bhtom_core.light_curves.presentation import (
    CSV_COLUMNS,
    light_curve_csv,
    light_curve_json,
    light_curve_lines,
)
from bhtom_core.light_curves.reading import PLOT_FIELDS, POINT_FIELDS
from bhtom_core.light_curves.schemas import (
    LightCurve,
    LightCurveColumns,
    PlotColumns,
    Point,
)

DETECTION: dict[str, Any] = {
    "point_id": 1, "revision": 2, "source": "frame", "facility": "ROAD_QHY600M",
    "mjd": 60000.123456789, "bjd_tdb": 60000.5, "exposure_time": 30.0,
    "quantity": "magnitude", "value": 17.25, "error": 0.02, "unit": "mag",
    "system": "AB", "passband": "GaiaSP/r", "is_limit": False,
    "limit_3_sigma": 20.1, "limit_5_sigma": 19.5, "limit_sigma": None,
    "signal_to_noise": 54.0, "flux": 1000.0, "flux_error": 18.5,
    "flags": int(PointFlag.SATURATED), "difference": False, "hidden": False,
    "hidden_reason": "once hidden", "hidden_by": None, "data_product_id": 7,
    "calibration_id": 8, "plane": 0, "camera_id": 3, "observers": ["=cmd", "Ada"],
    "owner_id": 5, "trace_id": "0" * 32,
}  # fmt: skip
LIMIT = DETECTION | {
    "point_id": 2, "is_limit": True, "value": 20.1, "error": None,
    "limit_sigma": 3.0, "flux": -3.0, "observers": [], "flags": 0,
}  # fmt: skip


HEAD: dict[str, Any] = {
    **{"target_id": 1, "name": "a star", "version": 3},
    **{"left_out": {"hidden": 0, "poor": 2}},
}


def as_row(point: dict[str, Any]) -> Any:
    return tuple(point[name] for name in POINT_FIELDS)


def plotted(**changes: Any) -> Any:
    point = DETECTION | changes
    return tuple(point[name] for name in PLOT_FIELDS)


async def test_columns_are_what_the_document_says() -> None:
    provisional = int(PointFlag.PASSBAND_PROVISIONAL)
    rows = [
        plotted(mjd=60000.123456789, error=0.021549),
        plotted(**LIMIT | {"limit_3_sigma": 20.15}),
        plotted(point_id=3, passband="ZTF(r)", facility="", flags=provisional),
        plotted(point_id=4, quantity="flux"),
        plotted(point_id=5, value=None),
    ]
    found = LightCurveColumns.model_validate_json(
        await light_curve_columns(HEAD, rows), strict=True
    )
    columns = found.columns
    assert set(type(columns).model_fields) == set(PlotColumns.model_fields)
    assert columns.point_id == [1, 2, 3]
    assert columns.mjd == [60000.1234568, 60000.1234568, 60000.1234568]
    assert columns.magnitude == [17.25, 20.15, 17.25]
    assert columns.error == [0.0215, None, 0.02]
    assert columns.is_limit == [0, 1, 0]
    assert [found.passbands[place] for place in columns.passband] == [
        *("r(GaiaSP)", "r(GaiaSP)", "ZTF(r)"),
    ]
    assert [found.facilities[place] for place in columns.facility] == [
        *("ROAD_QHY600M", "ROAD_QHY600M", "frame"),
    ]
    assert [found.flags[place].word for place in columns.flags] == [
        *(int(PointFlag.SATURATED), 0, provisional),
    ]
    assert [one.provisional for one in found.flags] == [False, False, True]
    assert (found.point_count, found.not_magnitudes) == (3, 2)
    assert found.left_out.poor == 2


async def test_columns_of_very_many_points_are_whole() -> None:
    rows = [plotted(point_id=number) for number in range(45_000)]
    found = orjson.loads(await light_curve_columns(HEAD, rows))["columns"]
    assert found["point_id"] == list(range(45_000))
    assert {len(column) for column in found.values()} == {45_000}


async def test_columns_of_no_points_are_empty() -> None:
    found = orjson.loads(await light_curve_columns(HEAD, []))
    assert set(map(len, found["columns"].values())) == {0}
    assert found["passbands"] == []


async def test_lines_are_the_points_of_the_json() -> None:
    rows = [as_row(DETECTION | {"point_id": number}) for number in range(2500)]
    written = b"".join([piece async for piece in light_curve_lines(rows)])
    whole = orjson.loads(await light_curve_json(HEAD, rows))
    lines = written.splitlines()
    assert [orjson.loads(line) for line in lines] == whole["points"]


async def test_json_is_what_the_document_says() -> None:
    head = HEAD | {"name": 'a "star"'}
    rows = [as_row(DETECTION), as_row(LIMIT)]
    body = orjson.loads(await light_curve_json(head, rows))
    assert LightCurve.model_validate(body, strict=True).name == 'a "star"'
    assert set(body["points"][0]) == set(Point.model_fields)
    first = body["points"][0]
    assert first["passband_displayed"] == "r(GaiaSP)"
    assert len(first["flag_texts"]) == 1
    assert first["hidden_reason"] is None
    assert first["mjd"] == DETECTION["mjd"]


async def test_many_points_are_all_there() -> None:
    rows = [as_row(DETECTION | {"point_id": number}) for number in range(4500)]
    body = orjson.loads(await light_curve_json({"target_id": 1}, rows))
    assert [point["point_id"] for point in body["points"]] == list(range(4500))


async def test_no_points() -> None:
    assert orjson.loads(await light_curve_json({"name": "x"}, [])) == {
        "name": "x",
        "points": [],
    }


async def test_csv() -> None:
    text = (await light_curve_csv([as_row(DETECTION), as_row(LIMIT)])).decode()
    detection, limit = csv.DictReader(io.StringIO(text))
    assert tuple(detection) == CSV_COLUMNS
    assert CSV_COLUMNS[:14] == (
        "point_id", "mjd", "bjd_tdb", "magnitude", "error", "limit", "passband",
        "facility", "observers", "source", "flags", "flux", "flux_error", "revision",
    )  # fmt: skip
    assert float(detection["mjd"]) == DETECTION["mjd"]
    assert (detection["magnitude"], detection["limit"]) == ("17.25", "")
    assert (limit["magnitude"], limit["limit"]) == ("", "20.1")
    assert limit["error"] == ""
    # A spreadsheet must not run what somebody calls himself.
    assert detection["observers"] == "'=cmd; Ada"
    assert detection["passband"] == "r(GaiaSP)"
