"""An instrumental catalogue as the reduction uses it, whatever program wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from astropy.io import fits

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Estimator:
    """One way the file measures brightness: a column and its error.

    Attributes
    ----------
    column, error_column : names as in the file
    magnitude : instrumental magnitude, shape (n,), NaN where unusable [mag]; from a
        flux F it is -2.5 log10(F)
    error : 1 sigma as the file tells it, NaN where unusable [mag]
    too_faint : unusable because its light is lost in the noise: an error above 1 mag,
        or no positive flux
    """

    column: str
    error_column: str
    magnitude: FloatArray
    error: FloatArray
    too_faint: BoolArray

    @property
    def usable(self) -> BoolArray:
        """Rows with a magnitude and its error."""
        return np.isfinite(self.magnitude)

    @property
    def n_usable(self) -> int:
        """Count them."""
        return int(self.usable.sum())


@dataclass(frozen=True, slots=True)
class InstrumentalCatalogue:
    """The sources of one exposure, one element a source; NaN where unknown.

    Sources without a usable brightness are among them: one of them may be the target.

    Attributes
    ----------
    format : name of the file's format
    ra_deg, dec_deg : ICRS as the file says, None without such columns [deg]
    x_px, y_px : zero-based pixels, None without such columns [px]
    estimators : at least one; several where the file has a list of apertures, in the
        file's order, to be told apart by their scatter about the zero point
    saturated, blended : what the file's flags say; False where it has none
    edge : flagged as cut by the image's edge or by bad pixels
    fwhm_px : width of each source, None without such a column [px]
    columns : which column was taken for what, and why
    dropped : how many rows were left out for which reason
    header : cards on the exposure, as far as the file has any
    """

    format: str
    ra_deg: FloatArray | None
    dec_deg: FloatArray | None
    x_px: FloatArray | None
    y_px: FloatArray | None
    estimators: tuple[Estimator, ...]
    saturated: BoolArray
    blended: BoolArray
    edge: BoolArray
    fwhm_px: FloatArray | None
    columns: Mapping[str, str]
    dropped: Mapping[str, int]
    n_rows: int
    header: fits.Header
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Count the sources."""
        return len(self.saturated)

    @property
    def usable(self) -> BoolArray:
        """Sources with a brightness that can be used."""
        some: BoolArray = np.any([one.usable for one in self.estimators], axis=0)
        return some

    @property
    def n_usable(self) -> int:
        """Count them."""
        return int(self.usable.sum())
