"""The large frame of the benchmarks: 4k x 4k pixels, 5,000 stars, their catalogue."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bhtom_cpcs.science.frames.planes import Plane
    from bhtom_cpcs.science.request import ReductionRequest

# 4096 pixels of 0.8 arcsec; the disc of stars reaches over the frame's corners.
SIDE_PX: Final = 4096
STARS_IN_FRAME: Final = 5000
CENTRE: Final = (150.0, -24.0)
RADIUS_DEG: Final = 0.68


@dataclass(frozen=True, slots=True)
class LargeFrame:
    """A frame's file, the folder of its catalogue's tiles, and what is asked of it."""

    path: Path
    catalogues: Path
    request: "ReductionRequest"
    fwhm_px: float
    gain_e_per_adu: float

    def reduce(self) -> int:
        """Reduce the frame as a worker does, the plot's data too; count the sources."""
        from bhtom_cpcs.reference_catalogues.catalogue import open_catalogue
        from bhtom_cpcs.science.reduction import reduce_frame

        catalogue = open_catalogue(self.catalogues, "GaiaSP")
        plane = reduce_frame(self.path, self.request, catalogue).planes[0]
        if plane.outcome != "calibrated":
            raise RuntimeError(
                f"The frame ended as {plane.outcome}: nothing to compare."
            )
        return 0 if plane.quality is None else plane.quality.n_sources

    def catalogue(self) -> int:
        """Find the sources and measure what SExtractor is asked for; count them."""
        import numpy as np
        import sep

        from bhtom_cpcs.science.stars.detection import (
            detect,
            subtract_background,
        )
        from bhtom_cpcs.science.stars.first_look import first_look

        plane = self._plane()
        sky = subtract_background(plane.pixels, plane.mask)
        guess = first_look(plane.pixels, plane.mask, sky.rms)
        sources = detect(plane.pixels, plane.mask, sky.rms, guess)
        width = np.full(len(sources), guess / 2.3548)
        sep.winpos(plane.pixels, sources.x, sources.y, width)
        for diameter in (2, 3, 4):
            radius = diameter * self.fwhm_px / 2
            sep.sum_circle(
                plane.pixels,
                sources.x,
                sources.y,
                radius,
                err=sky.rms,
                gain=self.gain_e_per_adu,
            )
        return len(sources)

    def find_sources(self) -> int:
        """Run the stages of the reduction up to the sources and their fluxes."""
        from bhtom_cpcs.reference_catalogues.catalogue import open_catalogue
        from bhtom_cpcs.science.reduction import STAGES
        from bhtom_cpcs.science.stages.plane_state import PlaneState

        catalogue = open_catalogue(self.catalogues, "GaiaSP")
        state = PlaneState(self._plane(), self.request, catalogue)
        for stage in STAGES:
            stage(state)
            if state.sources is not None:
                return len(state.sources)
        raise RuntimeError("No stage finds sources.")

    def _plane(self) -> "Plane":
        from bhtom_cpcs.science.frames.fits_files import open_fits
        from bhtom_cpcs.science.frames.fits_input import read_planes

        with open_fits(self.path) as hdus:
            return next(iter(read_planes(hdus)))


def large_frame(folder: Path) -> LargeFrame:
    """Render the frame and import its catalogue below a folder."""
    from bhtom_cpcs.reference_catalogues.importers import Cone, import_slice
    from bhtom_cpcs.science.request import (
        CameraSettings,
        ReductionRequest,
        Site,
        TargetPosition,
    )
    from bhtom_sky import Camera, make_sky, render_frame, write_catalogue

    side_deg = SIDE_PX * 0.8 / 3600
    count = round(STARS_IN_FRAME * 3.1416 * RADIUS_DEG**2 / side_deg**2)
    sky = make_sky(7, CENTRE, RADIUS_DEG, count, faintest=18.0)
    camera = Camera(width_px=SIDE_PX, height_px=SIDE_PX, cosmic_rays=200)
    moment = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
    frame = render_frame(
        sky, camera, moment, 60.0, CENTRE, "GaiaSP/r", seed=3, name="large.fits"
    )
    path = folder / frame.name
    path.write_bytes(frame.fits_bytes)
    write_catalogue(sky, folder / "stars.csv")
    import_slice(folder, folder / "stars.csv", Cone(*CENTRE, RADIUS_DEG))
    request = ReductionRequest(
        targets=(TargetPosition(1, *CENTRE),),
        site=Site(-24.6, -70.4, 2400.0),
        camera=CameraSettings(
            gain_e_per_adu=camera.gain_e_per_adu,
            read_noise_e=camera.read_noise_e,
            saturation_adu=camera.saturation_adu,
        ),
    )
    return LargeFrame(path, folder, request, camera.fwhm_px, camera.gain_e_per_adu)
