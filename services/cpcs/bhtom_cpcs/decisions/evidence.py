"""What a calibrated plane tells about its camera's filter and about its targets.

Works on the reduction's plain JSON form; whatever is missing there is no evidence.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bhtom_contracts.events.frames import FitsUploaded
from bhtom_contracts.passbands import canonical_request
from bhtom_cpcs.decisions.pinned import scene_of
from bhtom_cpcs.science.calibration.filter_cards import names_a_filter
from bhtom_cpcs.science.calibration.settlement import observing_night
from bhtom_cpcs.science.decisions import Scene

Plain = Mapping[str, Any]

_POSITION_SIGNAL_TO_NOISE: Final = 20.0
_LENT_ERROR_MAG: Final = 0.05
_LENT_SCATTER_MAG: Final = 0.15
# Longer than any card of one line; an index takes no text of any length.
_LONGEST_CARD: Final = 80
# A colour of worse magnitudes would correct nothing.
_COLOUR_ERROR_MAG: Final = 0.1
# Words that do not speak against a magnitude, in a colour of one night. What a colour
# term leaves open without a colour is in the magnitude's error.
_MAGNITUDE_STANDS: Final = frozenset(
    {
        "colour_assumed",
        "noise_empirical",
        "time_uncertain",
        "date_obs_taken_as_start",
        "exposure_time_unknown",
        "time_cards_disagree",
        "time_scale_unknown",
        "time_converted",
        "site_unknown",
    }
)
# Nor against a position, which needs neither a zero point nor a passband.
_POSITION_STANDS: Final = _MAGNITUDE_STANDS | {
    "few_reference_stars",
    "filter_disagrees",
    "outside_stars_hull",
    "passband_provisional",
    "poor_zero_point",
    "unverified_reference",
    "non_standard_passband",
    "borrowed_zero_point",
    "transformed_reference",
    "colour_extrapolated",
}
_FITTED: Final = (
    "fitted_ra_deg",
    "fitted_dec_deg",
    "fitted_ra_error_arcsec",
    "fitted_dec_error_arcsec",
)


@dataclass(frozen=True, slots=True)
class Origin:
    """The calibration that evidence comes from."""

    request: FitsUploaded
    calibration_id: int
    # Of all images of the file together; None where none tells.
    field_radius_deg: float | None = None

    def columns(self, plane: Plain) -> dict[str, Any]:
        """What every row of evidence says of where it comes from."""
        return {
            "data_product_id": self.request.data_product_id,
            "plane": plane["plane"],
            "request_order": self.request.request_order,
            "calibration_id": self.calibration_id,
            "camera_id": self.request.camera.camera_id,
            "owner_id": self.request.owner_id,
            "visibility": self.request.visibility,
            "embargo_until": self.request.embargo_until,
            "mid_exposure_mjd": plane["timing"]["mid_exposure_mjd_utc"],
        }


def tells(plane: Plain) -> bool:
    """Whether a plane was calibrated by its own stars."""
    fitted = plane.get("zero_point")
    own = fitted is not None and fitted.get("source", "") != "borrowed"
    return own and plane.get("timing") is not None


def frame_row(origin: Origin, plane: Plain) -> dict[str, Any]:
    """The row of a plane about its camera, filter and night."""
    fitted, timing = plane["zero_point"], plane["timing"]
    declared = origin.request.parameters.requested_filter
    card = ((plane.get("filter") or {}).get("card") or "")[:_LONGEST_CARD]
    good = (
        # A catalogue's zero point belongs to the program that wrote its fluxes.
        origin.request.kind == "fits_file"
        # Chips differ; what is lent is of the chip that targets are put on.
        and plane.get("outcome") != "target_outside_frame"
        # A blank or generic card may stand for any filter.
        and names_a_filter(card)
        and not _is_of_a_colour_camera(plane)
        and fitted.get("source", "native") == "native"
        and fitted["error"] <= _LENT_ERROR_MAG
        and fitted["scatter"] <= _LENT_SCATTER_MAG
        and not fitted.get("unverified_used")
        # A band that was forced against the stars is no other frame's.
        and not (plane.get("filter") or {}).get("contradicted")
    )
    longitude = origin.request.camera.site.longitude
    return origin.columns(plane) | {
        "target_id": origin.request.target.target_id,
        "filter_card": card,
        "declared_filter": declared,
        "night": observing_night(timing["mid_exposure_mjd_utc"], longitude),
        # A band that was the only one asked for says nothing of what the card means,
        # nor do stars whose zero point is too poor to be shown.
        "shown_bands": []
        if asks_one_band(declared) or "poor_zero_point" in (fitted.get("flags") or ())
        else list(shown_bands(plane)),
        "passband": fitted["passband"],
        "zero_point": fitted["value"],
        "zero_point_error": fitted["error"],
        "exposure_time_s": timing["exposure_time_s"],
        "air_mass": timing.get("air_mass"),
        "lends_zero_point": good,
        "field_radius_deg": origin.field_radius_deg,
    }


def asks_one_band(requested_filter: str) -> bool:
    """Whether a request names the one band that its frames are calibrated to."""
    band = canonical_request(requested_filter).rpartition("/")[2]
    return band not in ("", "any", "ugriz", "UBVRI")


def shown_bands(plane: Plain) -> tuple[str, ...]:
    """The bands that the plane's stars do not tell apart, the best first.

    None of a colour camera's planes, which share a card and show a band each.
    """
    if _is_of_a_colour_camera(plane):
        return ()
    return tuple((plane.get("filter") or {}).get("shown") or ())


def _is_of_a_colour_camera(plane: Plain) -> bool:
    return (plane.get("filter") or {}).get("plane_colour") is not None


def target_rows(origin: Origin, plane: Plain) -> Iterator[dict[str, Any]]:
    """The rows of a plane about its targets: where they are and how bright.

    One that was not found says nothing, in the place of what was said before.
    """
    request = origin.request
    moves = request.target.position.kind != "sidereal"
    of_plane = {
        *plane["timing"]["flags"],
        *(plane["zero_point"].get("flags") or ()),
        *(plane.get("flags") or ()),
    }
    for measured in plane.get("measurements") or ():
        words = {*measured["flags"], *of_plane}
        signal_to_noise = measured.get("signal_to_noise") or 0.0
        fitted = [measured.get(name) for name in _FITTED]
        placed = (
            not moves
            and words <= _POSITION_STANDS
            and signal_to_noise > _POSITION_SIGNAL_TO_NOISE
            and None not in fitted
            and min(fitted[2:]) > 0
        )
        error = measured.get("magnitude_error")
        bright = (
            words <= _MAGNITUDE_STANDS
            and error is not None
            and error <= _COLOUR_ERROR_MAG
        )
        ra, dec, ra_error, dec_error = fitted if placed else (None,) * 4
        yield origin.columns(plane) | {
            "target_id": measured["target_id"],
            "passband": plane["zero_point"]["passband"],
            "magnitude": measured["magnitude"] if bright else None,
            "magnitude_error": error if bright else None,
            "ra": ra,
            "dec": dec,
            "ra_error_arcsec": ra_error,
            "dec_error_arcsec": dec_error,
        }


def catalogue_pin(origin: Origin, plane: Plain) -> dict[str, Any]:
    """The release that a plane's passband was calibrated with."""
    source = plane["provenance"]
    return {
        "target_id": origin.request.target.target_id,
        "camera_id": origin.request.camera.camera_id,
        "catalogue": source["catalogue_name"],
        "passband": plane["zero_point"]["passband"],
        "release": source["catalogue_release"],
        "calibration_id": origin.calibration_id,
    }


def proposed_scenes(plane: Plain) -> Iterator[Scene]:
    """The scenes that a plane proposes for targets that had none."""
    for measured in plane.get("measurements") or ():
        proposed = measured.get("proposed_scene")
        if proposed is not None:
            yield scene_of(proposed)
