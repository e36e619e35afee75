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
        np.clip(row, 0, height - 1, out=row)
        np.clip(column, 0, width - 1, out=column)
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


def subtract(at: Places, light: FloatArray, image: Image) -> None:
    """Take light of shape (n, side, side) out of the image in place, in order."""
    height, width = image.shape
    half = at.half
    for column, row, stamp in zip(at.column, at.row, light, strict=True):
        left, bottom = max(column - half, 0), max(row - half, 0)
        right, top = min(column + half + 1, width), min(row + half + 1, height)
        if left < right and bottom < top:
            image[bottom:top, left:right] -= stamp[
                bottom - row + half : top - row + half,
                left - column + half : right - column + half,
            ]
