"""The stages that need no stars: what the frame is, and when it was taken."""

from dataclasses import replace

from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.frames.binning import other_binning
from bhtom_cpcs.science.frames.detector import read_detector as read_detector_of
from bhtom_cpcs.science.frames.exposure_time import ExposureTime, exposure_time
from bhtom_cpcs.science.frames.frame_hints import (
    difference_hint,
    is_eight_bit,
    is_stretched,
    not_calibrated,
    overscan_mask,
    spectrum_hint,
)
from bhtom_cpcs.science.frames.frame_kind import refuse_calibration_frame
from bhtom_cpcs.science.frames.header_cards import number_of
from bhtom_cpcs.science.frames.observing_site import mirrored, site_of
from bhtom_cpcs.science.frames.sun_and_air import (
    Vector,
    air_mass,
    altitude_deg,
    bjd_tdb,
    hjd_utc,
    mjd_at_telescope,
    sun_altitude_deg,
    unit_vector,
)
from bhtom_cpcs.science.frames.vantage import (
    DARK_SKY_SUN_ALTITUDE_DEG,
    Vantage,
    is_night,
)
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.request import Site
from bhtom_cpcs.science.results.frame import Timing
from bhtom_cpcs.science.stages.plane_state import PlaneState, need
from bhtom_cpcs.science.stop import Stop
from bhtom_cpcs.science.targets.target_position import TargetPlace, place_of

_MOST_SATURATED = 0.2  # of the pixels
_AIR_MASS_TOLERANCE = 0.05  # of the value: start, middle and end differ by as much


def check_kind(state: PlaneState) -> None:
    """Refuse darks, biases, flats and images without any contrast."""
    plane = state.plane
    refuse_calibration_frame(plane.header)
    axes = spectrum_hint(plane.header)
    if axes is not None:
        raise Stop(Outcome.NO_IMAGE, reason=f"its axes are {axes}")
    hint = difference_hint(plane.header)
    if hint is not None:
        raise Stop(Outcome.IS_DIFFERENCE, reason=hint)
    height, width = plane.pixels.shape
    overscan = overscan_mask(plane.header, (height, width))
    if overscan is not None:
        plane.mask = overscan if plane.mask is None else plane.mask | overscan
    raw = not_calibrated(plane.header, overscan is not None)
    if raw is not None:
        state.frame_flags.append(FlagWord.NOT_CALIBRATED)
        state.warnings.append(f"The frame is not calibrated: {raw}.")
    if is_eight_bit(plane):
        state.frame_flags.append(FlagWord.EIGHT_BIT)
    if is_stretched(plane.header):
        state.frame_flags.append(FlagWord.STRETCHED)
    pixels, mask = plane.pixels, plane.mask
    if mask is not None and mask.mean() > 0.98:
        raise Stop(Outcome.EMPTY_IMAGE, reason="nearly all of them are masked")
    low, high = float(pixels.min()), float(pixels.max())
    if not high > low:
        raise Stop(Outcome.EMPTY_IMAGE, reason=f"all of them are {low:g}")


def read_detector(state: PlaneState) -> None:
    """Find out saturation and gain while the sky is still in the pixels."""
    state.detector = detector = read_detector_of(state.plane, state.request.camera)
    remark = other_binning(state.plane.header, state.request.camera)
    if remark is not None:
        state.warnings.append(remark)
    if detector.saturation_adu is not None:
        state.plane.raise_saturated(detector.saturation_adu)
    if detector.saturated_fraction > _MOST_SATURATED:
        raise Stop(
            Outcome.SATURATED_FRAME,
            fraction=detector.saturated_fraction,
            level=(detector.saturation_adu or 0.0) + state.plane.offset_adu,
        )


def read_time(state: PlaneState) -> None:
    """Find the middle of the exposure, and what follows from it at the target."""
    set_time(
        state,
        exposure_time(state.plane.header, state.request.camera, vantage_of(state)),
    )


def vantage_of(state: PlaneState) -> Vantage | None:
    """Where the telescope stands and looks, as the camera and the targets tell it.

    The header's site does not count here: its longitude may be as doubtful as its time.
    """
    site = state.request.site
    if site is None:
        return None

    def direction(mjd: float) -> Vector | None:
        known = (at for at in _places(state, mjd, site) if at.problem is None)
        place = next(known, None)
        return None if place is None else unit_vector(place.ra_deg, place.dec_deg)

    return Vantage(site, direction)


