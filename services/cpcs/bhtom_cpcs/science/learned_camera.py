"""What a camera version says that was learnt from earlier frames of the camera."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LearnedColourTerm:
    """Slope of the zero point against a colour (`g - r`) in a passband, 1 sigma."""

    passband: str
    colour: str
    slope: float
    error: float


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
