"""The gain that a frame's pixels have: stated, or told by the noise of its sky."""

from dataclasses import dataclass, replace
from math import log, sqrt

from astropy.io import fits

from bhtom_cpcs.science.frames.exposure_length import n_exposures, stated_exposure_s
from bhtom_cpcs.science.frames.header_cards import number_of, text_of
from bhtom_cpcs.science.frames.photon_transfer import SkyTransfer
from bhtom_cpcs.science.frames.planes import Plane
from bhtom_cpcs.science.frames.stated_gains import (
    GainSource,
    StatedGain,
    stated_gains,
)
from bhtom_cpcs.science.frames.stated_limits import PER_SECOND
from bhtom_cpcs.science.request import CameraSettings

_MUCH_READ_NOISE_E, _SETTING_OVER_GAIN, _SKY_SIGMA = 15.0, 2.0, 5.0
# The stars' noise must tell a gain so well, and then be so near to it, to decide.
# A gain that the sky agrees with may be farther off: some coincidence is less likely.
_LARGEST_ERROR, _NEAR_THE_STARS, _AGREED = 0.3, 0.5, 0.4
_LITTLE_MISFIT, _EXCLUDED_SIGMA = 0.03, 4.0
_PLAINLY_NEARER = 0.5  # as ln
# Two gains that differ by less are one; where the sky's variance is below this part of
# what a gain allows, frames were averaged, divided or resampled.
_ALIKE = 0.6


@dataclass(frozen=True, slots=True)
class Gain:
    """A gain [e-/ADU] and where it comes from."""

    value: float
    source: GainSource

    @property
    def is_stated(self) -> bool:
        """Whether somebody says so, and it was not measured in the frame."""
        return self.source in ("camera", "header")


@dataclass(frozen=True, slots=True)
class StarsGain:
    """The gain by the noise of stars' light [e-/ADU], its 1 sigma error.

    `misfit` is what the model of a star is wrong by, as a part of its light.
    """

    value: float
    error: float
    misfit: float

    def tells(self, taken: float) -> bool:
        """Whether it is exact, or excludes as much noise as another gain would make."""
        slope_error = self.error / self.value**2
        excluded = 1 / taken - 1 / self.value > _EXCLUDED_SIGMA * slope_error
        return excluded or self.error < _LARGEST_ERROR * self.value


@dataclass(frozen=True, slots=True)
class GainEvidence:
    """What is to be taken for the gain, and what speaks against it.

    `gain` is the one for these pixels by all that the sky tells; `rivals` are others
    that it may be. `is_sure` where the sky agrees with what is stated: then no star
    needs to be asked. `stated` is the gain that is stated for the frame, whether or
    not it is believed; None where nobody states any.
    """

    gain: Gain
    stated: float | None
    is_sure: bool = False
    rivals: tuple[Gain, ...] = ()
    near: float = _NEAR_THE_STARS


def weigh_gain(
    plane: Plane,
    camera: CameraSettings,
    sky: SkyTransfer | None,
    read_noise_e: float | None,
) -> GainEvidence:
    """Weigh the gains that are stated against the sky's noise.

    Parameters
    ----------
    sky : level and noise of the frame's sky; None where it could not be measured
    read_noise_e : of a value of the plane; None where nobody says
    """
    factor = plane.pixels_averaged * _seconds_per_value(plane.header, camera)
    stated = [
        replace(gain, value=gain.value * factor)
        for gain in stated_gains(plane.header, camera)
    ]
    believed = _believed(plane, sky, stated, read_noise_e)
    if believed is None:
        said = next((gain.value for gain in stated if gain.sure), None)
        return GainEvidence(_of_the_sky(plane, sky, read_noise_e), said)
    told = Gain(believed.value, believed.source)
    if sky is None:
        return GainEvidence(told, told.value)
    return _weighed(plane, sky, told, read_noise_e)


def settled_gain(
    evidence: GainEvidence, stars: StarsGain | None, correlation: float
) -> Gain:
    """Let the noise of the stars' light decide where the sky leaves a doubt.

    Of what is stated and what the sky says, the nearer to the stars' gain counts, as
    either is more exact; where neither is near it, the stars' own. What a PSF is wrong
    by looks like photon noise: a gain is only lowered where there is little of it.

    Parameters
    ----------
    correlation : see `PixelNoise`

    Returns
    -------
    Gain
        Effective for a star's light.
    """
    taken, *rivals = (
        for_stars(gain, correlation) for gain in (evidence.gain, *evidence.rivals)
    )
    if stars is None or evidence.is_sure or not stars.tells(taken.value):
        return taken
    own = for_stars(Gain(stars.value, "stars"), correlation)
    if taken.source == "none":
        return own
    # correlated noise is resampled pixels, or stars that are too faint to be seen
    lowest, highest = evidence.near * own.value, stars.value / evidence.near
    near = [gain for gain in (taken, *rivals) if lowest < gain.value < highest]
    best = min(
        near,
        default=own,
        key=lambda gain: (
            _beyond(gain, own, stars.value) - _PLAINLY_NEARER * (gain is taken)
        ),
    )
    if best.value < taken.value and stars.misfit > _LITTLE_MISFIT:
        return taken
    return best


