"""What the demonstration must show, checked against what the suite answered."""

import math
from dataclasses import dataclass
from typing import Any, Final

from bhtom_local.api_client import ApiClient
from bhtom_local.demo.scenes import UploadedFrame

# By the terms of the errors that a simulated sky realises: it has no flat field and no
# air, which the floor is for, and its camera's band is the catalogue's, which leaves
# nothing to a colour. Of 24 points it scatters by 0.3 (twice that is allowed).
_CHI_SQUARE: Final = (0.35, 1.6)
_NOT_REALISED: Final = ("floor", "colour")


@dataclass(frozen=True)
class Check:
    """One claim of the demonstration."""

    text: str
    holds: bool


def real_frame_checks(product: Any, calibration: Any) -> list[Check]:
    """The real frame: enough stars, small scatter, the band and its disagreement."""
    if product["state"] != "done":
        return [
            Check(f"The real frame was not calibrated: {product['message']}", False)
        ]
    result = calibration["result"]
    zero_point, card = result["zero_point"], result["filter"]
    return [
        Check(
            f"zero point {zero_point['value']:.3f} +- {zero_point['error']:.3f} mag "
            f"from {zero_point['n_matched']} matched stars (at least 40)",
            zero_point["n_matched"] >= 40,
        ),
        Check(
            f"robust scatter {zero_point['scatter']:.3f} mag (at most 0.05)",
            zero_point["scatter"] <= 0.05,
        ),
        Check(
            f"chosen band {zero_point['passband']}; FILTER says '{card['card']}', "
            f"which {'disagrees' if card['disagrees'] else 'agrees'}",
            zero_point["passband"] == "GaiaSP/r" and card["disagrees"] is True,
        ),
    ]


def variable_star_checks(
    client: ApiClient, target_id: int, frames: list[UploadedFrame]
) -> list[Check]:
    """The simulated night: the light curve against its truth."""
    points = {
        point["data_product_id"]: point
        for point in client.get(f"/api/v1/targets/{target_id}/light-curve")["points"]
    }
    pulls, realised = [], []
    for frame in frames:
        point = points.get(frame.data_product_id)
        if frame.truth is None or point is None or point["is_limit"]:
            continue
        true_magnitude = frame.truth["variables"][0]["magnitude"]
        off = point["value"] - true_magnitude
        pulls.append(off / point["error"])
        realised.append(off / _realised_error(client, point))
    if len(pulls) != len(frames):
        text = f"{len(pulls)} of {len(frames)} simulated frames became points"
        return [Check(text, False)]
    chi_square = sum(pull**2 for pull in realised) / len(realised)
    whole = sum(pull**2 for pull in pulls) / len(pulls)
    worst = max(abs(pull) for pull in pulls)
    return [
        Check(
            f"{len(pulls)} points, reduced chi-square against the truth "
            f"{chi_square:.2f} ({_CHI_SQUARE[0]} to {_CHI_SQUARE[1]}) by the errors "
            f"that a simulated sky realises, {whole:.2f} by the whole ones",
            _CHI_SQUARE[0] <= chi_square <= _CHI_SQUARE[1],
        ),
        Check(f"worst point off by {worst:.1f} sigma (at most 5)", worst <= 5),
        Check(
            "every point names its frame and calibration",
            all(
                points[frame.data_product_id]["calibration_id"] is not None
                and math.isfinite(points[frame.data_product_id]["mjd"])
                for frame in frames
            ),
        ),
    ]


def _realised_error(client: ApiClient, point: Any) -> float:
    """A point's error without the terms that a simulated sky has no cause for."""
    details = client.get(f"/api/v1/points/{point['point_id']}")
    budget = details["error_budget"]
    without = sum(float(budget.get(name) or 0.0) ** 2 for name in _NOT_REALISED)
    return math.sqrt(max(float(point["error"]) ** 2 - without, 1e-12))
