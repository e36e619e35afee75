"""IRAF's TNX projection, written as the TPV that is the same."""

import re

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from numpy.polynomial import chebyshev, legendre

FloatArray = npt.NDArray[np.float64]

_WAT_LENGTH = 68  # characters of a full card
_SURFACE = re.compile(r'(lngcor|latcor)\s*=\s*"([^"]*)"')
_TO_POWERS = {1: chebyshev.cheb2poly, 2: legendre.leg2poly}
_POLYNOMIAL = 3
# First of the PV numbers of a degree's terms, x^d before x^(d-1) y; the r terms between
# them are not used.
_FIRST_PV = (0, 1, 4, 7, 12, 17, 24, 31)


def write_as_tpv(header: fits.Header) -> None:
    """Replace the cards of a TNX projection by those of the same TPV.

    TNX adds to the standard coordinates (xi, eta) a surface of each, TPV replaces them
    by a polynomial: any surface of a total degree up to seven has its polynomial. The
    definition is in the registry of FITS conventions (Valdes, "The TNX World Coordinate
    System", fits.gsfc.nasa.gov/registry/tnx.html), that of TPV beside it.

    Raises
    ------
    ValueError
        The numbers are damaged or the degree is too high.
    """
    text = " ".join(_text(header, axis) for axis in (1, 2))
    surfaces = {name: _powers(numbers) for name, numbers in _SURFACE.findall(text)}
    for card in [card for card in header if re.match(r"(WAT|PV)[0-2]_", card)]:
        del header[card]
    for axis in (1, 2):
        ctype = str(header[f"CTYPE{axis}"])
        header[f"CTYPE{axis}"] = ctype.replace("-TNX", "-TPV")
        is_latitude = ctype.startswith("DEC") or ctype[1:4] == "LAT"
        found = surfaces.get("latcor" if is_latitude else "lngcor", np.zeros((2, 2)))
        powers = np.array(found.T if is_latitude else found)
        powers[1, 0] += 1.0
        for (i, j), value in np.ndenumerate(powers):
            if value:
                header[f"PV{axis}_{_FIRST_PV[i + j] + j}"] = float(value)


def _text(header: fits.Header, axis: int) -> str:
    """Join the cards of one text; readers drop a full card's last space."""
    cards = sorted(card for card in header if card.startswith(f"WAT{axis}_"))
    pieces = [str(header[card]) for card in cards]
    return "".join(p + " " if len(p) == _WAT_LENGTH - 1 else p for p in pieces)


def _powers(text: str) -> FloatArray:
    """Coefficients of xi^i eta^j, shape (8, 8), degrees in and out."""
    numbers = [float(word) for word in text.split()]
    if len(numbers) < 9 or not np.isfinite(numbers).all():
        raise ValueError("a TNX surface lacks numbers")
    kind, n_xi, n_eta, cross = (int(number) for number in numbers[:4])
    if kind not in (*_TO_POWERS, _POLYNOMIAL) or not (
        1 <= n_xi <= 8 and 1 <= n_eta <= 8
    ):
        raise ValueError(f"a TNX surface of type {kind} and orders {n_xi}, {n_eta}")
    terms = [
        (i, j)
        for j in range(n_eta)
        for i in range(n_xi)
        if cross == 1
        or (cross == 0 and 0 in (i, j))
        or (cross == 2 and i + j < max(n_xi, n_eta))
    ]
    if len(numbers) - 8 < len(terms) or max(i + j for i, j in terms) > 7:
        raise ValueError(f"a TNX surface of {len(terms)} terms cannot be read")
    along = _basis(kind, n_xi, numbers[4], numbers[5])
    across = _basis(kind, n_eta, numbers[6], numbers[7])
    powers = np.zeros((8, 8))
    for (i, j), value in zip(terms, numbers[8:], strict=False):
        powers += value * np.outer(along[i], across[j])
    return powers


def _basis(kind: int, order: int, low: float, high: float) -> FloatArray:
    """Powers of the variable in each basis function, shape (order, 8)."""
    basis = np.zeros((order, 8))
    for number in range(order):
        unit = [0.0] * number + [1.0]
        if kind == _POLYNOMIAL:
            basis[number, : number + 1] = unit
            continue
        if not high > low:
            raise ValueError("a TNX surface's range is empty")
        scaled = np.poly1d([2 / (high - low), -(high + low) / (high - low)])
        inner = np.poly1d(_TO_POWERS[kind](unit)[::-1])(scaled)
        found = np.atleast_1d(np.asarray(inner.coeffs, dtype=float))[::-1]
        basis[number, : len(found)] = found
    return basis
