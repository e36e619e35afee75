"""Every common kind of FITS file is read, and every other one is refused in words."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from bhtom_cpcs.science.frames import hdu_kinds
from bhtom_cpcs.science.frames.fingerprint import fingerprint, pixel_digest
from bhtom_cpcs.science.frames.fits_files import open_fits
from bhtom_cpcs.science.frames.fits_input import plane_count, read_planes
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop

# a reduction collects what astropy warns of; here only the outcome counts
pytestmark = pytest.mark.filterwarnings(
    "ignore::astropy.utils.exceptions.AstropyWarning"
)

IMAGE = np.random.default_rng(1).integers(0, 60000, (64, 48)).astype(np.uint16)


def header(**cards: object) -> fits.Header:
    return fits.Header([("DATE-OBS", "2026-01-01T00:00:00"), *cards.items()])


def read(path: Path) -> list:
    with open_fits(path) as hdus:
        count = plane_count(hdus)
        planes = list(read_planes(hdus))
    assert len(planes) == count
    return planes


def outcome(path: Path) -> Outcome:
    with pytest.raises(Stop) as stop:
        read(path)
    return stop.value.outcome


@pytest.fixture
def forms(tmp_path: Path) -> dict[str, Path]:
    """The same frame, packed in every way."""
    paths = {
        kind: tmp_path / f"frame.{kind}" for kind in ("fits", "fits.gz", "fits.fz")
    }
    plain = fits.PrimaryHDU(IMAGE, header())
    plain.writeto(paths["fits"])
    paths["fits.gz"].write_bytes(gzip.compress(paths["fits"].read_bytes()))
    packed = fits.CompImageHDU(IMAGE, header(), compression_type="RICE_1")
    fits.HDUList([fits.PrimaryHDU(), packed]).writeto(paths["fits.fz"])
    extension = fits.HDUList([fits.PrimaryHDU(None, header()), fits.ImageHDU(IMAGE)])
    paths["extension"] = tmp_path / "extension.fits"
    extension.writeto(paths["extension"])
    paths["float64"] = tmp_path / "float64.fits"
    fits.PrimaryHDU(IMAGE.astype(float), header()).writeto(paths["float64"])
    for codec in ("GZIP_1", "GZIP_2", "HCOMPRESS_1", "RICE_1", "NOCOMPRESS"):
        paths[codec] = tmp_path / f"{codec}.fits.fz"
        packed = fits.CompImageHDU(IMAGE, header(), compression_type=codec)
        fits.HDUList([fits.PrimaryHDU(), packed]).writeto(paths[codec])
    paths["int64"] = tmp_path / "int64.fits"
    fits.PrimaryHDU(IMAGE.astype(np.int64), header()).writeto(paths["int64"])
    return paths


def test_all_forms_hold_the_same_frame(forms: dict[str, Path]) -> None:
    prints = set()
    for path in forms.values():
        (plane,) = read(path)
        assert np.array_equal(plane.pixels, IMAGE)
        assert plane.pixels.dtype == np.float32
        assert plane.pixels.flags.c_contiguous
        assert plane.header["DATE-OBS"] == "2026-01-01T00:00:00"
        prints.add(fingerprint([pixel_digest(plane.pixels)], plane.header))
    assert len(prints) == 1


def test_another_date_or_pixel_is_another_fingerprint(forms: dict[str, Path]) -> None:
    (plane,) = read(forms["fits"])
    first = fingerprint([pixel_digest(plane.pixels)], plane.header)
    changed = plane.pixels.copy()
    changed[3, 3] += 1
    assert fingerprint([pixel_digest(changed)], plane.header) != first
    later = plane.header.copy()
    later["DATE-OBS"] = "2026-01-01T00:00:01"
    assert fingerprint([pixel_digest(plane.pixels)], later) != first
    turned = pixel_digest(np.ascontiguousarray(plane.pixels.reshape(48, 64)))
    assert fingerprint([turned], plane.header) != first


def test_scaled_integers_and_blank(tmp_path: Path) -> None:
    hdu = fits.PrimaryHDU(IMAGE.astype(np.int16), header())
    hdu.header["BSCALE"], hdu.header["BZERO"], hdu.header["BLANK"] = 0.5, 10.0, 7
    hdu.data[0, 0] = 7
    path = tmp_path / "scaled.fits"
    hdu.writeto(path)
    (plane,) = read(path)
    expected = fits.getdata(path)
    good = np.isfinite(expected)
    assert np.allclose(plane.pixels[good], expected[good])


def test_few_blanks_of_unsigned_integers_are_masked(tmp_path: Path) -> None:
    image = IMAGE.astype(np.uint16) + np.uint16(100)
    image[3, 4] = 0
    path = tmp_path / "unsigned.fits"
    fits.PrimaryHDU(image, header()).writeto(path)
    fits.setval(path, "BLANK", value=-32768)
    (plane,) = read(path)
    assert plane.mask is not None
    assert np.argwhere(plane.mask).tolist() == [[3, 4]]


def test_nan_is_masked(tmp_path: Path) -> None:
    image = IMAGE.astype(np.float32)
    image[5, 6], image[7, 8] = np.nan, np.inf
    path = tmp_path / "nan.fits"
    fits.PrimaryHDU(image).writeto(path)
    (plane,) = read(path)
    assert plane.mask is not None
    assert np.argwhere(plane.mask).tolist() == [[5, 6], [7, 8]]
    assert np.isfinite(plane.pixels).all()


def test_planes_of_a_mosaic_and_of_colours(tmp_path: Path) -> None:
    path = tmp_path / "mosaic.fits"
    fits.HDUList(
        [
            fits.PrimaryHDU(None, header(GAIN=2.0)),
            fits.ImageHDU(IMAGE, name="CHIP1"),
            fits.ImageHDU(IMAGE.astype(np.uint8), name="MASK"),
            fits.BinTableHDU.from_columns([fits.Column("A", "E", array=[1.0])]),
            fits.ImageHDU(IMAGE + 1, name="CHIP2"),
            fits.ImageHDU(np.stack([IMAGE] * 3), name="RGB"),
        ]
    ).writeto(path)
    planes = read(path)
    assert [plane.name for plane in planes] == [
        "CHIP1",
        "CHIP2",
        "RGB, R",
        "RGB, G",
        "RGB, B",
    ]
    assert [plane.colour for plane in planes] == [None, None, "R", "G", "B"]
    assert all(plane.header["GAIN"] == 2.0 for plane in planes)


def test_primarys_coordinates_do_not_mix_with_the_extensions(tmp_path: Path) -> None:
    path = tmp_path / "two.fits"
    extension = fits.ImageHDU(IMAGE)
    extension.header["CTYPE1"], extension.header["CD1_1"] = "RA---TAN", 1e-4
    primary = header(CTYPE1="DEC--TAN", CDELT1=5.0, PC1_1=3.0, AIRMASS=1.2)
    fits.HDUList([fits.PrimaryHDU(None, primary), extension]).writeto(path)
    (plane,) = read(path)
    assert plane.header["CTYPE1"] == "RA---TAN"
    assert "CDELT1" not in plane.header
    assert plane.header["AIRMASS"] == 1.2


@pytest.mark.parametrize("kept", [0.0, 0.2, 0.6, 0.75])
def test_cut_off(forms: dict[str, Path], tmp_path: Path, kept: float) -> None:
    for name in ("fits", "fits.gz", "fits.fz"):
        whole = forms[name].read_bytes()
        path = tmp_path / f"cut.{name}"
        path.write_bytes(whole[: int(kept * len(whole))])
        assert outcome(path) in (Outcome.UNREADABLE, Outcome.NO_IMAGE)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", Outcome.UNREADABLE),
        (b"hello world" * 500, Outcome.UNREADABLE),
        (b"SIMPLE  =                    T" + b" " * 2850, Outcome.UNREADABLE),
        (gzip.compress(b"not a frame" * 900), Outcome.UNREADABLE),
        (bytes(range(256)) * 40, Outcome.UNREADABLE),
    ],
)
def test_not_fits(tmp_path: Path, content: bytes, expected: Outcome) -> None:
    path = tmp_path / "odd.fits"
    path.write_bytes(content)
    assert outcome(path) is expected


def test_no_image(tmp_path: Path) -> None:
    for number, hdu in enumerate(
        [
            fits.PrimaryHDU(None, header()),
            fits.PrimaryHDU(IMAGE[:8], header()),
            fits.PrimaryHDU(IMAGE[0], header()),
        ]
    ):
        path = tmp_path / f"{number}.fits"
        hdu.writeto(path)
        assert outcome(path) is Outcome.NO_IMAGE


def test_header_that_promises_too_much(tmp_path: Path) -> None:
    huge = fits.Header(
        [
            ("SIMPLE", True),
            ("BITPIX", 16),
            ("NAXIS", 2),
            ("NAXIS1", 90000),
            ("NAXIS2", 90000),
        ]
    )
    path = tmp_path / "huge.fits"
    path.write_bytes(huge.tostring().encode() + b"\0" * 2880)
    assert outcome(path) in (Outcome.IMAGE_TOO_LARGE, Outcome.UNREADABLE)


def test_missing_file(tmp_path: Path) -> None:
    assert outcome(tmp_path / "nowhere.fits") is Outcome.FRAME_MISSING


def test_packed_with_compress_is_told_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "old.fits.Z"
    path.write_bytes(b"\x1f\x9d\x90" + bytes(5000))
    with pytest.raises(Stop) as stop:
        read(path)
    assert stop.value.outcome is Outcome.UNREADABLE
    assert "gzip" in stop.value.message


CUBE = np.stack([IMAGE, IMAGE + 1, IMAGE + 2])


@pytest.mark.parametrize(
    ("cube", "cards", "colours"),
    [
        (CUBE, {"CTYPE3": "RGB"}, "RGB"),
        (CUBE[None], {"CTYPE3": "RGB"}, "RGB"),
        (CUBE, {"CTYPE3": "RGB", "KINCYCLE": "1"}, "RGB"),
        (CUBE, {"COLORTYP": "RGB"}, "RGB"),
        (CUBE, {"COLORSPC": "RGB"}, "RGB"),
        (CUBE, {"EXTNAME": "Colour"}, "RGB"),
        (CUBE, {"FILTER": "RGB"}, "RGB"),
        (np.moveaxis(CUBE, 0, 2), {}, "RGB"),
        (np.concatenate([CUBE, CUBE[:1]]), {"COLORTYP": "RGB"}, "RGB"),
        (CUBE, {"CTYPE3": "TIME"}, None),
        (CUBE, {"CUNIT3": "s"}, None),
        (CUBE, {"CTYPE3": "TIME", "BAYERPAT": "RGGB"}, None),
        (CUBE, {"CTYPE3": "TIME", "FILTER": "RGB"}, None),
        (CUBE, {"DATE-OB1": "x", "FILTER": "RGB"}, None),
        (CUBE, {"DATE1": "2026-01-01", "DATE2": "x"}, None),
        (CUBE, {"MJD-OB01": "1", "MJD-OB02": "2"}, None),
        (CUBE, {"EXPTIME1": "1", "EXPTIME2": "2"}, None),
        # neither cards nor stars tell
        (CUBE, {}, None),
        (CUBE, {"FILTER": "r", "NCOMBINE": "3"}, None),
        (CUBE, {"DATE1": "2026-01-01"}, None),
        (CUBE[:2], {}, None),
        (np.concatenate([CUBE, CUBE[:1]]), {}, None),
        (np.concatenate([CUBE] * 3), {}, None),
    ],
)
def test_colours_are_told_from_exposures(
    tmp_path: Path, cube: np.ndarray, cards: dict[str, str], colours: str | None
) -> None:
    path = tmp_path / "cube.fits"
    fits.PrimaryHDU(np.ascontiguousarray(cube), header(**cards)).writeto(path)
    if colours is None:
        assert outcome(path) is Outcome.IS_CUBE
        return
    planes = read(path)
    assert "".join(plane.colour for plane in planes) == colours
    for number, plane in enumerate(planes):
        assert np.array_equal(plane.pixels, IMAGE + np.uint16(number))


def with_mask(path: Path, *extensions: fits.ImageHDU) -> Path:
    fits.HDUList([fits.PrimaryHDU(None, header()), *extensions]).writeto(path)
    return path


def bad_pixel(at: tuple[int, int], value: int = 1) -> np.ndarray:
    mask = np.zeros(IMAGE.shape, dtype=np.int16)
    mask[at] = value
    return mask


def test_a_mask_beside_its_image_is_used(tmp_path: Path) -> None:
    (plane,) = read(
        with_mask(
            tmp_path / "one.fits",
            fits.ImageHDU(IMAGE, name="SCI"),
            fits.ImageHDU(bad_pixel((4, 5)), name="BPM"),
            fits.ImageHDU(IMAGE.astype(np.float32), name="ERR"),
        )
    )
    assert plane.mask is not None
    assert np.argwhere(plane.mask).tolist() == [[4, 5]]


def test_masks_follow_their_version_or_their_name(tmp_path: Path) -> None:
    planes = read(
        with_mask(
            tmp_path / "two.fits",
            fits.ImageHDU(IMAGE, name="SCI", ver=1),
            fits.ImageHDU(bad_pixel((1, 1)), name="DQ", ver=1),
            fits.ImageHDU(IMAGE, name="SCI", ver=2),
            fits.ImageHDU(bad_pixel((2, 2)), name="DQ", ver=2),
            fits.ImageHDU(IMAGE, name="CCD7", ver=7),
            fits.ImageHDU(bad_pixel((3, 3)), name="CCD7_MASK", ver=9),
        )
    )
    found = [np.argwhere(plane.mask).tolist() for plane in planes]
    assert found == [[[1, 1]], [[2, 2]], [[3, 3]]]


def test_masks_of_nobody_are_left_alone(tmp_path: Path) -> None:
    planes = read(
        with_mask(
            tmp_path / "loose.fits",
            fits.ImageHDU(IMAGE, name="CHIP1"),
            fits.ImageHDU(IMAGE, name="CHIP2"),
            fits.ImageHDU(bad_pixel((1, 1)), name="MASK"),
            fits.ImageHDU(bad_pixel((1, 1))[:20, :20], name="BPM"),
        )
    )
    assert [plane.mask for plane in planes] == [None, None]


def test_a_mask_of_everything_is_not_believed(tmp_path: Path) -> None:
    (plane,) = read(
        with_mask(
            tmp_path / "all.fits",
            fits.ImageHDU(IMAGE, name="SCI"),
            fits.ImageHDU(np.ones(IMAGE.shape, dtype=np.uint8), name="DQ"),
        )
    )
    assert plane.mask is None
    assert "not used" in plane.notes[0]


def test_fine_numbers_on_a_high_level_keep_their_noise(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).normal(0, 1, (64, 48))
    path = tmp_path / "high.fits"
    fits.PrimaryHDU(3e8 + noise, header()).writeto(path)
    (plane,) = read(path)
    assert np.std(plane.pixels) == pytest.approx(np.std(noise), rel=1e-3)
    assert np.allclose(plane.pixels.astype(float) + plane.offset_adu, 3e8 + noise)
    rounded = (3e8 + noise).astype(np.float32)
    assert abs(np.std(rounded) / np.std(noise) - 1) > 0.5


def test_unexposed_borders_are_masked(tmp_path: Path) -> None:
    image = np.random.default_rng(3).normal(500, 5, (64, 48)).astype(np.float32)
    image[:, :9] = 0
    path = tmp_path / "border.fits"
    fits.PrimaryHDU(image, header()).writeto(path)
    (plane,) = read(path)
    assert plane.mask is not None
    assert np.array_equal(plane.mask, image == 0)
    fits.PrimaryHDU(np.rint(image - 500), header()).writeto(path, overwrite=True)
    assert read(path)[0].mask is None or not read(path)[0].mask[:, 9:].any()


def test_the_colours_of_a_cube_are_too_large_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rgb.fits"
    fits.PrimaryHDU(CUBE, header(CTYPE3="RGB")).writeto(path)
    each = CUBE.shape[1] * CUBE.shape[2]
    monkeypatch.setattr(hdu_kinds, "MAX_PIXELS", 3 * each)
    with open_fits(path) as hdus:
        assert plane_count(hdus) == 3
    monkeypatch.setattr(hdu_kinds, "MAX_PIXELS", 3 * each - 1)
    with open_fits(path) as hdus, pytest.raises(Stop) as stop:
        plane_count(hdus)
    assert stop.value.outcome is Outcome.IMAGE_TOO_LARGE
    assert str(3 * each) in stop.value.message
