"""An instrumental catalogue becomes a magnitude or a limit, as frames do."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest
from astropy.table import Table

from bhtom_cpcs.reference_catalogues.catalogue import TileCatalogue
from bhtom_cpcs.science.calibration.error_relation import fit_error_relation
from bhtom_cpcs.science.catalogue_reduction import reduce_catalogue
from bhtom_cpcs.science.decisions import Decisions
from bhtom_cpcs.science.magnitudes import MAG_PER_RELATIVE
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.reference import (
    NoCoverage,
    ReferenceCatalogue,
    ReferenceStars,
)
from bhtom_cpcs.science.request import CameraSettings, ReductionRequest, TargetPosition
from bhtom_cpcs.science.results.reduction import PlaneReduction
from bhtom_cpcs.science.targets.error_budget import scintillation
from bhtom_sky import Sky

ZERO_POINT = 24.3
SKY_MAG = 21.5  # instrumental flux of the sky's noise: S/N 1 at this magnitude
MJD = 61100.5


class Field(Protocol):
    """What conftest's field holds."""

    sky: Sky
    reference: TileCatalogue
    request: ReductionRequest


def star_list(sky: Sky, seed: int = 3, band: str = "r") -> Table:
    """The middle of the sky, with photon and sky noise and 0.1 arcsec of centroid."""
    rng = np.random.default_rng(seed)
    truth = sky.magnitude[band]
    east = (sky.ra_deg - sky.centre[0]) * np.cos(np.radians(sky.centre[1]))
    inside = np.maximum(np.abs(east), np.abs(sky.dec_deg - sky.centre[1])) < 0.05
    flux = 10 ** (-0.4 * (truth - ZERO_POINT))
    error = np.sqrt(10 ** (-0.8 * (SKY_MAG - ZERO_POINT)) + flux)
    seen = flux + error * rng.normal(size=len(flux))
    scatter = rng.normal(scale=0.1 / 3600, size=(2, len(flux)))
    table = Table(
        {
            "ALPHA_J2000": sky.ra_deg + scatter[0] / np.cos(np.radians(sky.dec_deg)),
            "DELTA_J2000": sky.dec_deg + scatter[1],
            "MAG_AUTO": -2.5 * np.log10(np.maximum(seen, 1e-3)),
            "MAGERR_AUTO": 1.0857 * error / np.maximum(seen, 1e-3),
            "FLAGS": np.zeros(len(flux), dtype=int),
        }
    )
    return table[inside & (seen > 5 * error)]


@dataclass(frozen=True)
class Surveyed:
    """A catalogue that has looked for variables and found none."""

    catalogue: TileCatalogue

    def __getattr__(self, name: str) -> Any:
        return getattr(self.catalogue, name)

    def cone(self, *where: float) -> ReferenceStars | NoCoverage:
        found = self.catalogue.cone(*where)
        if isinstance(found, NoCoverage):
            return found
        return replace(found, variable=np.zeros(len(found), dtype=bool))


@pytest.fixture
def reduced(field: Field, tmp_path: Path) -> Callable[..., PlaneReduction]:
    """Reduce a table (or any bytes) for the star in the field's middle."""

    def run(
        source: Table | bytes,
        reference: ReferenceCatalogue = field.reference,
        **changes: Any,
    ) -> PlaneReduction:
        path = tmp_path / "list.fits"
        if isinstance(source, Table):
            source.write(path, format="fits", overwrite=True)
        else:
            path.write_bytes(source)
        values = {"mid_exposure_mjd_utc": MJD, **changes}
        request = replace(field.request, **values)
        result = reduce_catalogue(path, request, reference)
        assert result.to_json()["planes"][0]["message"]
        return result.planes[0]

    return run


def elsewhere(request: ReductionRequest, east: float, north: float) -> dict[str, Any]:
    """The target moved by arcseconds."""
    (old,) = request.targets
    assert old.ra_deg is not None
    assert old.dec_deg is not None
    dec = old.dec_deg + north / 3600
    ra = old.ra_deg + east / 3600 / np.cos(np.radians(dec))
    return {"targets": (TargetPosition(1, ra, dec),)}


