"""What cpcs shows: a calibration, and a camera's report card."""

from stand_in.records import TIME, Json, product

MOSAIC = 105
BESIDE = "The target is outside the frame."

RESULT: Json = {
    "provenance": {
        "software_version": "0.1.0",
        "method": "forced_aperture",
        "catalogue_name": "GaiaSP",
        "catalogue_release": "DR3",
    },
    "timing": {"air_mass": 1.23, "sun_altitude_deg": -34.2},
    "filter": {
        "card": "g_band",
        "card_band": "g",
        "disagrees": True,
        "sentence": "The header says g_band, but the stars show r.",
    },
    "wcs": {
        "pixel_scale_arcsec": 1.239,
        "width_px": 800,
        "height_px": 800,
        "offset_arcsec": 1.83,
        "rms_arcsec": 0.21,
    },
    "quality": {
        "fwhm_px": 1.84,
        "fwhm_arcsec": 2.28,
        "ellipticity": 0.07,
        "background_adu": 311.4,
        "background_rms_adu": 7.92,
        "n_sources": 412,
        "gain_e_per_adu": 1.25,
    },
    "zero_point": {
        "passband": "r",
        "passband_text": "r(GaiaSP)",
        "value": 27.3121,
        "error": 0.0042,
        "scatter": 0.0313,
        "n_stars": 61,
        "n_matched": 66,
        "outlier_fraction": 0.076,
        "ranking": [
            {
                "passband": "r",
                "chosen": True,
                "reason": "least scatter",
                "n_stars": 61,
                "scatter_mag": 0.0313,
            },
            {
                "passband": "g",
                "chosen": False,
                "reason": "more scatter",
                "n_stars": 60,
                "scatter_mag": 0.182,
            },
        ],
    },
    "warnings": [],
}


def calibration() -> Json:
    """A calibration as cpcs shows it."""
    return {
        "calibration_id": 501,
        "calibration_request_id": "0190",
        "data_product_id": 101,
        "plane": 0,
        "plane_count": 1,
        "purpose": "record",
        "outcome": "calibrated",
        "message": "Calibrated to r(GaiaSP): 15.382 ± 0.021, 61 stars.",
        "finished_at": TIME,
        "reduction_time": 0.41,
        "has_plot": True,
        "result": RESULT,
        "links": {
            "plot": "https://elsewhere.example/plot.png",
            "details": "https://elsewhere.example/details.svg",
            "explanation": None,
        },
    }


def previewed() -> list[Json]:
    """A calibration, and what came of looking whether another would be better."""
    newer = {"calibration_id": 511, "request_order": 9, "purpose": "preview"}
    return [{**calibration(), **newer}, calibration()]


def chips() -> list[Json]:
    """The calibrations of a mosaic's chips, the newest first, as cpcs lists them."""
    beside = {"outcome": "target_outside_frame", "message": BESIDE}
    same = {**calibration(), "data_product_id": MOSAIC, "plane_count": 3}
    return [
        {**same, "calibration_id": 503, "plane": 2, **beside},
        {**same, "calibration_id": 502, "plane": 1},
        {**same, "calibration_id": 501, "plane": 0, **beside},
    ]


def mosaic() -> Json:
    """An upload of three chips; the middle one holds the target."""
    answers = sorted(chips(), key=lambda item: item["plane"])
    names = ("plane", "outcome", "message", "calibration_id")
    planes = [
        {**{name: item[name] for name in names}, "point_ids": []} for item in answers
    ]
    return product(MOSAIC, "done", "15.382.", planes=planes, target_plane=1)


def camera_report() -> Json:
    """A camera's report card as cpcs gives it."""
    figure = {
        "name": "gain",
        "unit": "electron/adu",
        "stated": 1.25,
        "measured": 1.61,
        "error": 0.02,
        "frames": 40,
        "sentence": "The camera's row says 1.25; 40 frames disagree.",
    }
    flat = {
        "passband": "GaiaSP/r",
        "image": "",
        "colour": "",
        "width": 800,
        "height": 800,
        "columns": 2,
        "rows": 2,
        "residuals": [None, 0.013, -0.004, 0.002],
        "errors": [None, 0.002, 0.002, 0.002],
        "stars": 290,
        "frames": 22,
    }
    chip = {"image": "2 N2", "colour": "G", "residuals": [0.021, None, None, -0.007]}
    return {
        "camera_id": 1,
        "oname": "Siding-Spring_Huntsman",
        "camera_version": 1,
        "planes": 42,
        "nights": 6,
        "first_mjd": 61300.1,
        "last_mjd": 61310.2,
        "outcomes": {"calibrated": 40, "too_few_stars": 2},
        "figures": [figure],
        "colour_terms": [
            {
                "passband": "GaiaSP/r",
                "colour": "g - r",
                "slope": -0.041,
                "slope_error": 0.004,
                "frames": 40,
            }
        ],
        "limits": [
            {
                "passband": "GaiaSP/r",
                "exposure_time": 60.0,
                "limit_5_sigma": 18.9,
                "frames": 40,
            }
        ],
        "flat_maps": [flat, flat | {"passband": "GaiaSP/g"} | chip],
        "binning": "2x2",
        "other_binnings": {"1x1": 6, "not told": 1},
        "not_yet": ["Shutter time: nights with exposures of different length."],
        "proposal": {
            "changes": {"gain": 1.61, "learned": {"last_mjd": 61310.2}},
            "sentences": [figure["sentence"]],
            "digest": "5eed5eed5eed5eed",
        },
    }
