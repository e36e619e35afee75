"""The forced fit: neighbours, freedom of the position, bad pixels, limits."""

import math
from dataclasses import replace

import numpy as np
import pytest

from bhtom_cpcs.science.astrometry.coordinates import separation_deg
from bhtom_cpcs.science.decisions import Decisions, Scene, SceneStar
from bhtom_cpcs.science.frames.pixel_noise import PixelNoise
from bhtom_cpcs.science.reference import ReferenceStars
from bhtom_cpcs.science.request import Ephemeris, EphemerisRow, TargetPosition
from bhtom_cpcs.science.stars.cosmic_rays import NO_STRIKES, find_strikes
from bhtom_cpcs.science.stars.detection import Sources
from bhtom_cpcs.science.stars.psf_model import model_of
from bhtom_cpcs.science.stars.psf_shape import Shape
from bhtom_cpcs.science.targets.error_budget import (
    Circumstances,
    flux_terms,
    in_quadrature,
    magnitude_terms,
    scintillation,
)
from bhtom_cpcs.science.targets.forced_fit import (
    FrameLight,
    forced_fit,
    pinned_fit,
)
from bhtom_cpcs.science.targets.neighbourhood import (
    propose_scene,
    scene_radius_arcsec,
)
from bhtom_cpcs.science.targets.target_pixels import look_at_pixels, without_flanks
from bhtom_cpcs.science.targets.target_position import place_of
from bhtom_cpcs.science.targets.unmodelled_light import unmodelled_light

FWHM, GAIN, RMS, SIDE = 3.0, 2.0, 10.0, 121
PSF = model_of(Shape(FWHM, softness=1 / 3), 0)
NOBODY = (np.zeros(0), np.zeros(0))
MIDDLE = (60.3, 59.8)


def frame_of(*stars: tuple[float, float, float], seed: int | None = 1) -> FrameLight:
    """An empty sky with stars (x, y, flux) of the model's own PSF."""
    pixels = np.zeros((SIDE, SIDE))
    for x, y, flux in stars:
        half = 40
        stamp = PSF.stamps(np.array([x]), np.array([y]), half)[0] * flux
        column, row = round(x) - half, round(y) - half
        for dy in range(2 * half + 1):
            for dx in range(2 * half + 1):
                if 0 <= row + dy < SIDE and 0 <= column + dx < SIDE:
                    pixels[row + dy, column + dx] += stamp[dy, dx]
    if seed is not None:
        noise = np.random.default_rng(seed).normal(size=pixels.shape)
        pixels = pixels + noise * np.sqrt(RMS**2 + pixels / GAIN)
    noise_of = PixelNoise(RMS, GAIN, None, 1.0, False)
    return FrameLight(pixels.astype(np.float32), None, PSF, noise_of)


def sources_at(*places: tuple[float, float]) -> Sources:
    x, y = np.array(places).reshape(-1, 2).T
    one = np.ones(len(x))
    return Sources(x, y, one, one, one, one, np.zeros(len(x), dtype=np.int64))


def test_a_neighbour_takes_its_own_light() -> None:
    beside = MIDDLE[0] + 1.5 * FWHM
    light = frame_of((*MIDDLE, 20000.0), (beside, MIDDLE[1], 40000.0), seed=None)
    neighbours = np.array([beside]), np.array([MIDDLE[1]])
    together = pinned_fit(light, *MIDDLE, neighbours)
    assert together.flux == pytest.approx(20000.0, rel=1e-3)
    alone = pinned_fit(light, *MIDDLE, NOBODY)
    assert alone.flux > 22000
    assert together.blend_error > 0
    assert 1000 < together.neighbour_flux < alone.flux - 20000


