"""The colour that each passband's colour term is written in, and its pivot."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ColourIndex:
    """Two passbands whose difference is the colour, and the pivot colour [mag].

    A zero point is that of a star of the pivot colour. It is near the mean of field
    stars and never moves: a moved pivot would move every magnitude.
    """

    blue: str
    red: str
    pivot: float


_G_R, _R_I = ("g", "r", 0.6), ("r", "i", 0.25)
_B_V, _V_I, _V_R = ("B", "V", 0.75), ("V", "I", 0.85), ("V", "R", 0.45)
_GAIA, _J_K = ("GBP", "GRP", 0.95), ("J", "K", 0.6)
_INDICES: Mapping[str, tuple[tuple[str, str, float], ...]] = {
    **dict.fromkeys("ugr", (_G_R, _GAIA)),
    **dict.fromkeys("izy", (_R_I, _G_R, _GAIA)),
    **dict.fromkeys("UBV", (_B_V, _V_I, _G_R, _GAIA)),
    **dict.fromkeys("RI", (_V_I, _V_R, _B_V, _R_I, _GAIA)),
    **dict.fromkeys(("G", "GBP", "GRP"), (_GAIA, _G_R, _V_I)),
    **dict.fromkeys("JHK", (_J_K, _GAIA)),
}


def colour_index(passband: str, offered: tuple[str, ...]) -> ColourIndex | None:
    """Return the colour of a passband's colour term, of bands that are offered.

    The passband's own catalogue is asked before others that are offered beside it.
    """
    own, _, band = passband.partition("/")
    catalogues = dict.fromkeys((own, *(name.partition("/")[0] for name in offered)))
    for blue, red, pivot in _INDICES.get(band, ()):
        for catalogue in catalogues:
            names = f"{catalogue}/{blue}", f"{catalogue}/{red}"
            if set(names) <= set(offered):
                return ColourIndex(*names, pivot)
    return None


def colours(
    index: ColourIndex | None, magnitude: Mapping[str, FloatArray], n_stars: int
) -> FloatArray:
    """Colours of a catalogue's stars, shape (n_stars,) [mag]; NaN where unknown."""
    if index is None:
        return np.full(n_stars, np.nan)
    return magnitude[index.blue] - magnitude[index.red]
