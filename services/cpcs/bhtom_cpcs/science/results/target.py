"""The measurement of one target."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bhtom_cpcs.science.decisions import Scene
from bhtom_cpcs.science.flag_words import FlagWord
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.scene_evidence import LightAbout, StarBeside


@dataclass(frozen=True, slots=True)
class Rival:
    """Another entry of an instrumental catalogue that may be the target."""

    separation_arcsec: float
    magnitude: float
    magnitude_error: float


@dataclass(frozen=True, slots=True)
class OtherFluxes:
    """The target's light by the estimators that its points do not use [ADU].

    All are total light on the scale of the PSF's flux, neighbours and local sky taken
    out, errors 1 sigma: `optimal` by Naylor's weights (1998, MNRAS 296, 339),
    `aperture` the sum in a circle divided by the growth curve there, which is
    `growth_correction_mag` (negative: added to the aperture's own magnitude).
    """

    optimal_adu: float
    optimal_error_adu: float
    aperture_adu: float
    aperture_error_adu: float
    aperture_radius_px: float
    growth_correction_mag: float


@dataclass(frozen=True, slots=True)
class TargetMeasurement:
    """The forced measurement at one target's position.

    The flux and its error are stored whatever their sign. `magnitude` is None below
    a signal to noise of 3 (`is_limit`) and on a target that cannot be measured.
    `error_budget_mag` holds each term of the magnitude's error [mag]: photon, sky,
    read, blend, cosmic_ray of the flux, and position, zero_point, psf_normalisation,
    scintillation, colour, floor; they add in quadrature. `error_budget_adu` holds the
    flux's own [ADU]. `position_error_arcsec` is 1 sigma an axis of the place before the
    fit, `position_source` what gave it; `fitted_*` is where the light itself lies, in
    frames that show it well, and its error with that of the frame's coordinates.
    `scene_version` counts the list of neighbours that were fitted beside the target;
    `proposed_scene` is one to be kept where there was none. `neighbour_flux_adu` is
    their light that would else have passed for the target's. `stars_beside` are in no
    scene; `is_resolved` says that the frame shows the target as a source of its own, so
    that it tells of them: on a galaxy never, for pieces of it may look like stars.
    `light_about` is what no star explains: of a host, frames together tell more.
    On a galaxy (`host_included`) the fixed aperture's flux, of whatever sign, and
    magnitude are of all the light in it; the magnitude's error has the calibration's
    terms too.
    """

    target_id: int
    outcome: Outcome
    message: str
    ra_deg: float
    dec_deg: float
    x_px: float | None = None
    y_px: float | None = None
    flux_adu: float | None = None
    flux_error_adu: float | None = None
    signal_to_noise: float | None = None
    aperture_radius_px: float | None = None
    magnitude: float | None = None
    magnitude_error: float | None = None
    limit_3sigma: float | None = None
    limit_5sigma: float | None = None
    limit_definition: str | None = None
    is_limit: bool = False
    flags: tuple[FlagWord, ...] = ()
    error_budget_mag: Mapping[str, float] = field(default_factory=dict)
    error_budget_adu: Mapping[str, float] = field(default_factory=dict)
    other_fluxes: OtherFluxes | None = None
    nearest_source_arcsec: float | None = None
    rivals: tuple[Rival, ...] = ()
    position_source: str = ""
    position_error_arcsec: float | None = None
    position_free: bool = False
    fitted_ra_deg: float | None = None
    fitted_dec_deg: float | None = None
    fitted_ra_error_arcsec: float | None = None
    fitted_dec_error_arcsec: float | None = None
    scene_version: int = 0
    n_neighbours: int = 0
    proposed_scene: Scene | None = None
    neighbour_flux_adu: float | None = None
    local_background_adu: float | None = None
    reduced_chi_square: float | None = None
    fixed_aperture_arcsec: float | None = None
    fixed_aperture_flux_adu: float | None = None
    fixed_aperture_flux_error_adu: float | None = None
    fixed_aperture_magnitude: float | None = None
    fixed_aperture_magnitude_error: float | None = None
    is_resolved: bool = False
    stars_beside: tuple[StarBeside, ...] = ()
    light_about: LightAbout | None = None
