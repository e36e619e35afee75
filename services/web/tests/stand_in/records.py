"""Records of core and upload as their APIs show them."""

from typing import Any

Json = dict[str, Any]
ADA = "a" * 40
ROOT = "b" * 40
HOSTILE = '<script>alert("x")</script>&\'"{{7*7}}'
TIME = "2026-11-20T21:14:03.512000+00:00"


def target(number: int, name: str, ra: float, dec: float, **more: Any) -> Json:
    """A target as core shows it."""
    return {
        "target_id": number,
        "name": name,
        "aliases": [],
        "position_kind": "sidereal",
        "position_version": 1,
        "ra": ra,
        "dec": dec,
        "epoch": 2016.0,
        "pm_ra": -4.21,
        "pm_dec": 7.03,
        "parallax": None,
        "position_error": None,
        "elements": None,
        "ephemeris": None,
        "classification": "Variable star-other",
        "description": "Watched since the outburst of 2021.",
        "importance": 9.98,
        "cadence": 1.0,
        "owner_id": 7,
        "owner": "ada",
        "visibility": "public",
        "archives_allowed": True,
        "created_at": TIME,
        "modified_at": TIME,
        "version": 3,
        "light_curve": {
            "version": 12,
            "point_count": 142,
            "last_mjd": 61363.884,
            "last_magnitude": 15.382,
            "last_passband": "r(GaiaSP)",
        },
        **more,
    }


def camera(number: int, name: str, approval: str, **more: Any) -> Json:
    """A camera as core shows it."""
    return {
        "camera_id": number,
        "oname": f"Siding-Spring_{name}",
        "observatory_id": 1,
        "observatory_name": "Siding-Spring",
        "camera_name": name,
        "camera_version": 1,
        "gain": 1.25,
        "readout_noise": 3.1,
        "saturation_level": 60000.0,
        "pixel_scale": 1.24,
        "binning": None,
        "date_keyword": "DATE-OBS",
        "time_keyword": "TIME-OBS",
        "exposure_time_keyword": "EXPTIME",
        "filter_keyword": "FILTER",
        "approval": approval,
        "active": approval == "approved",
        "follows_rule": True,
        "owner_id": 7,
        "owner": "ada",
        "created_at": TIME,
        "modified_at": TIME,
        **more,
    }


def product(number: int, state: str, message: str, **more: Any) -> Json:
    """A data product as upload shows it."""
    return {
        "data_product_id": number,
        "kind": "fits",
        "state": state,
        "outcome": None,
        "message": message,
        "advice": None,
        "retryable": state == "failed",
        "file_name": f"ngc1566_{number:04d}.fits",
        "size_bytes": 2_567_520,
        "sha256": "4d46537cdbe83c4b13e32328b00b6275f38d8f51374bb75fdd8e06bcda544e1a",
        "target_id": 1,
        "target_name": "NGC 1566",
        "camera_id": 1,
        "oname": "Siding-Spring_Huntsman",
        "owner_id": 7,
        "owner": "ada",
        "observers": ["Ada Byron"],
        "dry_run": False,
        "batch": "web-0123456789ab",
        "comment": "",
        "requested_filter": "GaiaSP/any",
        "visibility": "public",
        "created_at": TIME,
        "modified_at": TIME,
        "trace_id": "5f" * 16,
        "stages": [
            {"stage": "received", "state": "done", "message": "2.6 MB", "at": TIME},
            {"stage": "calibrating", "state": state, "message": message, "at": TIME},
        ],
        "planes": [],
        "links": {},
        **more,
    }
