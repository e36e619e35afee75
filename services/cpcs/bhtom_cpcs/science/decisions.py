"""What the suite had decided before a frame is reduced, pinned with its request.

A reduction never decides for a light curve as a whole: which passband a filter card
means, which neighbours a target has, where it is. Those decisions are made from many
frames, versioned, and handed in, so that a calibration stays a pure function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bhtom_cpcs.science.zero_point_terms import ColourTerm

SAME_NIGHT_DAYS = 0.5


def is_same_night(one_mjd: float, other_mjd: float) -> bool:
    """Whether two times are less than half a day apart."""
    return abs(one_mjd - other_mjd) < SAME_NIGHT_DAYS


@dataclass(frozen=True, slots=True)
class SettledBand:
    """The passband that a camera's filter card means within an interval of time.

    `filter_card` is the card's text, "" where there is none; `provisional` while too
    few frames agree; `n_frames` of `n_nights` nights agreed.
    """

    filter_card: str
    passband: str
    provisional: bool
    n_frames: int
    n_nights: int
    valid_from_mjd: float | None = None
    valid_until_mjd: float | None = None


class SceneMember(StrEnum):
    """What is beside a target: a star that is fitted, or a galaxy that is only said."""

    STAR = "star"
    HOST = "host"


@dataclass(frozen=True, slots=True)
class SceneStar:
    """A neighbour that is fitted beside the target: ICRS at `epoch_jyear` [deg].

    `source` says who found it: the `catalogue`, or several `frames` of the target. One
    of the kind `host` is a galaxy under the target, which nothing is fitted to: its
    light is in the target's.
    """

    ra_deg: float
    dec_deg: float
    epoch_jyear: float = 2016.0
    pm_ra_masyr: float = 0.0  # includes cos(dec)
    pm_dec_masyr: float = 0.0
    source: str = "catalogue"
    kind: str = SceneMember.STAR


@dataclass(frozen=True, slots=True)
class Scene:
    """The neighbours of a target: the same list in every frame of its light curve."""

    target_id: int
    version: int
    radius_arcsec: float
    source: str  # catalogue and release the positions come from
    stars: tuple[SceneStar, ...] = ()

    @property
    def on_host(self) -> bool:
        """Whether the target lies on a galaxy."""
        return any(star.kind == SceneMember.HOST for star in self.stars)


@dataclass(frozen=True, slots=True)
class MeanPosition:
    """A target's own weighted mean position from good frames: ICRS [deg].

    Errors are 1 sigma of the mean along right ascension (cos(dec) included) and
    declination [arcsec].
    """

    target_id: int
    version: int
    ra_deg: float
    dec_deg: float
    epoch_jyear: float
    ra_error_arcsec: float
    dec_error_arcsec: float
    n_frames: int


@dataclass(frozen=True, slots=True)
class TargetColour:
    """A recorded colour of a target, e.g. g - r [mag], for its colour term.

    One of a night holds on that night only: `mid_exposure_mjd` is the mean time of the
    frames that it comes from. None for the catalogue's, which holds at all times.
    """

    target_id: int
    blue_passband: str
    red_passband: str
    value_mag: float
    error_mag: float
    source: str  # "catalogue", "same night"
    mid_exposure_mjd: float | None = None


@dataclass(frozen=True, slots=True)
class BorrowedZeroPoint:
    """A zero point from another frame of the same night, camera and filter [mag].

    Magnitude of a flux of 1 ADU in `exposure_time_s` at `air_mass`.
    """

    filter_card: str
    mid_exposure_mjd: float
    passband: str
    value: float
    error: float
    exposure_time_s: float
    air_mass: float | None
    calibration_id: int
    colour_term: ColourTerm | None = None  # as fitted in the lending frame


@dataclass(frozen=True, slots=True)
class PinnedRelease:
    """The release that a target's points from a camera in a passband are tied to.

    Without a passband it is that of all passbands which have none of their own, as
    requests were tied before each had one.
    """

    catalogue_name: str
    release: str
    passband: str | None = None


@dataclass(frozen=True, slots=True)
class Decisions:
    """Everything decided before; `version` names the state of the decisions.

    What depends on the filter card or the time comes for all of them, because both
    are known only when the file is read: ask `settled_band_of`, `borrowed_of`,
    `colours_of`.
    """

    version: str = "0"
    settled_bands: tuple[SettledBand, ...] = ()
    scenes: tuple[Scene, ...] = ()
    mean_positions: tuple[MeanPosition, ...] = ()
    target_colours: tuple[TargetColour, ...] = ()
    borrowed_zero_points: tuple[BorrowedZeroPoint, ...] = ()
    pinned_releases: tuple[PinnedRelease, ...] = ()
    # Of a list of sources: the column that the target's earlier ones were read in.
    brightness_column: str | None = None
    # Never comparison stars: other targets of the suite, as (ra, dec) [deg] ICRS.
    other_targets: tuple[tuple[float, float], ...] = ()

    def settled_band_of(
        self, filter_card: str | None, mid_exposure_mjd: float
    ) -> SettledBand | None:
        """Return what the card means at a time (from <= time < until), if settled."""
        for band in self.settled_bands:
            begins = band.valid_from_mjd is None or (
                band.valid_from_mjd <= mid_exposure_mjd
            )
            ends = band.valid_until_mjd is not None and (
                mid_exposure_mjd >= band.valid_until_mjd
            )
            if band.filter_card == (filter_card or "") and begins and not ends:
                return band
        return None

    def borrowed_of(
        self,
        filter_card: str | None,
        mid_exposure_mjd: float,
        is_allowed: Callable[[str], bool] | None = None,
    ) -> BorrowedZeroPoint | None:
        """Return the nearest zero point of the same card within half a day, if any.

        Of those whose passband `is_allowed`: a card may lend zero points in several.
        """
        same_night = [
            zero_point
            for zero_point in self.borrowed_zero_points
            if zero_point.filter_card == (filter_card or "")
            and is_same_night(zero_point.mid_exposure_mjd, mid_exposure_mjd)
            and (is_allowed is None or is_allowed(zero_point.passband))
        ]
        return min(
            same_night,
            key=lambda z: (
                abs(z.mid_exposure_mjd - mid_exposure_mjd),
                z.error,
                z.calibration_id,
            ),
            default=None,
        )

    def scene_of(self, target_id: int) -> Scene | None:
        """Return the target's scene, None when it has none yet."""
        return next((s for s in self.scenes if s.target_id == target_id), None)

    def mean_position_of(self, target_id: int) -> MeanPosition | None:
        """Return the target's mean position, None when it has none yet."""
        return next((p for p in self.mean_positions if p.target_id == target_id), None)

    def colours_of(
        self, target_id: int, mid_exposure_mjd: float
    ) -> tuple[TargetColour, ...]:
        """Return the target's colours that hold at a time, one a pair of passbands."""
        return tuple(
            colour
            for colour in self.target_colours
            if colour.target_id == target_id
            and (
                colour.mid_exposure_mjd is None
                or is_same_night(colour.mid_exposure_mjd, mid_exposure_mjd)
            )
        )


NOTHING_DECIDED = Decisions()
