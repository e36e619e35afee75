"""Instrumental catalogues of every format give the same positions and magnitudes."""

import gzip
import io
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table as AstropyTable

from bhtom_cpcs.science.catalogue_files.instrumental_catalogue import (
    InstrumentalCatalogue,
)
from bhtom_cpcs.science.catalogue_files.reading import read_catalogue
from bhtom_cpcs.science.outcomes import Outcome
from bhtom_cpcs.science.stop import Stop

RA = np.array([150.001, 150.012, 149.998, 150.02])
DEC = np.array([-24.01, -24.0, -23.99, -24.02])
X, Y = np.array([101.5, 60.0, 110.2, 30.0]), np.array([50.0, 85.0, 121.0, 14.25])
MAG = np.array([-12.25, -10.5, -8.125, 99.0])
ERROR = np.array([0.002, 0.01, 0.05, 99.0])
FLAGS = np.array([0, 2, 4, 0])
FLUX = 10 ** (-0.4 * MAG)
FLUX_ERROR = FLUX * ERROR / 1.0857362047581294

SEXTRACTOR_HEAD = """\
#   1 NUMBER          Running object number
#   2 X_IMAGE         Object position along x       [pixel]
#   3 Y_IMAGE         Object position along y       [pixel]
#   4 ALPHA_J2000     Right ascension               [deg]
#   5 DELTA_J2000     Declination                   [deg]
#   6 MAG_AUTO        Kron-like magnitude           [mag]
#   7 MAGERR_AUTO     RMS error for AUTO magnitude  [mag]
#   8 FLAGS           Extraction flags
"""


def sextractor_rows() -> str:
    rows = zip(X, Y, RA, DEC, MAG, ERROR, FLAGS, strict=True)
    return "".join(
        f"{i:8d} {x:10.4f} {y:10.4f} {ra:12.7f} {dec:+12.7f} {m:8.4f} {e:8.4f} {f:3d}\n"
        for i, (x, y, ra, dec, m, e, f) in enumerate(rows, 1)
    )


def sextractor() -> bytes:
    head = "# DATE-OBS: 2026-03-01T14:00:00\n# EXPTIME: 60.0\n# FILTER: r\n"
    return (SEXTRACTOR_HEAD + head + sextractor_rows()).encode()


def sky_table() -> AstropyTable:
    return AstropyTable(
        {
            "X_IMAGE": X,
            "Y_IMAGE": Y,
            "ALPHA_J2000": RA,
            "DELTA_J2000": DEC,
            "MAG_AUTO": MAG,
            "MAGERR_AUTO": ERROR,
            "FLAGS": FLAGS,
        }
    )


def fits_bytes(hdus: list[fits.hdu.base.ExtensionHDU], **cards: object) -> bytes:
    primary = fits.PrimaryHDU()
    for keyword, value in cards.items():
        primary.header[keyword.replace("_", "-")] = value
    buffer = io.BytesIO()
    fits.HDUList([primary, *hdus]).writeto(buffer)
    return buffer.getvalue()


def fits_table() -> bytes:
    return fits_bytes([fits.table_to_hdu(sky_table())], DATE_OBS="2026-03-01T14:00:00")


def ldac() -> bytes:
    image = fits.Header()
    image["NAXIS"], image["NAXIS1"], image["NAXIS2"] = 2, 400, 300
    image["DATE-OBS"], image["EXPTIME"] = "2026-03-01T14:00:00", 60.0
    text = np.array([image.tostring(endcard=True, padding=False)])
    cell = fits.BinTableHDU.from_columns(
        [fits.Column("Field Header Card", f"{len(text[0])}A", array=text)],
        name="LDAC_IMHEAD",
    )
    sources = fits.table_to_hdu(sky_table())
    sources.name = "LDAC_OBJECTS"
    return fits_bytes([cell, sources])


