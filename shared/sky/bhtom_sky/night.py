"""A night of frames of one field, with changing seeing and transparency."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from bhtom_sky.camera import Camera
from bhtom_sky.frames import Frame, render_frame
from bhtom_sky.stars import Sky


def night(
    sky: Sky,
    camera: Camera,
    start: datetime,
    *,
    n_frames: int = 24,
    exposure_s: float = 60.0,
    cadence_s: float = 600.0,
    passbands: tuple[str, ...] = ("GaiaSP/r",),
    seed: int = 1,
    dither_arcsec: float = 8.0,
) -> Iterator[Frame]:
    """Render frames one after the other, the passbands taking turns.

    Seeing varies by some 15 % and transparency by some 0.1 mag from frame to frame;
    the pointing is dithered. The first exposure's middle is at `start` plus half an
    exposure.
    """
    rng = np.random.default_rng(seed)
    for number in range(n_frames):
        seeing = camera.fwhm_arcsec * float(np.exp(rng.normal(0.0, 0.15)))
        loss = abs(float(rng.normal(0.0, 0.1)))
        tonight = replace(
            camera,
            fwhm_arcsec=seeing,
            zero_point_mag=camera.zero_point_mag - loss,
        )
        shift = rng.uniform(-dither_arcsec, dither_arcsec, 2) / 3600
        ra, dec = sky.centre
        pointing = (ra + shift[0] / float(np.cos(np.radians(dec))), dec + shift[1])
        middle = start + timedelta(seconds=number * cadence_s + exposure_s / 2)
        yield render_frame(
            sky,
            tonight,
            middle,
            exposure_s,
            pointing,
            passbands[number % len(passbands)],
            seed=seed * 100_003 + number,
            name=f"night{seed}_{number:03d}.fits",
        )
