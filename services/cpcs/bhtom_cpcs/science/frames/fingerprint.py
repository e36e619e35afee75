"""The hash by which copies of a frame are recognised, packed or not."""

import hashlib

import numpy as np
from astropy.io import fits

from bhtom_cpcs.science.frames.planes import Image

_DATE_CARDS = ("DATE-OBS", "TIME-OBS", "MJD-OBS", "DATE-AVG", "UT", "EXPTIME")


def fingerprint(planes: list[bytes], header: fits.Header) -> str:
    """Hash the planes' digests and the date cards: the same for .fz, .gz and plain."""
    digest = hashlib.sha256()
    for plane in planes:
        digest.update(plane)
    for card in _DATE_CARDS:
        digest.update(f"{card}={header.get(card)};".encode())
    return digest.hexdigest()


def pixel_digest(pixels: Image) -> bytes:
    """Hash shape and pixels as little-endian float32."""
    digest = hashlib.sha256(str(pixels.shape).encode())
    little = pixels if pixels.dtype.byteorder in "<=" else pixels.astype("<f4")
    digest.update(np.ascontiguousarray(little).view(np.uint8).data)
    return digest.digest()