def banzai() -> bytes:
    table = AstropyTable(
        {
            "x": X,
            "y": Y,
            "ra": RA,
            "dec": DEC,
            "flux": FLUX,
            "fluxerr": FLUX_ERROR,
            "fluxaper1": 0.8 * FLUX,
            "fluxerr1": FLUX_ERROR,
            "flag": [0, 1, 2, 0],
        }
    )
    return fits_bytes([fits.table_to_hdu(table)])


def csv() -> bytes:
    names = "ra,dec,x,y,mag,mag_err,flags,DATE-OBS\n"
    rows = zip(RA, DEC, X, Y, MAG, ERROR, FLAGS, strict=True)
    return (
        names
        + "".join(",".join(map(str, row)) + ",2026-03-01T14:00:00\n" for row in rows)
    ).encode()


def ecsv() -> bytes:
    table = sky_table()
    table["ALPHA_J2000"].unit = "deg"
    table["MAG_AUTO"].unit = "mag"
    buffer = io.StringIO()
    table.write(buffer, format="ascii.ecsv")
    return buffer.getvalue().encode()


def votable() -> bytes:
    buffer = io.BytesIO()
    sky_table().write(buffer, format="votable")
    return buffer.getvalue()


def read(tmp_path: Path, data: bytes) -> InstrumentalCatalogue:
    path = tmp_path / "catalogue"
    path.write_bytes(data)
    return read_catalogue(path)


@pytest.mark.parametrize("write", [sextractor, fits_table, ldac, csv, ecsv, votable])
def test_the_same_sources_in_every_format(
    write: Callable[[], bytes], tmp_path: Path
) -> None:
    found = read(tmp_path, write())
    assert found.ra_deg is not None
    assert found.x_px is not None
    np.testing.assert_allclose(found.ra_deg, RA, atol=1e-7)
    np.testing.assert_allclose(found.x_px, X - 1, atol=1e-4)
    (only,) = found.estimators
    assert found.usable.tolist() == [True, True, True, False]
    np.testing.assert_allclose(only.magnitude[:3], MAG[:3], atol=1e-4)
    np.testing.assert_allclose(only.error[:3], ERROR[:3], atol=1e-4)
    assert found.blended[:3].tolist() == [False, True, False]
    assert found.saturated[:3].tolist() == [False, False, True]
    assert not only.too_faint.any()
    assert sum(found.dropped.values()) == 1
    assert found.n_rows == 4


@pytest.mark.parametrize(
    ("columns", "first"), [("x,y", 1), ("xcentroid,ycentroid", 0), ("x_fit,y_fit", 0)]
)
def test_pixels_count_from_one_but_those_of_photutils_from_zero(
    columns: str, first: int, tmp_path: Path
) -> None:
    rows = "".join(f"{10.5 + n},{20 + n},{-8 - 0.1 * n},0.01\n" for n in range(6))
    found = read(tmp_path, f"{columns},mag,magerr\n{rows}".encode())
    assert found.x_px is not None
    assert found.x_px[0] == 10.5 - first


@pytest.mark.parametrize("write", [sextractor, fits_table, ldac, csv])
def test_the_exposure_is_told_by_the_file(
    write: Callable[[], bytes], tmp_path: Path
) -> None:
    assert read(tmp_path, write()).header["DATE-OBS"] == "2026-03-01T14:00:00"


def test_packed_files_and_odd_encodings(tmp_path: Path) -> None:
    plain = read(tmp_path, sextractor())
    for data in (
        gzip.compress(sextractor()),
        b"\xef\xbb\xbf" + sextractor(),
        sextractor().decode().encode("utf-16"),
        b"# OBSERVER: Ji\xf8\xed\n" + sextractor().replace(b"\n", b"\r\n"),
    ):
        np.testing.assert_array_equal(read(tmp_path, data).ra_deg, plain.ra_deg)