def test_a_faint_target_stays_pinned_and_a_bright_one_is_followed() -> None:
    shift = 0.6
    for flux, free in ((500.0, False), (30000.0, True)):
        light = frame_of((MIDDLE[0] + shift, MIDDLE[1], flux))
        fit = forced_fit(light, *MIDDLE, NOBODY, 0.5)
        assert fit.is_free is free
        if free:
            assert fit.x - MIDDLE[0] == pytest.approx(shift, abs=0.03)
            assert fit.flux == pytest.approx(flux, rel=0.03)
            assert fit.centre is not None
            assert 0 < fit.centre.error_x < 0.05
        else:
            assert (fit.x, fit.y) == MIDDLE


def test_the_position_does_not_run_to_a_star_nearby() -> None:
    light = frame_of((MIDDLE[0] + 2.2, MIDDLE[1], 50000.0))
    fit = forced_fit(light, *MIDDLE, NOBODY, 0.1)
    assert fit.astray
    assert (fit.x, fit.y) == MIDDLE
    # the same light is the target where its place is known no better
    assert forced_fit(light, *MIDDLE, NOBODY, 1.5).is_free


def test_a_well_known_position_holds_against_a_weak_centroid() -> None:
    light = frame_of((MIDDLE[0] + 0.3, MIDDLE[1], 2500.0))
    loose = forced_fit(light, *MIDDLE, NOBODY, 1.0)
    tight = forced_fit(light, *MIDDLE, NOBODY, 0.01)
    assert loose.is_free
    assert abs(tight.x - MIDDLE[0]) < 0.02 < abs(loose.x - MIDDLE[0])


def test_centroid_errors_are_true() -> None:
    pulls = []
    for seed in range(40):
        light = frame_of((*MIDDLE, 8000.0), seed=100 + seed)
        centre = forced_fit(light, *MIDDLE, NOBODY, 5.0).centre
        assert centre is not None
        pulls += [
            (centre.x - MIDDLE[0]) / centre.error_x,
            (centre.y - MIDDLE[1]) / centre.error_y,
        ]
    assert 0.8 < float(np.std(pulls)) < 1.25
    assert abs(float(np.mean(pulls))) < 0.35


def test_a_neighbour_in_no_list_is_told() -> None:
    beside = (MIDDLE[0] + 1.3 * FWHM, MIDDLE[1])
    light = frame_of((*MIDDLE, 20000.0), (*beside, 8000.0))
    fit = pinned_fit(light, *MIDDLE, NOBODY)
    sources = sources_at(MIDDLE, beside)
    extra = unmodelled_light(light, fit, sources)
    assert extra.light_adu == pytest.approx(fit.flux - 20000.0, rel=0.4)
    assert extra.is_resolved
    (star,) = extra.stars
    assert star.flux == pytest.approx(8000.0, rel=0.1)
    known = pinned_fit(light, *MIDDLE, tuple(np.array([v]) for v in beside))
    none = unmodelled_light(light, known, sources)
    assert (none.light_adu, none.stars, none.is_resolved) == (0.0, (), True)
    # a blob between two known stars is not a third one
    between = sources_at((MIDDLE[0] + 0.65 * FWHM, MIDDLE[1]))
    none = unmodelled_light(light, known, between)
    assert (none.light_adu, none.stars, none.is_resolved) == (0.0, (), False)


def test_a_cosmic_ray_does_not_count() -> None:
    light = frame_of((*MIDDLE, 20000.0))
    light.pixels[61, 61] += 9000.0
    light.pixels[61, 62] += 300.0  # a flank, no sharper than the star
    strikes = find_strikes(light.pixels, None, light.psf, light.noise)
    assert (strikes.row.tolist(), strikes.column.tolist()) == ([61], [61])
    masked = replace(light, mask=strikes.masked(None, light.pixels.shape))
    seen = look_at_pixels(masked, *MIDDLE, 0.0, None, strikes)
    assert seen.struck
    assert not seen.core_masked
    seen = without_flanks(seen, *MIDDLE, NOBODY, 0.1)
    assert seen.struck_pixels.sum() == 2
    fit = pinned_fit(seen.light, *MIDDLE, NOBODY)
    assert fit.flux == pytest.approx(20000.0, abs=4 * fit.error)
    assert light.mask is None  # the frame's own mask is left alone
    assert pinned_fit(light, *MIDDLE, NOBODY).flux > 20800


