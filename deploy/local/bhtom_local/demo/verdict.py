"""What the demonstration must show, checked against what the suite answered."""

import math
from dataclasses import dataclass
from typing import Any, Final

from bhtom_local.api_client import ApiClient
from bhtom_local.demo.scenes import UploadedFrame

# Errors hold a floor for flat fields and air that a simulated sky does not have, so
# that 0.7 is expected; of 24 points it scatters by 0.3 (twice that is allowed).
_CHI_SQUARE: Final = (0.25, 1.5)


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
    pulls = []
    for frame in frames:
        point = points.get(frame.data_product_id)
        if frame.truth is None or point is None or point["is_limit"]:
            continue
        true_magnitude = frame.truth["variables"][0]["magnitude"]
        pulls.append((point["value"] - true_magnitude) / point["error"])
    if len(pulls) != len(frames):
        text = f"{len(pulls)} of {len(frames)} simulated frames became points"
        return [Check(text, False)]
    chi_square = sum(pull**2 for pull in pulls) / len(pulls)
    worst = max(abs(pull) for pull in pulls)
    return [
        Check(
            f"{len(pulls)} points, reduced chi-square against the truth "
            f"{chi_square:.2f} ({_CHI_SQUARE[0]} to {_CHI_SQUARE[1]})",
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
