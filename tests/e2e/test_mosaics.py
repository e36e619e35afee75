"""Two chips in a file: it waits for reference stars, goes on, and each chip answers."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from astropy.io import fits
from playwright.sync_api import expect

from bhtom_local.api_client import ApiClient
from bhtom_local.stack import Stack
from bhtom_sky.camera import Camera
from bhtom_sky.frames import render_frame
from bhtom_sky.stars import make_sky
from tests.field import BEGIN, Field, import_stars, register_field
from tests.visitor import Visitor, sign_in

CENTRE: Final = (154.0, -37.0)
CATALOGUE: Final = "Later"
MAGNITUDE: Final = 15.4
SIDE, GAP = 256, 30  # px of a chip, and between the two
# Imports are looked at every 10 s; a machine that also does other things takes longer.
PATIENCE_MS: Final = 120_000
WCS_CARDS: Final = ("CTYPE", "CRVAL", "CRPIX", "CDELT", "CUNIT", "PC", "LONPOLE")
OF_A_CHIP: Final = (*WCS_CARDS, "LATPOLE", "RADESYS", "EGAIN", "RDNOISE", "SATURATE")


@pytest.fixture(scope="module")
def wide(admin: ApiClient) -> Field:
    """A target on the left chip of two; the suite has no reference stars there."""
    sky = make_sky(
        9, CENTRE, 0.16, 900,
        variable_magnitude=MAGNITUDE, variable_amplitude_mag=0.0, isolation_arcsec=20,
    )  # fmt: skip
    model = Camera(
        width_px=2 * SIDE + GAP, height_px=SIDE, pixel_scale_arcsec=1.1, cosmic_rays=0
    )
    return register_field(
        admin, "On-one-chip", sky, model, camera="TwoChips", catalogue=CATALOGUE
    )


def mosaic(wide: Field) -> bytes:
    """The file as such cameras write it.

    What both chips share is in the primary header alone, which the compressed
    extensions inherit; their own cards tell place, gain, and section on the detector.
    """
    camera = wide.model
    aside = (camera.width_px / 2 - SIDE / 2) * camera.pixel_scale_arcsec / 3600
    pointing = CENTRE[0] - aside / float(np.cos(np.radians(CENTRE[1]))), CENTRE[1]
    frame = render_frame(
        wide.sky, camera, BEGIN + timedelta(hours=1), 60.0, pointing, "GaiaSP/r", 77
    )
    with fits.open(io.BytesIO(frame.fits_bytes)) as hdus:
        image, header = hdus[0].data.copy(), hdus[0].header.copy()
    shared = fits.PrimaryHDU(None, fits.Header([("NEXTEND", 2)]))
    for card in header.cards:
        name = str(card.keyword)
        if not name.startswith(("NAXIS", "BZERO", "BSCALE", *OF_A_CHIP)):
            shared.header.append(card, end=True)
    chips = [_chip(number, image, header) for number in range(2)]
    out = io.BytesIO()
    fits.HDUList([shared, *chips]).writeto(out)
    return out.getvalue()


def _chip(number: int, image: Any, header: fits.Header) -> fits.CompImageHDU:
    left = number * (SIDE + GAP)
    cards = fits.Header(
        [card for card in header.cards if str(card.keyword).startswith(OF_A_CHIP)]
    )
    cards["CRPIX1"] -= left
    cards["INHERIT"] = True
    cards["CCDNAME"] = f"N{number + 1}"
    cards["DATASEC"] = f"[1:{SIDE},1:{SIDE}]"
    cards["DETSEC"] = f"[{left + 1}:{left + SIDE},1:{SIDE}]"
    return fits.CompImageHDU(
        np.ascontiguousarray(image[:, left : left + SIDE]),
        cards,
        name=f"CCD{number + 1}",
        compression_type="RICE_1",
    )


def test_a_mosaic_waits_for_its_stars_and_each_chip_answers(
    stack: Stack, admin: ApiClient, wide: Field, visitor: Visitor, tmp_path: Path
) -> None:
    sent = admin.upload(
        mosaic(wide),
        target=wide.target["name"],
        camera=wide.camera["oname"],
        file_name="two_chips.fits.fz",
        filter=f"{CATALOGUE}/any",
    )
    number = sent["data_product_id"]
    page = visitor.page
    sign_in(page, stack)
    page.goto(f"/uploads/{number}")
    state = page.locator("#upload .page-head .state")
    expect(state).to_have_text("Waiting", timeout=PATIENCE_MS)
    expect(page.locator("#upload .box")).to_contain_text("reference stars")
    assert wide.points(admin) == {}

    import_stars(stack, tmp_path, wide.sky, CATALOGUE)
    expect(state).to_have_text("Done", timeout=PATIENCE_MS)
    product = admin.data_product(number)
    ours, other = product["planes"]
    assert product["target_plane"] == ours["plane"] == 0
    assert [ours["outcome"], other["outcome"]] == ["calibrated", "target_outside_frame"]
    (point,) = wide.points(admin).values()
    assert ours["point_ids"] == [point["point_id"]]
    assert other["point_ids"] == []
    assert point["value"] == pytest.approx(MAGNITUDE, abs=4 * point["error"])
    assert point["error"] < 0.03

    images = page.locator("section").filter(has_text="Images of the file")
    expect(images.get_by_role("listitem")).to_have_count(2)
    expect(images).to_contain_text("the target's")
    cards = page.locator("section.card").filter(has_text="Zero point")
    expect(cards).to_have_count(2)
    page.get_by_text("image 2: target off the frame").click()
    expect(cards.nth(1).get_by_text("Zero point", exact=True)).to_be_visible()
    assert visitor.complaints == []