def test_apertures_are_kept_apart_and_fluxes_become_magnitudes(tmp_path: Path) -> None:
    found = read(tmp_path, banzai())
    assert [one.column for one in found.estimators] == ["FLUX", "FLUXAPER1"]
    np.testing.assert_allclose(found.estimators[0].magnitude[:3], MAG[:3])
    np.testing.assert_allclose(
        found.estimators[1].magnitude[:3], MAG[:3] - 2.5 * np.log10(0.8)
    )
    assert found.edge[:3].tolist() == [False, False, True]  # sep's 2, not SExtractor's


def test_magnitudes_are_chosen_in_the_order_bhtom2_documents(tmp_path: Path) -> None:
    table = sky_table()
    table["MAG_APER"], table["MAGERR_APER"] = MAG + 1, ERROR
    table["FLUX_AUTO"], table["FLUXERR_AUTO"] = FLUX, FLUX_ERROR
    found = read(tmp_path, fits_bytes([fits.table_to_hdu(table)]))
    assert [one.column for one in found.estimators] == ["MAG_AUTO"]
    table.remove_columns(["MAG_AUTO", "MAGERR_AUTO"])
    found = read(tmp_path, fits_bytes([fits.table_to_hdu(table)]))
    assert [one.column for one in found.estimators] == ["MAG_APER"]


def test_vector_columns_in_text_and_fits(tmp_path: Path) -> None:
    head = SEXTRACTOR_HEAD.replace("MAG_AUTO ", "MAG_APER ").replace(
        "7 MAGERR_AUTO ", "8 MAGERR_APER "
    )
    head = head.replace("#   8 FLAGS ", "#  10 FLAGS ")
    rows = "1 10 20 150.0 -24.0 -9.0 -9.1 0.02 0.01 0\n"
    found = read(tmp_path, (head + rows).encode())
    assert [one.column for one in found.estimators] == ["MAG_APER[1]", "MAG_APER[2]"]
    assert [float(one.error[0]) for one in found.estimators] == [0.02, 0.01]
    table = sky_table()
    table.remove_columns(["MAG_AUTO", "MAGERR_AUTO"])
    table["MAG_APER"] = np.stack([MAG, MAG + 0.1], axis=1)
    table["MAGERR_APER"] = np.stack([ERROR, ERROR], axis=1)
    found = read(tmp_path, fits_bytes([fits.table_to_hdu(table)]))
    assert [one.column for one in found.estimators] == ["MAG_APER[1]", "MAG_APER[2]"]


def test_a_row_lost_in_the_noise_is_told_from_one_without_a_value(
    tmp_path: Path,
) -> None:
    text = b"RA,DEC,MAG,MAGERR\n10,1,15,0.1\n10,2,23,1.4\n10,3,99,99\n10,4,nan,0.1\n"
    (only,) = read(tmp_path, text).estimators
    assert only.usable.tolist() == [True, False, False, False]
    assert only.too_faint.tolist() == [False, True, False, False]
    text = (
        b"RA,DEC,FLUX,FLUXERR\n10,1,99,1\n10,2,-3,9\n10,3,5,9\n10,4,nan,9\n10,5,9,0\n"
    )
    (only,) = read(tmp_path, text).estimators
    assert only.usable.tolist() == [True, False, False, False, False]
    assert only.too_faint.tolist() == [False, True, True, False, False]


def test_all_tables_of_a_mosaic_are_joined(tmp_path: Path) -> None:
    table = fits.table_to_hdu(sky_table())
    found = read(tmp_path, fits_bytes([table, table.copy()]))
    assert found.n_usable == 6


def test_a_row_that_lost_a_field_is_counted_and_not_shifted(tmp_path: Path) -> None:
    lost = "       5   50.0 60.0 150.005 -9.5 0.02 0\n"
    found = read(tmp_path, sextractor() + lost.encode())
    assert found.n_usable == 3
    assert found.dropped["rows of another length"] == 1


def test_right_ascensions_in_hours(tmp_path: Path) -> None:
    text = b"RA,DEC,MAG,MAGERR\n10:00:00,-24:30:00,15.0,0.1\n"
    found = read(tmp_path, text)
    assert found.ra_deg is not None
    assert found.dec_deg is not None
    assert (float(found.ra_deg[0]), float(found.dec_deg[0])) == (150.0, -24.5)


