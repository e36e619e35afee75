"""What the pixels and the header tell of the detector: saturation and gain."""

from dataclasses import dataclass
from math import sqrt

from bhtom_cpcs.science.frames.gain import GainEvidence, weigh_gain
from bhtom_cpcs.science.frames.header_cards import first_number
from bhtom_cpcs.science.frames.photon_transfer import sky_transfer
from bhtom_cpcs.science.frames.planes import Plane
from bhtom_cpcs.science.frames.saturation import saturation_level
from bhtom_cpcs.science.frames.stated_gains import GainSource
from bhtom_cpcs.science.frames.stated_limits import SeenScale, row_limit
from bhtom_cpcs.science.request import CameraSettings

_READ_NOISE_CARDS = ("RDNOISE", "READNOIS", "RON", "RDNOISEA", "READNOISE", "ENOISE")
_LARGEST_READ_NOISE_E = 1000.0


@dataclass(frozen=True, slots=True)
class Detector:
    """Figures that the errors rest on.

    `saturation_adu` is None where nothing limits the frame. `gain_e_per_adu` is the
    effective one for these pixels; `noise_empirical` says that it was measured from
    the frame's own noise, and `gain_source` by what; `gain_evidence` is what else it
    may be. `sky_level_adu` and `sky_variance_adu2` are of a pixel of the sky as it was
    measured for that.
    `saturation_seen` says that the level shows in the pixels: piled up below it, or as
    flat tops of the stars.
    """

    saturation_adu: float | None
    saturated_fraction: float
    gain_e_per_adu: float
    read_noise_e: float | None
    noise_empirical: bool
    gain_source: GainSource = "camera"
    sky_level_adu: float | None = None
    sky_variance_adu2: float | None = None
    saturation_seen: bool = False
    gain_evidence: GainEvidence | None = None


def read_detector(plane: Plane, camera: CameraSettings) -> Detector:
    """Find out saturation and gain; before the background is subtracted.

    The gain is EGAIN's, the camera row's or the header's, unless the sky's own noise
    rules it out: averaged, median, normalised and per-second frames have another,
    effective one, and what is stated may be wrong. That comes from the slope of
    variance against level over the frame, else from the level over the variance. Where
    the sky leaves a doubt, the stars decide later: see `stars.light_noise`.
    """
    sky = sky_transfer(plane.pixels, plane.mask)
    read_noise = _read_noise_e(plane, camera)
    evidence = weigh_gain(plane, camera, sky, read_noise)
    gain, stated = evidence.gain, evidence.stated
    # a sky that is too loud for what is stated was not divided by anything
    as_stated = gain.is_stated or (stated is not None and gain.value < stated)
    seen = SeenScale(stated, gain.value, as_stated)
    level, fraction, is_seen = saturation_level(plane, row_limit(plane, camera, seen))
    return Detector(
        saturation_adu=level,
        saturated_fraction=fraction,
        gain_e_per_adu=gain.value,
        read_noise_e=read_noise,
        noise_empirical=not gain.is_stated,
        gain_source=gain.source,
        sky_level_adu=None if sky is None else sky.level + plane.offset_adu,
        sky_variance_adu2=None if sky is None else sky.variance,
        saturation_seen=is_seen,
        gain_evidence=evidence,
    )


def _read_noise_e(plane: Plane, camera: CameraSettings) -> float | None:
    """The camera row's, else the header's, of a value of the plane."""
    noise = camera.read_noise_e
    if noise is None:
        noise = first_number(plane.header, _READ_NOISE_CARDS)
    if noise is None or not 0 < noise < _LARGEST_READ_NOISE_E:
        return None
    return noise * sqrt(plane.pixels_averaged)