def _beyond(gain: Gain, lowest: Gain, highest: float) -> float:
    """How far a gain lies outside of a range, as ln; 0 within."""
    return max(log(lowest.value / gain.value), log(gain.value / highest), 0.0)


def for_stars(gain: Gain, correlation: float) -> Gain:
    """The gain of light summed over a star: resampling has lowered a pixel's noise."""
    if gain.is_stated or gain.source == "none":
        return gain
    return replace(gain, value=gain.value / max(correlation, 1.0) ** 2)


def _weighed(
    plane: Plane, sky: SkyTransfer, told: Gain, read_noise_e: float | None
) -> GainEvidence:
    """Hold a stated gain against the sky's slope, else against its level.

    A sky quieter than the gain allows was averaged, divided or put back; whole numbers
    of one exposure are not averaged: there the level has a pedestal. A louder one has
    noise that nobody states (dark current, a flat field), was scaled up, or the gain
    is too high. Of a sky that was subtracted the level tells nothing.
    """
    found = _of_the_sky(plane, sky, read_noise_e)
    level = _sky_level(plane, sky)
    if sky.gain_e_per_adu is not None:
        if are_alike(sky.gain_e_per_adu, told.value):
            return GainEvidence(told, told.value, is_sure=True)
        quiet = told.value * sky.variance < _ALIKE * level
        first, second = (found, told) if quiet else (told, found)
        return GainEvidence(first, told.value, rivals=(second,))
    if told.value * sky.variance < _ALIKE * level:
        if is_one_exposure_as_read(plane):
            return GainEvidence(told, told.value, rivals=(found,))
        return GainEvidence(found, told.value, rivals=(told,))
    if not _shows_sky(level, sky.variance):
        return GainEvidence(told, told.value)
    noise = _MUCH_READ_NOISE_E if read_noise_e is None else read_noise_e
    most = _gain_of_level(level, sky.variance, noise)
    if most is not None and _ALIKE * told.value > most:
        return GainEvidence(found, told.value, rivals=(told,))
    if is_one_exposure_as_read(plane):  # a pedestal may make a wrong gain look right
        return GainEvidence(told, told.value, near=_AGREED)
    return GainEvidence(told, told.value, is_sure=True)


def _of_the_sky(
    plane: Plane, sky: SkyTransfer | None, read_noise_e: float | None
) -> Gain:
    """The gain by the slope of variance against level, else level over variance."""
    if sky is None:
        return Gain(1.0, "none")
    if sky.gain_e_per_adu is not None:
        return Gain(sky.gain_e_per_adu, "photon_transfer")
    level = _sky_level(plane, sky)
    from_level = _gain_of_level(level, sky.variance, read_noise_e)
    return Gain(1.0, "none") if from_level is None else Gain(from_level, "sky")


def _sky_level(plane: Plane, sky: SkyTransfer) -> float:
    pedestal = number_of(plane.header, "PEDESTAL") or 0.0
    return sky.level + plane.offset_adu - abs(pedestal)


def _shows_sky(level: float, variance: float) -> bool:
    """Whether a level is a sky's, and not what is left of one that was subtracted."""
    return level > _SKY_SIGMA * sqrt(variance)


def _believed(
    plane: Plane,
    sky: SkyTransfer | None,
    stated: list[StatedGain],
    read_noise_e: float | None,
) -> StatedGain | None:
    """The first gain that the noise of the sky does not call a setting, or another's.

    The slope of variance against level, where there is one, decides between those
    that differ. A card that may be a setting must not exceed twice what the sky's
    noise leaves, even with much read noise; a sky that was subtracted leaves nothing.
    """
    seen = None if sky is None else sky.gain_e_per_adu
    if seen is not None:
        alike = [gain for gain in stated if are_alike(seen, gain.value)]
        stated = alike or [gain for gain in stated if gain.sure]
    elif sky is not None and _shows_sky(sky.level + plane.offset_adu, sky.variance):
        noise = max(read_noise_e or 0.0, _MUCH_READ_NOISE_E)
        most = _gain_of_level(sky.level + plane.offset_adu, sky.variance, noise)
        stated = [
            gain
            for gain in stated
            if gain.sure or most is None or gain.value < _SETTING_OVER_GAIN * most
        ]
    return stated[0] if stated else None


def _gain_of_level(
    level: float, variance: float, read_noise_e: float | None
) -> float | None:
    """Gain that makes level and read noise give the variance: v = L/g + (r/g)^2."""
    if level <= 0:
        return None
    noise = read_noise_e or 0.0
    return (level + sqrt(level**2 + 4 * variance * noise**2)) / (2 * variance)


def is_one_exposure_as_read(plane: Plane) -> bool:
    """Whether the values are whole numbers, and no card tells of several exposures."""
    return plane.bits is not None and n_exposures(plane.header) == 1


def are_alike(one: float, other: float, least: float = _ALIKE) -> bool:
    """Whether two gains may be one: their ratio is above `least` either way."""
    return least < one / other < 1 / least


def _seconds_per_value(header: fits.Header, camera: CameraSettings) -> float:
    """Exposure time where BUNIT says that the values are per second, else 1."""
    if PER_SECOND.search(text_of(header, "BUNIT") or ""):
        return stated_exposure_s(header, camera) or 1.0
    return 1.0
