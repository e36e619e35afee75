"""What a camera version says that was learnt from earlier frames of the camera."""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class LearnedColourTerm:
    """Slope of the zero point against a colour (`g - r`) in a passband, 1 sigma.

    `air_mass` is the mean one of the frames that it was learnt from, None if unknown.
    """

    passband: str
    colour: str
    slope: float
    error: float
    air_mass: float | None = None


# An image of another size by more is another part of the chip.
_SAME_SIZE = 0.02


@dataclass(frozen=True, slots=True)
class LearnedFlat:
    """What stars of a passband are too bright by across an image of the camera [mag].

    `residuals` and `errors` (1 sigma) row by row from the first pixel, None where too
    few stars were. `image` is a chip's name, `colour` that of a colour camera's plane,
    `binning` that of the frames (`2x2`), None where their headers do not tell.
    """

    passband: str
    columns: int
    rows: int
    residuals: tuple[float | None, ...]
    errors: tuple[float | None, ...]
    width_px: int
    height_px: int
    image: str = ""
    colour: str = ""
    binning: str | None = None

    def is_of(
        self, image: str, colour: str, binning: str | None, shape: tuple[int, int]
    ) -> bool:
        """Whether it is of that chip, colour and binning, and all of its image.

        Parameters
        ----------
        shape : rows and columns of the image [px]
        """
        named = (self.image, self.colour, self.binning) == (image, colour, binning)
        sides = zip((self.height_px, self.width_px), shape, strict=True)
        return named and all(abs(own - side) <= _SAME_SIZE * own for own, side in sides)


@dataclass(frozen=True, slots=True)
class LearnedCamera:
    """Learnt figures that a person accepted as a version of the camera.

    `has_mixed_flat`: the version has a flat-field map of all bands, images and
    binnings together, as versions before had; it is taken out of no frame.
    """

    colour_terms: tuple[LearnedColourTerm, ...] = ()
    flats: tuple[LearnedFlat, ...] = ()
    has_mixed_flat: bool = False
    shutter_time_s: float = 0.0

    def at_air_mass(
        self, air_mass: float | None, second_order: Mapping[str, float]
    ) -> "LearnedCamera":
        """Bring the slopes to an air mass, where their change with it is known.

        slope(X) = slope(X_0) + c (X - X_0), with X_0 the mean air mass that it was
        learnt at: second-order extinction (Hardie 1962, Photoelectric Reductions, in
        Astronomical Techniques, ed. W. A. Hiltner, ch. 8), whose k'' is -c.

        Parameters
        ----------
        air_mass : of the frame; None leaves all slopes as they are
        second_order : c by passband [mag per mag and air mass]
        """
        if air_mass is None or not second_order:
            return self

        def moved(term: LearnedColourTerm) -> LearnedColourTerm:
            change = second_order.get(term.passband)
            if change is None or term.air_mass is None:
                return term
            slope = term.slope + change * (air_mass - term.air_mass)
            return replace(term, slope=slope, air_mass=air_mass)

        return replace(self, colour_terms=tuple(map(moved, self.colour_terms)))

    def colour_term(
        self, passband: str, blue: str, red: str
    ) -> LearnedColourTerm | None:
        """Return the slope of a passband against the colour of two others."""
        colour = " - ".join(band.rpartition("/")[2] for band in (blue, red))
        return next(
            (
                term
                for term in self.colour_terms
                if (term.passband, term.colour) == (passband, colour)
            ),
            None,
        )


NOTHING_LEARNT = LearnedCamera()
