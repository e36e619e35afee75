"""The simulated camera: what stands between the sky and the numbers in a frame."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Camera:
    """A detector and the air above it.

    `zero_point_mag` is the magnitude that gives one electron a second; `gradient`
    the full change of the sky across the frame as a fraction; cosmic rays are a
    mean number a frame. Frames are reduced: no bias level, flat response.
    """

    name: str = "SimCam-1"
    width_px: int = 256
    height_px: int = 256
    pixel_scale_arcsec: float = 0.8
    rotation_deg: float = 0.0
    gain_e_per_adu: float = 1.5
    read_noise_e: float = 8.0
    saturation_adu: float = 60000.0
    zero_point_mag: float = 22.5
    sky_mag_arcsec2: float = 20.5
    gradient: float = 0.05
    fwhm_arcsec: float = 2.4
    moffat_beta: float = 3.0
    cosmic_rays: float = 3.0
    wcs_offset_arcsec: tuple[float, float] = (0.0, 0.0)  # header minus truth

    @property
    def fwhm_px(self) -> float:
        """Seeing in pixels."""
        return self.fwhm_arcsec / self.pixel_scale_arcsec

    @property
    def radius_deg(self) -> float:
        """Half the diagonal of the field."""
        diagonal_px = math.hypot(self.width_px, self.height_px)
        return diagonal_px * self.pixel_scale_arcsec / 7200
