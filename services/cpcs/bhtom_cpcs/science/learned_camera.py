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


@dataclass(frozen=True, slots=True)
class LearnedCell:
    """What stars of a cell of the image are too bright by [mag], 1 sigma."""

    column: int
    row: int
    residual: float
    error: float


@dataclass(frozen=True, slots=True)
class LearnedFlat:
    """A coarse map of flat-field residuals; cells count from the first pixel."""

    columns: int
    rows: int
    cells: tuple[LearnedCell, ...]


@dataclass(frozen=True, slots=True)
class LearnedCamera:
    """Learnt figures that a person accepted as a version of the camera."""

    colour_terms: tuple[LearnedColourTerm, ...] = ()
    flat: LearnedFlat | None = None
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
