"""Extensions that belong to an image: masks that are used, weights that are not."""

import re
from typing import Any

import numpy as np
from astropy.io import fits

from bhtom_cpcs.science.frames.planes import Mask

_MASK = r"(?:MASK|BPM|DQ|DQMASK|BADPIX|FLAGS?)"
COMPANION = re.compile(
    rf"^(?:.*[_-])?(?:{_MASK}|UNCERT\w*|ERR|ERROR|VAR|VARIANCE|WHT|WEIGHT\w*|IVM|IVAR|"
    r"WCSCORR|WCSDVARR|D2IMARR|WCS\w*|BKG|BACKGROUND|CAT|SEG\w*)$",
    re.IGNORECASE,
)
_MASK_NAME = re.compile(rf"^(?:(.*)[_-])?{_MASK}$", re.IGNORECASE)
# A mask that condemns more than this speaks another language than ours.
_MOST_MASKED = 0.5


def mask_of(
    hdus: list[Any], number: int, shape: tuple[int, int]
) -> tuple[Mask | None, str | None]:
    """The mask that goes with an image, True where a pixel is unusable; and a note.

    A mask belongs by its name (`SCI_MASK` to `SCI`), by the same EXTVER as the image,
    or as the only one beside the only image; its shape must be the image's. Every
    value but zero condemns a pixel; a mask that condemns half of them is not used.
    """
    found = [hdu for hdu in hdus if _is_mask(hdu) and tuple(hdu.shape) == shape]
    image = hdus[number]
    images = [
        hdu
        for hdu in hdus
        if _is_array(hdu) and not COMPANION.match(hdu.name) and len(hdu.shape) >= 2
    ]
    named = [hdu for hdu in found if _named_after(hdu, image.name)]
    versions = [hdu for hdu in found if hdu.ver == image.ver and not _prefix(hdu)]
    if len(images) == 1 and len(found) == 1:
        chosen = found[0]
    elif len(named) == 1:
        chosen = named[0]
    elif len(versions) == 1 and sum(hdu.ver == image.ver for hdu in images) == 1:
        chosen = versions[0]
    else:
        return None, None
    values = chosen.data
    if values is None or values.dtype.kind not in "iub":
        return None, f"The mask {chosen.name} holds no whole numbers and was not used."
    mask: Mask = np.asarray(values != 0)
    del chosen.data
    share = float(mask.mean())
    if share > _MOST_MASKED:
        return None, f"The mask {chosen.name} rules out {share:.0%} and was not used."
    return mask, None


def _is_array(hdu: Any) -> bool:
    kinds = (fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU)
    return isinstance(hdu, kinds) and not isinstance(hdu, fits.GroupsHDU)


def _is_mask(hdu: Any) -> bool:
    return _is_array(hdu) and bool(_MASK_NAME.match(str(hdu.name)))


def _prefix(hdu: Any) -> str:
    match = _MASK_NAME.match(str(hdu.name))
    return (match[1] or "").upper() if match else ""


def _named_after(hdu: Any, image: str) -> bool:
    prefix = _prefix(hdu)
    return bool(prefix) and prefix == str(image).upper()