def test_a_saturated_neighbour_is_masked_and_the_target_measured() -> None:
    beside = (MIDDLE[0] + 5.0, MIDDLE[1])
    light = frame_of((*MIDDLE, 20000.0), (*beside, 600000.0), seed=None)
    ceiling = 30000.0
    full = light.pixels >= ceiling
    assert full.any()
    clipped = replace(light, pixels=np.minimum(light.pixels, ceiling))
    seen = look_at_pixels(clipped, *MIDDLE, 0.0, ceiling, NO_STRIKES)
    assert seen.saturated_near
    assert not seen.saturated
    assert look_at_pixels(clipped, *beside, 0.0, ceiling, NO_STRIKES).saturated
    neighbours = tuple(np.array([v]) for v in beside)
    fit = pinned_fit(seen.light, *MIDDLE, neighbours)
    assert fit.flux == pytest.approx(20000.0, rel=0.05)


def test_masked_core_is_noticed() -> None:
    light = frame_of((*MIDDLE, 20000.0))
    mask = np.zeros((SIDE, SIDE), dtype=bool)
    mask[60, 60] = True
    bad = replace(light, mask=mask)
    assert look_at_pixels(bad, *MIDDLE, 0.0, None, NO_STRIKES).core_masked
    mask[60, 60], mask[60, 66] = False, True
    assert not look_at_pixels(bad, *MIDDLE, 0.0, None, NO_STRIKES).core_masked


def test_scintillation() -> None:
    # sqrt(10e-6 * 1.5^2) = 4.743e-3 at 1 m, 1 s, sea level, zenith
    assert scintillation(1.0, 1.0, 1.0, 0.0) == pytest.approx(4.743e-3, rel=1e-3)
    assert scintillation(0.3, 10.0, 2.0, 2400.0) == pytest.approx(
        4.743e-3 * 0.3 ** (-2 / 3) * 10**-0.5 * 2**1.5 * math.exp(-0.3), rel=1e-3
    )


def test_every_term_of_the_budget_adds_in_quadrature() -> None:
    light = frame_of((*MIDDLE, 20000.0))
    fit = pinned_fit(light, *MIDDLE, NOBODY)
    plain = Circumstances(
        zero_point_error_mag=0.004,
        fwhm_px=FWHM,
        normalisation_error_mag=0.002,
        exposure_time_s=10.0,
    )
    full = replace(
        plain,
        air_mass=1.5,
        aperture_m=0.5,
        position_error_px=0.3,
        trail_px=2.0,
        unmodelled_adu=400.0,
        lost_share=0.2,
        colour_error_mag=0.02,
    )
    few = magnitude_terms(fit, plain, flux_terms(fit, plain))
    many = magnitude_terms(fit, full, flux_terms(fit, full))
    assert set(many) - set(few) == {
        *("blend", "cosmic_ray", "position", "scintillation", "colour")
    }
    assert many["blend"] == pytest.approx(1.0857 * 400 / math.sqrt(3) / fit.flux, 0.01)
    assert many["colour"] == 0.02
    assert in_quadrature(many) > in_quadrature(few) > max(few.values())


def test_the_expected_loss_of_a_misplaced_fit() -> None:
    # of a faint star: a bright one's weights are flat and lose less
    light = frame_of((MIDDLE[0] + 0.5, MIDDLE[1], 400.0), seed=None)
    lost = 1 - pinned_fit(light, *MIDDLE, NOBODY).flux / 400.0
    plain = Circumstances(0.0, FWHM, 0.0, 10.0, position_error_px=0.5 / math.sqrt(2))
    fit = pinned_fit(light, *MIDDLE, NOBODY)
    said = magnitude_terms(fit, plain, {})["position"] / 1.0857
    assert said == pytest.approx(lost, rel=0.4)  # the PSF is no Gaussian


