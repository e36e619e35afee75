"""Points of a variable star, as rows and as the columns of a plot."""

import math
import random

from stand_in.records import Json

# The bits of a quality word that a plot shows.
POOR, PROVISIONAL = 1 << 8, 1 << 13


def light_curve(count: int, seed: int = 1) -> list[Json]:
    """Points of a variable star in three bands, with limits and an archive's."""
    chance = random.Random(seed)
    bands = [("r", 0.0), ("g", 0.55), ("V", 0.3), ("G", 0.1)]
    points = []
    for number in range(1, count + 1):
        band, offset = bands[number % 4]
        mjd = 61000.0 + 363.0 * number / count + chance.random() * 0.3
        error = chance.uniform(0.01, 0.07)
        value = 15.4 + offset + 0.45 * math.sin(mjd / 9.7) + chance.gauss(0, error)
        is_limit = number % 23 == 0
        catalogue = "Gaia" if band == "G" else "GaiaSP"
        points.append(
            {
                "point_id": number,
                "revision": 1,
                "source": "frame",
                "facility": "GAIA" if band == "G" else "Siding-Spring_Huntsman",
                "mjd": mjd,
                "bjd_tdb": mjd + 2400000.503,
                "exposure_time": 300.0,
                "quantity": "magnitude",
                "value": None if is_limit else value,
                "error": None if is_limit else error,
                "unit": "mag",
                "system": "AB",
                "passband": f"{catalogue}/{band}",
                "passband_displayed": f"{band}({catalogue})",
                "is_limit": is_limit,
                "limit_3_sigma": 16.9 + offset + chance.gauss(0, 0.1),
                "limit_5_sigma": 16.3 + offset,
                "signal_to_noise": 1.2 if is_limit else 1.0857 / error,
                "flags": 128,
                "flag_texts": ["The stars show another band than the filter card."],
                "hidden": False,
                "hidden_reason": None,
                "hidden_by": None,
                "data_product_id": 101,
                "calibration_id": 501,
                "plane": 0,
                "camera_id": 1,
                "observers": ["Ada Byron"],
                "trace_id": "5f" * 16,
            }
        )
    return points


def columns_of(points: list[Json]) -> Json:
    """The same points as core gives them to a plot."""
    shown = [point for point in points if point["quantity"] == "magnitude"]
    passbands = sorted({point["passband_displayed"] for point in shown})
    facilities = sorted({point["facility"] for point in shown})
    words = sorted({point["flags"] for point in shown})
    texts = {point["flags"]: point["flag_texts"] for point in shown}
    columns: dict[str, list[object]] = {
        "point_id": [point["point_id"] for point in shown],
        "mjd": [point["mjd"] for point in shown],
        "magnitude": [
            point["limit_3_sigma"] if point["is_limit"] else point["value"]
            for point in shown
        ],
        "error": [point["error"] for point in shown],
        "is_limit": [int(point["is_limit"]) for point in shown],
        "hidden": [int(point["hidden"]) for point in shown],
        "passband": [passbands.index(p["passband_displayed"]) for p in shown],
        "facility": [facilities.index(point["facility"]) for point in shown],
        "flags": [words.index(point["flags"]) for point in shown],
    }
    return {
        "point_count": len(shown),
        "not_magnitudes": len(points) - len(shown),
        "passbands": passbands,
        "facilities": facilities,
        "flags": [
            {
                **{"word": word, "texts": texts[word]},
                **{"poor": bool(word & POOR), "provisional": bool(word & PROVISIONAL)},
            }
            for word in words
        ],
        "columns": columns,
    }