def set_time(state: PlaneState, found: ExposureTime) -> None:
    """Keep the time, and find where targets, Sun and horizon are then."""
    state.warnings.extend(found.remarks)
    state.timing = Timing(
        mid_exposure_mjd_utc=found.mid_mjd_utc,
        bjd_tdb=None,
        exposure_time_s=found.exposure_s,
        time_as_reported=found.as_reported,
        time_card=found.card,
        time_scale=found.scale,
        flags=found.flags,
        n_exposures=found.n_exposures,
    )
    state.places = _places(state, found.mid_mjd_utc, state.request.site)
    known = next((place for place in state.places if place.problem is None), None)
    if known is not None:
        _find_circumstances(
            state, unit_vector(known.ra_deg, known.dec_deg), found.light_time
        )
    elif found.light_time is not None:
        flags = dict.fromkeys((*found.flags, FlagWord.TIME_UNCERTAIN))
        state.timing = replace(state.timing, flags=tuple(flags))
        state.warnings.append(
            f"{found.card} is counted at the Sun or the barycentre; without a target's "
            "position its light time, up to 8.5 min, stays in it."
        )


def _places(
    state: PlaneState, mjd: float, site: Site | None
) -> tuple[TargetPlace, ...]:
    """Where the targets are at a time, seen from a site."""
    request = state.request
    return tuple(
        place_of(target, mjd, site, request.decisions) for target in request.targets
    )


def _find_circumstances(
    state: PlaneState, direction: Vector, light_time: str | None
) -> None:
    """Helio- and barycentric time, air mass and the Sun's height at a direction."""
    timing = need(state.timing, "read_time")
    mjd = timing.mid_exposure_mjd_utc
    site, source = _site(state, mjd, direction)
    flags = list(timing.flags)
    if light_time is not None:
        mjd = mjd_at_telescope(mjd, light_time, direction, site)
    if light_time is not None or source == "header":
        state.places = _places(state, mjd, site)
    mass = sun = None
    if site is None:
        flags.append(FlagWord.SITE_UNKNOWN)
        mass = number_of(state.plane.header, "AIRMASS")
    else:
        altitude = altitude_deg(mjd, direction, site)
        mass, sun = air_mass(altitude), sun_altitude_deg(mjd, site)
        if altitude < 0 or sun > DARK_SKY_SUN_ALTITUDE_DEG:
            flags.append(FlagWord.TIME_OR_SITE_IMPLAUSIBLE)
        _compare_air_mass(state, mass)
    state.timing = replace(
        timing,
        mid_exposure_mjd_utc=mjd,
        bjd_tdb=bjd_tdb(mjd, direction, site),
        hjd_utc=hjd_utc(mjd, direction, site),
        air_mass=mass if mass is None or mass >= 1 else None,
        sun_altitude_deg=sun,
        site_source=source,
        flags=tuple(flags),
    )


def _site(
    state: PlaneState, mjd: float, direction: Vector
) -> tuple[Site | None, str | None]:
    """The camera's site, else the header's, and which of them it is.

    Headers count longitudes both ways: where the header's place has no night at the
    time and the place mirrored has one, the mirrored one is meant.
    """
    if state.request.site is not None:
        return state.request.site, "camera"
    site = site_of(state.plane.header)
    if site is None:
        return None, None
    other = mirrored(site)
    if not is_night(mjd, direction, site) and is_night(mjd, direction, other):
        state.warnings.append(
            f"The header's longitude {site.longitude_deg:g} deg was counted westward: "
            "eastward it would be day."
        )
        site = other
    return site, "header"


def _compare_air_mass(state: PlaneState, mass: float | None) -> None:
    """Say so when the header's air mass is another: site, time or target are wrong."""
    said = number_of(state.plane.header, "AIRMASS")
    if said is None or said < 1 or mass is None:
        return
    hours = need(state.timing, "read_time").exposure_time_s / 3600
    if abs(said - mass) > (_AIR_MASS_TOLERANCE + 0.2 * hours) * mass**2:
        state.warnings.append(
            f"The header's AIRMASS is {said:.2f}; time, site and target give "
            f"{mass:.2f}, which counts."
        )
