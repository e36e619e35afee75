"""What a zero point depends on: the star's colour, its place, its air mass."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ColourTerm:
    """Slope of reference minus instrumental magnitude against a colour.

    The zero point is that of a star of the pivot colour, which is fixed for each
    passband; for another star `applied` x (colour - pivot) is added.

    Attributes
    ----------
    blue, red : passbands whose difference is the colour
    pivot : colour that the zero point refers to [mag]
    value, error : slope as fitted in this frame, 1 sigma [mag per mag]; None where too
        few stars have a colour, or all the same
    applied : zero where the slope is not significant, else drawn towards zero by its
        own uncertainty
    lowest, highest : colours of the stars that it was fitted to, without a slope of
        all whose colour is known [mag]
    n_stars : how many they are
    applied_error : 1 sigma of `applied` where a learnt slope joined in, else None: then
        it is `error`
    second_order : change of the slope with air mass, of the camera's own settings
        [mag per mag and air mass]; None where the camera gives none
    outside_atmosphere : the slope at air mass zero, by `second_order`
    mean_colour : mean of the zero point's stars by their weights in it [mag]: the
        colour whose zero point they show whatever the slope is; None where unknown
    mean_colour_error : 1 sigma of it, by the stars whose colour is not known [mag]
    """

    blue: str
    red: str
    pivot: float
    value: float | None
    error: float | None
    applied: float
    lowest: float
    highest: float
    n_stars: int
    applied_error: float | None = None
    second_order: float | None = None
    outside_atmosphere: float | None = None
    mean_colour: float | None = None
    mean_colour_error: float = 0.0


@dataclass(frozen=True, slots=True)
class SpatialTerm:
    """A polynomial in the position that is added to the zero point [mag].

    With u = (x - `centre_x_px`) / `scale_px` and v alike in y the `coefficients` are
    those of u, v and, for order 2, u^2, u v, v^2. `covariance`, row by row, is that of
    the zero point and the coefficients together [mag^2].
    """

    order: int
    centre_x_px: float
    centre_y_px: float
    scale_px: float
    coefficients: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class FlatTerm:
    """What the camera's flat fields leave, by earlier frames: added to the zero point.

    `residuals`, row by row from the first pixel, are of the middles of `columns` x
    `rows` equal cells [mag], zero where nothing is certain; between the middles they
    are interpolated linearly, beyond the outermost they stay.
    """

    passband: str
    columns: int
    rows: int
    width_px: int
    height_px: int
    residuals: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ExtinctionTerm:
    """Differential extinction across a wide field.

    For a star at another air mass than `mean_air_mass`, `applied` x (air mass - mean)
    is added to the zero point [mag]; negative, because the air dims.
    """

    value: float
    error: float
    applied: float
    mean_air_mass: float
    lowest: float
    highest: float
    n_stars: int