def test_the_nearest_entry_is_calibrated(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    plane = reduced(star_list(field.sky))
    assert plane.outcome is Outcome.CALIBRATED, plane.message
    assert plane.zero_point is not None
    assert plane.zero_point.passband == "GaiaSP/r"
    assert abs(plane.zero_point.value - ZERO_POINT) < 0.01
    (found,) = plane.measurements
    assert found.magnitude is not None
    assert found.magnitude_error is not None
    truth = float(field.sky.magnitude["r"][0])
    assert abs(found.magnitude - truth) < 4 * found.magnitude_error
    terms = {"instrumental", "zero_point", "colour", "floor"}
    assert set(found.error_budget_mag) == terms
    total = sum(term**2 for term in found.error_budget_mag.values()) ** 0.5
    assert found.magnitude_error == pytest.approx(total)
    assert plane.provenance.method == "catalogue-1"
    assert plane.timing is not None
    assert plane.timing.mid_exposure_mjd_utc == MJD
    assert plane.timing.bjd_tdb is not None


def test_the_limit_is_where_the_errors_reach_three_sigma(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    plane = reduced(star_list(field.sky)[1:])
    (found,) = plane.measurements
    assert found.outcome is Outcome.LIMIT
    assert found.is_limit
    assert found.magnitude is None
    assert found.flux_adu is None
    # S/N 1.0857 / 0.36 and 1.0857 / 0.2172 above the sky's noise, photons included
    for limit, error in ((found.limit_3sigma, 0.36), (found.limit_5sigma, 0.2172)):
        assert limit is not None
        flux = 10 ** (-0.4 * (limit - ZERO_POINT))
        sky = 10 ** (-0.8 * (SKY_MAG - ZERO_POINT))
        assert 1.0857 * np.sqrt(sky + flux) / flux == pytest.approx(error, rel=0.05)
    assert (found.limit_definition or "").startswith("catalogue:")


def test_an_uncertain_entry_is_no_fainter_than_its_own_light(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    table = star_list(field.sky)
    table["MAGERR_AUTO"][0] = 0.5
    (found,) = reduced(table).measurements
    assert found.outcome is Outcome.LIMIT
    truth = float(field.sky.magnitude["r"][0])
    for limit, sigma in ((found.limit_3sigma, 3), (found.limit_5sigma, 5)):
        bound = truth - 2.5 * np.log10(1 + sigma * 0.5 / MAG_PER_RELATIVE)
        assert limit == pytest.approx(bound, abs=0.05)


def test_rivals_are_stored_and_the_nearest_is_taken(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    table = star_list(field.sky)
    table.add_row(table[0])
    table["DELTA_J2000"][-1] += 1.5 / 3600
    table["MAG_AUTO"][-1] += 1.0
    (found,) = reduced(table, match_radius_arcsec=4.0).measurements
    (rival,) = found.rivals
    assert rival.separation_arcsec == pytest.approx(1.5, abs=0.3)
    assert found.magnitude is not None
    assert rival.magnitude - found.magnitude == pytest.approx(1.0)
    assert "blended" in found.flags


@pytest.mark.parametrize("rival_arcsec", [0.8, 1.5])
def test_a_neighbour_never_becomes_the_target(
    field: Field, reduced: Callable[..., PlaneReduction], rival_arcsec: float
) -> None:
    table = star_list(field.sky)
    table.add_row(table[0])
    table["DELTA_J2000"][-1] += rival_arcsec / 3600
    table["MAG_AUTO"][0] = table["MAGERR_AUTO"][0] = 99.0
    (found,) = reduced(table, match_radius_arcsec=4.0).measurements
    assert found.outcome is Outcome.TARGET_MASKED
    assert "without a usable magnitude in MAG_AUTO" in found.message
    assert found.magnitude is None
    assert found.limit_3sigma is None
    table["FLAGS"][0] = 4
    (found,) = reduced(table, match_radius_arcsec=4.0).measurements
    assert found.outcome is Outcome.TARGET_SATURATED
    table["FLAGS"][0] = 0
    table["MAG_AUTO"][0], table["MAGERR_AUTO"][0] = 2.0, 1.3
    (found,) = reduced(table, match_radius_arcsec=4.0).measurements
    assert found.outcome is Outcome.LIMIT
    assert found.is_limit


def test_scintillation_is_in_the_budget_where_it_is_known(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    table = star_list(field.sky)
    small = CameraSettings(aperture_m=0.2)
    (without,) = reduced(table, camera=small).measurements
    assert "scintillation" not in without.error_budget_mag
    table.meta["EXPTIME"], table.meta["DATE-OBS"] = 2.0, "2026-03-01T14:00:00"
    plane = reduced(table, camera=small)
    assert plane.timing is not None
    assert plane.timing.air_mass is not None
    assert field.request.site is not None
    (found,) = plane.measurements
    expected = MAG_PER_RELATIVE * scintillation(
        0.2, 2.0, plane.timing.air_mass, field.request.site.height_m
    )
    assert found.error_budget_mag["scintillation"] == pytest.approx(expected)


def test_a_constant_star_is_corrected_for_its_colour_as_in_a_frame(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    table = star_list(field.sky)
    slope = 0.25 * (field.sky.magnitude["g"] - field.sky.magnitude["r"])
    index = [
        int(np.argmin(np.hypot(field.sky.ra_deg - ra, field.sky.dec_deg - dec)))
        for ra, dec in zip(table["ALPHA_J2000"], table["DELTA_J2000"], strict=True)
    ]
    table["MAG_AUTO"] += slope[index]
    constant = Surveyed(field.reference)
    request = {"requested_filter": "GaiaSP/r"}
    (assumed,) = reduced(table, **request).measurements
    (known,) = reduced(table, reference=constant, **request).measurements
    assert "colour_assumed" in assumed.flags
    assert "colour_assumed" not in known.flags
    truth = float(field.sky.magnitude["r"][0])
    assert known.magnitude is not None
    assert known.magnitude_error is not None
    assert abs(known.magnitude - truth) < 4 * known.magnitude_error
    assert known.error_budget_mag["colour"] < 0.3 * assumed.error_budget_mag["colour"]


def test_a_request_changes_no_number_of_a_catalogue(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    """Columns that hardly differ: a choice by the request's bands would flip."""
    for seed in range(3):
        table = star_list(field.sky, seed)
        rng = np.random.default_rng(seed)
        seen = table["MAG_AUTO"].copy()
        table.remove_columns(["MAG_AUTO", "MAGERR_AUTO"])
        for number, (noise, own) in enumerate(((0.035, 0.010), (0.03, 0.018)), 1):
            table[f"MAG_APER_{number}"] = seen + rng.normal(0, noise, len(seen))
            table[f"MAGERR_APER_{number}"] = np.full(len(seen), own)
        numbers: dict[str, set[object]] = {}
        columns: set[str] = set()
        chosen: dict[str, tuple[float, float]] = {}
        for request in ("any", "ugriz", "UBVRI", "r", "R", "g"):
            plane = reduced(table, requested_filter=f"GaiaSP/{request}")
            assert plane.catalogue_file is not None
            assert plane.zero_point is not None
            columns |= {e.column for e in plane.catalogue_file.estimators if e.chosen}
            for row in plane.zero_point.ranking:
                same = replace(row, reason="", chosen=False)
                numbers.setdefault(row.passband, set()).add(same)
            figures = plane.zero_point.value, plane.zero_point.error
            assert chosen.setdefault(plane.zero_point.passband, figures) == figures
        assert len(columns) == 1
        assert all(len(same) == 1 for same in numbers.values())


def test_the_column_of_earlier_catalogues_is_kept(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    table = star_list(field.sky)
    rng = np.random.default_rng(8)
    flux = 10 ** (-0.4 * table["MAG_AUTO"])
    error = flux * table["MAGERR_AUTO"] / MAG_PER_RELATIVE
    table.remove_columns(["MAG_AUTO", "MAGERR_AUTO"])
    table["FLUX"], table["FLUXERR"] = flux * rng.normal(1, 0.1, len(flux)), error
    table["FLUXAPER1"], table["FLUXERR1"] = flux, error

    def column(**changes: Any) -> str:
        plane = reduced(table, **changes)
        assert plane.catalogue_file is not None
        return next(e.column for e in plane.catalogue_file.estimators if e.chosen)

    before = Decisions(brightness_column="FLUX")
    assert column() == "FLUXAPER1"
    assert column(decisions=before) == "FLUX"
    assert column(decisions=Decisions(brightness_column="MAG_PSF")) == "FLUXAPER1"
    table["FLUX"][20:] = -1.0
    assert column(decisions=before) == "FLUXAPER1"


def test_the_radius_is_the_uploaders_or_follows_the_match(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    table = star_list(field.sky)
    shifted = elsewhere(field.request, 0.0, 4.0)
    assert reduced(table, **shifted).outcome is Outcome.LIMIT
    assert reduced(table, match_radius_arcsec=6.0, **shifted).outcome is (
        Outcome.CALIBRATED
    )


def test_a_saturated_entry_is_neither_magnitude_nor_limit(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    table = star_list(field.sky)
    table["FLAGS"][0] = 4
    plane = reduced(table)
    assert plane.outcome is Outcome.TARGET_SATURATED
    assert plane.measurements[0].limit_3sigma is None


def test_a_target_beyond_the_sources_is_no_limit(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    table = star_list(field.sky)
    west = table["ALPHA_J2000"] < field.sky.centre[0] - 0.01
    plane = reduced(table[west])
    assert plane.outcome is Outcome.TARGET_OUTSIDE_FRAME
    assert "outside" in plane.message


def test_the_best_of_several_apertures_is_found_by_its_scatter(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    table = star_list(field.sky)
    rng = np.random.default_rng(8)
    flux = 10 ** (-0.4 * table["MAG_AUTO"])
    error = flux * table["MAGERR_AUTO"] / 1.0857
    table.remove_columns(["MAG_AUTO", "MAGERR_AUTO"])
    table["FLUX"], table["FLUXERR"] = flux * rng.normal(1, 0.1, len(flux)), error
    table["FLUXAPER1"], table["FLUXERR1"] = flux * rng.normal(1, 0.06, len(flux)), error
    table["FLUXAPER2"], table["FLUXERR2"] = flux, error
    table["FLUXAPER3"], table["FLUXERR3"] = flux, 1.5 * error
    plane = reduced(table)
    assert plane.catalogue_file is not None
    chosen = [one.column for one in plane.catalogue_file.estimators if one.chosen]
    assert chosen == ["FLUXAPER2"]
    assert any("FLUXAPER2" in warning for warning in plane.warnings)


def test_pixels_beside_the_sky_make_the_grid(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    table = star_list(field.sky)
    without = reduced(table)
    ra_0, dec_0 = field.sky.centre
    east = (table["ALPHA_J2000"] - ra_0) * np.cos(np.radians(dec_0)) * 3600
    north = (table["DELTA_J2000"] - dec_0) * 3600
    table["X_IMAGE"], table["Y_IMAGE"] = 230 + east / 0.8, 240 + north / 0.8
    plane = reduced(table)
    assert plane.wcs is not None
    assert plane.wcs.pixel_scale_arcsec == pytest.approx(0.8, rel=0.01)
    assert plane.wcs.mirrored
    measured, before = plane.measurements[0], without.measurements[0]
    assert measured.x_px == pytest.approx(229, abs=1)
    assert measured.magnitude == pytest.approx(before.magnitude, abs=1e-3)


def test_pixels_alone_are_placed_by_their_stars(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    table = star_list(field.sky)
    with_sky = reduced(table).measurements[0]
    ra_0, dec_0 = field.sky.centre
    east = (table["ALPHA_J2000"] - ra_0) * np.cos(np.radians(dec_0)) * 3600
    table["X_IMAGE"] = 230 - east / 0.8
    table["Y_IMAGE"] = 240 + (table["DELTA_J2000"] - dec_0) * 3600 / 0.8
    table.remove_columns(["ALPHA_J2000", "DELTA_J2000"])
    plane = reduced(table, camera=CameraSettings(pixel_scale_arcsec=0.8))
    assert plane.outcome is Outcome.CALIBRATED, plane.message
    assert plane.wcs is not None
    assert plane.wcs.method == "solved_hinted"
    assert plane.measurements[0].magnitude == pytest.approx(
        with_sky.magnitude, abs=0.01
    )


def test_a_shifted_catalogue_is_corrected_before_the_target_is_sought(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    table = star_list(field.sky)
    table["DELTA_J2000"] += 12 / 3600
    plane = reduced(table)
    assert plane.outcome is Outcome.CALIBRATED, plane.message
    assert plane.wcs is not None
    assert plane.wcs.offset_arcsec == pytest.approx(12, abs=0.3)


def test_what_cannot_be_calibrated_is_said(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    table = star_list(field.sky)
    assert reduced(table[:3]).outcome is Outcome.TOO_FEW_STARS
    assert reduced(table, mid_exposure_mjd_utc=None).outcome is Outcome.NO_TIME
    assert reduced(table, mid_exposure_mjd_utc=2461100.5).outcome is Outcome.NO_TIME
    assert reduced(table, requested_filter="GaiaSP/q").outcome is Outcome.UNKNOWN_FILTER
    assert reduced(b"\0\1").outcome is Outcome.UNREADABLE_CATALOGUE
    away = table.copy()
    away["DELTA_J2000"] = -away["DELTA_J2000"]
    away_target = TargetPosition(1, *field.sky.centre[:1], -field.sky.centre[1])
    assert reduced(away, targets=(away_target,)).outcome is (
        Outcome.WAITING_FOR_CATALOGUE
    )
    lost = reduced(b"XCENTER,YCENTER,MAG,MERR\n" + b"1,2,3,0.1\n" * 8)
    assert lost.outcome is Outcome.NO_WCS


def test_header_and_upload_may_disagree_about_the_time(
    field: Field, reduced: Callable[..., PlaneReduction]
) -> None:
    table = star_list(field.sky)
    table.meta["DATE-OBS"], table.meta["EXPTIME"] = "2026-03-01T14:00:00", 60.0
    told = reduced(table, mid_exposure_mjd_utc=None)
    assert told.timing is not None
    assert told.timing.exposure_time_s == 60.0
    plane = reduced(table)
    assert plane.timing is not None
    assert plane.timing.mid_exposure_mjd_utc == MJD
    assert any("the upload's counts" in warning for warning in plane.warnings)


def test_error_relation_from_sources_that_end_far_above_the_limit() -> None:
    rng = np.random.default_rng(4)
    flux = 10 ** rng.uniform(2, 5, 150)
    error = np.sqrt(30.0**2 + flux / 2)
    error[:20] *= 5  # blends
    magnitude = -2.5 * np.log10(flux)
    relation = fit_error_relation(magnitude, 1.0857362 * error / flux)
    assert relation is not None
    at_limit = 10 ** (-0.4 * relation.magnitude_of_error(0.36))
    wanted = 1.0857362 * np.sqrt(30.0**2 + at_limit / 2) / at_limit
    assert wanted == pytest.approx(0.36, rel=0.02)
    assert fit_error_relation(magnitude[:5], error[:5]) is None
