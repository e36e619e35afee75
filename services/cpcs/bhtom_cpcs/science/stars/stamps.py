"""Small squares of an image about stars, and light put back into them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bhtom_cpcs.science.frames.planes import Image, Mask

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Places:
    """Middle pixels of stamps and the half width they share [px]."""

    column: IntArray
    row: IntArray
    half: int

    def __len__(self) -> int:
        """Count the stamps."""
        return len(self.column)

    def of(self, chosen: npt.NDArray[np.intp] | BoolArray) -> "Places":
        """Return some of the places."""
        return Places(self.column[chosen], self.row[chosen], self.half)

    def indices(self, shape: tuple[int, ...]) -> tuple[IntArray, BoolArray]:
        """Flat pixel numbers, and which of them lie on the image; (n, side, side)."""
        height, width = shape
        offset = np.arange(-self.half, self.half + 1)
        row = self.row[:, None] + offset
        column = self.column[:, None] + offset
        row_inside = (row >= 0) & (row < height)
        column_inside = (column >= 0) & (column < width)
        row = np.minimum(np.maximum(row, 0), height - 1)
        column = np.minimum(np.maximum(column, 0), width - 1)
        flat = row[:, :, None] * width + column[:, None, :]
        return flat, row_inside[:, :, None] & column_inside[:, None, :]


def dot(*stamps: FloatArray | BoolArray) -> FloatArray:
    """Sum over the pixels of each stamp of the product of (n, side, side) arrays."""
    terms = ",".join("kij" for _ in stamps)
    total: FloatArray = np.einsum(f"{terms}->k", *stamps)
    return total


def places(x: FloatArray, y: FloatArray, half: int) -> Places:
    """Stamps about positions on the frame."""
    return Places(np.rint(x).astype(np.int64), np.rint(y).astype(np.int64), half)


def usable_pixels(at: Places, image: Image, mask: Mask | None) -> BoolArray:
    """Which pixels of the stamps exist and are not masked."""
    flat, inside = at.indices(image.shape)
    if mask is not None:
        inside &= ~mask.ravel()[flat]
    return inside


def cut_out(at: Places, image: Image) -> FloatArray:
    """Values of the image in the stamps; the nearest pixel's beyond its edge."""
    flat, _ = at.indices(image.shape)
    values: FloatArray = image.ravel()[flat].astype(np.float64)
    return values


def subtract(
    at: Places, light: npt.NDArray[np.floating], flux: FloatArray, image: Image
) -> None:
    """Take stars' light of shape (n, side, side) out of the image in place, in order.

    `light` is that of a star of flux 1.
    """
    height, width = image.shape
    half, side = at.half, 2 * at.half + 1
    first_row, first_column = at.row - half, at.column - half
    bottom, top = (
        np.minimum(np.maximum(edge, 0), height)
        for edge in (first_row, first_row + side)
    )
    left, right = (
        np.minimum(np.maximum(edge, 0), width)
        for edge in (first_column, first_column + side)
    )
    edges = np.stack([bottom, top, left, right], axis=1).tolist()
    skipped = np.stack([bottom - first_row, left - first_column], axis=1).tolist()
    whole = ((top - bottom == side) & (right - left == side)).tolist()
    stamps = np.empty(light.shape, dtype=image.dtype)
    factor = flux.astype(image.dtype)[:, None, None]
    np.multiply(light, factor, out=stamps, casting="same_kind")
    for number, (y0, y1, x0, x1) in enumerate(edges):
        stamp = stamps[number]
        if not whole[number]:
            down, along = skipped[number]
            stamp = stamp[down : down + y1 - y0, along : along + x1 - x0]
        image[y0:y1, x0:x1] -= stamp
