"""Which of the camera's flat-field maps is of a frame, and whether one was used."""

from bhtom_cpcs.science.frames.binning import binning_of
from bhtom_cpcs.science.learned_camera import LearnedFlat
from bhtom_cpcs.science.stages.plane_state import PlaneState


def flats_of_image(state: PlaneState) -> tuple[LearnedFlat, ...]:
    """The flat-field maps that the camera's version has of this image."""
    if not state.has_pixels:
        return ()
    plane, binning = state.plane, binning_of(state.plane.header)
    height, width = plane.pixels.shape
    what = plane.image, plane.colour or "", None if binning is None else binning.text
    flats = state.request.camera.learned.flats
    return tuple(one for one in flats if one.is_of(*what, (height, width)))


def say_if_not_flat(state: PlaneState) -> None:
    """Say where the camera's version has flat-field maps and none is of this frame."""
    learned, zero_point = state.request.camera.learned, state.zero_point
    if not state.has_pixels or zero_point is None or zero_point.flat_term is not None:
        return
    if learned.flats:
        state.warnings.append(
            f"None of the camera's {len(learned.flats)} flat-field maps is of "
            f"{zero_point.passband_text} in this image at this size and binning: none "
            "was taken out."
        )
    elif learned.has_mixed_flat:
        state.warnings.append(
            "The camera's version has a flat-field map of all bands and images "
            "together, which is not taken out: its report card offers one of each."
        )