def test_hours_are_told_by_whole_rows_and_units(tmp_path: Path) -> None:
    rows = b"10:00:00\n" + b"15.0,0.1,10:00:00,-24:30:00\n" * 2
    found = read(tmp_path, b"MAG,MAGERR,RA,DEC\n" + rows)
    assert found.ra_deg is not None
    assert found.ra_deg.tolist() == [150.0, 150.0]
    head = "# %ECSV 1.0\n# ---\n# delimiter: ','\n# datatype:\n"
    for name, unit in (("RA", "hourangle"), ("DEC", "deg")):
        head += f"# - {{name: {name}, unit: {unit}, datatype: string}}\n"
    text = head + "RA,DEC,MAG,MAGERR\n10:00:00,-24:30:00,15.0,0.1\n"
    found = read(tmp_path, text.encode())
    assert found.ra_deg is not None
    assert found.ra_deg.tolist() == [150.0]


def test_comments_that_are_no_cards_are_passed_over(tmp_path: Path) -> None:
    text = b"# END: 5\n# HISTORY: 3\n# EXPTIME: 30\n"
    found = read(tmp_path, text + b"RA,DEC,MAG,MAGERR\n150,-24,15.0,0.1\n")
    assert dict(found.header) == {"EXPTIME": 30.0}


def test_stetsons_own_als(tmp_path: Path) -> None:
    text = (
        " NL    NX    NY  LOWBAD HIGHBAD  THRESH     AP1  PH/ADU  RNOISE    FRAD\n"
        "  1  2048  2048   -98.3 60000.0   10.00    3.00    1.50    4.00    5.00\n\n"
        "    12  100.500   50.250   14.125    0.0125  102.5   4.  0.98   0.01\n"
    )
    found = read(tmp_path, text.encode())
    assert found.x_px is not None
    assert found.ra_deg is None
    assert (float(found.x_px[0]), float(found.estimators[0].magnitude[0])) == (
        99.5,
        14.125,
    )


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "it is empty"),
    "blank": (lambda: b" \n\n", "it is empty"),
    "binary": (lambda: bytes(range(256)) * 40, "neither a table in text"),
    "cut gzip": (lambda: gzip.compress(sextractor())[:-20], "cut short"),
    "damaged gzip": (lambda: b"\x1f\x8b\x08" + b"x" * 100, "damaged"),
    "long line": (lambda: b"ra,dec," + b"x," * 200_000, "characters"),
    "short lines": (lambda: b"1\n" * 4_200_000, "lines"),
    "large xml": (lambda: b"<VOTABLE>" + b" " * 30_000_001, "as XML"),
    "columns": (lambda: b"a," * 3000 + b"\n" + b"1," * 3000, "columns"),
    "head only": (SEXTRACTOR_HEAD.encode, "no rows"),
    "head far": (lambda: b"# 1 NUMBER\n# 9999999 MAG_AUTO\n1 2\n", "columns"),
    "shuffled": (
        lambda: b"# 1 X_IMAGE\n# 1 Y_IMAGE\n# 1 MAG_AUTO\n1 2\n",
        "do not grow",
    ),
    "short rows": (lambda: SEXTRACTOR_HEAD.encode() + b"1 2 3\n", "fields"),
    "no positions": (lambda: b"MAG,MAGERR\n1,0.1\n", "positions"),
    "no errors": (lambda: b"RA,DEC,MAG\n150,-24,15\n", "pair"),
    "all bad": (lambda: b"RA,DEC,MAG,MAGERR\n150,-24,99,99\n", "can be used"),
    "words": (lambda: b"RA,DEC,MAG,MAGERR\na,b,c,d\n", "can be used"),
    "light curve": (
        lambda: b"RA,DEC,MAG,MAGERR,MJD\n1,2,15,.1,59000\n1,2,15,.1,59001\n",
        "more than one time",
    ),
    "cut fits": (lambda: fits_table()[:-2880], "FITS|larger than the file"),
    "bomb": (
        lambda: b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aa">]><VOTABLE/>',
        "entities",
    ),
    "data elsewhere": (
        lambda: votable().replace(
            b"<TABLEDATA>",
            b"<BINARY><STREAM a='>' href='file:///etc/hosts'/></BINARY><TABLEDATA>",
        ),
        "kept elsewhere",
    ),
    "broken xml": (lambda: b'<?xml version="1.0"?><VOTABLE><TABLE>', "XML"),
    "other xml": (lambda: b'<?xml version="1.0"?><x/>', "XML"),
    "iraf head": (lambda: b"#N XCENTER YCENTER MAG MERR\n1 2 3 4\n", "#F"),
    "iraf widths": (
        lambda: b"#N XCENTER YCENTER MAG MERR\n#F %-9d\n1 2 3 4\n",
        "do not fit",
    ),
}


