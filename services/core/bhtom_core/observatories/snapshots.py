"""What other services are told of cameras."""

from bhtom_contracts.events.cameras import (
    CameraChanged,
    CameraPin,
    HeaderKeywords,
    Site,
)
from bhtom_core.rows import Record


def camera_snapshot(camera: Record) -> CameraChanged:
    """A camera joined with its newest version."""
    return CameraChanged(
        aggregate_version=camera.version,
        deleted_at=camera.deleted_at,
        camera=CameraPin(
            camera_id=camera.camera_id,
            camera_version=camera.camera_version,
            oname=camera.oname,
            observatory_name=camera.observatory_name,
            site=Site(
                longitude=camera.longitude,
                latitude=camera.latitude,
                altitude=camera.altitude,
            ),
            gain=camera.gain,
            readout_noise=camera.readout_noise,
            saturation_level=camera.saturation_level,
            pixel_scale=camera.pixel_scale,
            binning=camera.binning,
            aperture=camera.aperture,
            keywords=HeaderKeywords(
                date=camera.date_keyword,
                time=camera.time_keyword,
                exposure_time=camera.exposure_time_keyword,
                filter=camera.filter_keyword,
            ),
            second_order_extinction=camera.second_order_extinction or (),
            learned=camera.learned,
        ),
        observatory_id=camera.observatory_id,
        camera_name=camera.camera_name,
        owner_id=camera.owner_id,
        approval=camera.approval,
        active=camera.active,
        created_at=camera.created_at,
        modified_at=camera.modified_at,
    )