def reference(*places: tuple[float, float, float]) -> ReferenceStars:
    ra, dec, motion = np.array(places).T
    nothing = np.zeros(len(ra))
    return ReferenceStars(ra, dec, 2016.0, motion, nothing, {}, {}, {}, ())


def test_a_scene_lists_the_neighbours_but_not_the_target() -> None:
    place = place_of(TargetPosition(9, 150.0, 0.0), 61041.25)  # 2026.0
    stars = reference(
        (150.0 + 0.4 / 3600, 0.0, 0.0),  # the target
        (150.0 + 12.0 / 3600, 0.0, -1000.0),  # moved 10 arcsec nearer by now
        (150.0 - 5.0 / 3600, 0.0, 0.0),
        (150.0 + 40.0 / 3600, 0.0, 0.0),  # too far
    )
    scene = propose_scene(place, stars, 2026.0, 30.0, "GaiaSP 1")
    found = [
        float(separation_deg(np.array([s.ra_deg]), np.array([s.dec_deg]), 150, 0)[0])
        for s in scene.stars
    ]
    assert [round(3600 * value, 1) for value in found] == [12.0, 5.0]
    assert scene.target_id == 9
    assert scene.version == 1


def test_scene_radius() -> None:
    assert scene_radius_arcsec(1.0) == 30.0
    assert scene_radius_arcsec(4.0) == 48.0
    assert scene_radius_arcsec(900.0) == 600.0


def test_bodies_that_move_have_no_scene_of_their_own() -> None:
    from bhtom_cpcs.science.targets.neighbourhood import neighbours_of

    class Plane:
        pixel_scale_arcsec = 1.0

        def pixel(self, ra, dec):
            return (ra - 150) * 3600, (dec - 0) * 3600

    rows = tuple(EphemerisRow(61040 + n, 150.0, 0.0, 1.0) for n in range(6))
    moving = TargetPosition(9, ephemeris=Ephemeris(rows, topocentric=True))
    stars = reference((150.0 + 5.0 / 3600, 0.0, 0.0))
    pinned = Decisions(scenes=(Scene(9, 3, 30.0, "x", (SceneStar(150.0, 0.001),)),))
    for target, decisions, version, proposes in (
        (moving, pinned, 0, False),
        (TargetPosition(9, 150.0, 0.0), pinned, 3, False),
        (TargetPosition(9, 150.0, 0.0), Decisions(), 1, True),
    ):
        place = place_of(target, 61042.0)
        found = neighbours_of(place, decisions, stars, "c", Plane(), 2026.0, 3.0)
        assert found.version == version
        assert (found.proposed is not None) is proposes
        assert len(found.x) == 1


def test_a_star_that_a_body_passes_over_is_its_neighbour() -> None:
    rows = tuple(EphemerisRow(61040 + n, 150.0, 0.0, 1.0) for n in range(6))
    body = TargetPosition(9, ephemeris=Ephemeris(rows, topocentric=True))
    stars = reference((150.0 + 0.5 / 3600, 0.0, 0.0))
    for target, listed in ((body, 1), (TargetPosition(9, 150.0, 0.0), 0)):
        place = place_of(target, 61042.0)
        assert len(propose_scene(place, stars, 2016.0, 30.0, "c").stars) == listed


def test_an_exposure_of_unknown_length_has_no_scintillation_of_its_own() -> None:
    fit = pinned_fit(frame_of((*MIDDLE, 20000.0)), *MIDDLE, NOBODY)
    at = Circumstances(0.004, FWHM, 0.002, 0.0, air_mass=1.2, aperture_m=0.3)
    assert "scintillation" not in magnitude_terms(fit, at, flux_terms(fit, at))
