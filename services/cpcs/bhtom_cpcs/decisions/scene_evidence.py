"""What a calibrated plane tells of its targets' neighbours."""

from collections.abc import Iterator
from typing import Any, Final

from bhtom_cpcs.decisions.evidence import Origin, Plain
from bhtom_cpcs.science.calibration.settlement import observing_night

# Among the stars that a frame shows: the light about the target that is no star's.
ABOUT: Final = "light_about"
# Words that say that light beside a target may be something else than a star.
_SPOILT: Final = frozenset(
    {
        "light_beside_position",
        "saturated",
        "saturated_neighbour",
        "near_edge",
        "masked_pixels",
        "cosmic_ray",
        "moved_during_exposure",
        "drawn_out",
        "stretched",
        "eight_bit",
        "not_calibrated",
    }
)


def _may_teach(shown: Plain) -> bool:
    """Whether a decision may come of it: of a star, of light beyond the noise."""
    if shown.get("kind") != ABOUT:
        return True
    return bool(shown["said"]) or sum(shown["sectors"]) > shown["error"]


def scene_rows(origin: Origin, plane: Plain) -> Iterator[dict[str, Any]]:
    """The rows of a plane about its targets' neighbours; bodies that move have none.

    A frame that shows nothing beside the target tells something too. One that is not
    good enough takes the place of what the plane said before.
    """
    request = origin.request
    if request.target.position.kind != "sidereal":
        return
    timing, fitted = plane["timing"], plane["zero_point"]
    fwhm_px = (plane.get("quality") or {}).get("fwhm_px")
    scale = (plane.get("wcs") or {}).get("pixel_scale_arcsec")
    wide = fwhm_px * scale if fwhm_px and scale else None
    spoilt = _SPOILT & {*(plane.get("flags") or ()), *timing["flags"]}
    for measured in plane.get("measurements") or ():
        version, depth = measured.get("scene_version", 0), measured.get("limit_5sigma")
        about = measured.get("light_about")
        tells = (
            (bool(measured.get("is_resolved")) or about is not None)
            and version > 0
            and wide is not None
            and depth is not None
            and not spoilt
            and not _SPOILT & set(measured["flags"])
        )
        shown = list(measured.get("stars_beside") or ())
        if about is not None:
            shown.append({"kind": ABOUT, **about})
        yield origin.columns(plane) | {
            "target_id": measured["target_id"],
            "night": observing_night(
                timing["mid_exposure_mjd_utc"], request.camera.site.longitude
            ),
            "passband": fitted["passband"],
            "scene_version": version,
            "tells": tells,
            "fwhm_arcsec": wide,
            "depth": depth,
            "stars": shown if tells else [],
            "considered": not (tells and any(map(_may_teach, shown))),
        }