@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyWarning")
@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_get_a_sentence(case: str, tmp_path: Path) -> None:
    make, words = HOSTILE[case]
    with pytest.raises(Stop, match=words) as stopped:
        read(tmp_path, make())
    assert stopped.value.outcome is Outcome.UNREADABLE_CATALOGUE
    assert len(stopped.value.message) < 400


def test_units_that_do_not_fit_are_passed_over(tmp_path: Path) -> None:
    table = sky_table()
    table["MAG_AUTO"].unit = "mJy"
    table["FLUX_APER"], table["FLUXERR_APER"] = FLUX, FLUX_ERROR
    found = read(tmp_path, fits_bytes([fits.table_to_hdu(table)]))
    assert [one.column for one in found.estimators] == ["FLUX_APER"]
    assert "MAG_AUTO (unit mjy)" in found.columns["brightness"]


SAMPLES = Path(os.environ.get("SKY_SAMPLE_DATA", "no-samples"))
needs_samples = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="SKY_SAMPLE_DATA names no folder of samples"
)

READ = {
    "astrosource_reference_frame.csv": ("CSV", 768),
    "cpt1m010-kb70-20160210-0365-e90_cat.fits": ("SExtractor FITS_1.0", 44),
    "daophot_als.dat": ("DAOPHOT (IRAF)", 2),
    "daophot_phot_multiaper.dat": ("DAOPHOT (IRAF)", 4),
    "lco_cpt1m013_w_ldac.fits": ("FITS_LDAC", 970),
    "lco_cpt1m_fa06_ip_matched_refcat2.fits": ("BANZAI FITS table", 2752),
    "lco_xo2_ip_kb29_a.csv": ("CSV", 108),
    "ntt_emmi_r_256_sextractor.cat": ("SExtractor ASCII_HEAD", 64),
    "sextractor_ascii_head2.dat": ("SExtractor ASCII_HEAD", 5),
    "sextractor_incomplete.cat": ("SExtractor ASCII_HEAD", 35),
    "sextractor_asciihead.cat": ("SExtractor ASCII_HEAD", 127),
}


@needs_samples
@pytest.mark.filterwarnings("ignore::astropy.utils.exceptions.AstropyWarning")
def test_every_real_file_is_read_or_refused_with_a_sentence() -> None:
    read_files = {}
    for folder in ("instrumental", "odd"):
        for path in sorted((SAMPLES / folder).iterdir()):
            try:
                found = read_catalogue(path)
            except Stop:
                continue  # any other exception fails the test
            read_files[path.name] = (found.format, found.n_usable)
    assert read_files == READ


@needs_samples
def test_daophot_fields_that_touch_are_cut_by_width() -> None:
    found = read_catalogue(SAMPLES / "instrumental" / "daophot_phot_multiaper.dat")
    first = found.estimators[0]
    assert found.x_px is not None
    assert found.x_px[found.usable][0] == pytest.approx(85.458 - 1)
    assert first.magnitude[found.usable][0] == pytest.approx(20.175)
