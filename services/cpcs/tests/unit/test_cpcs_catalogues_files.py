"""Files as archives hand them out: recognised, read, or refused in a sentence."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from bhtom_contracts.passbands import PASSBANDS, bands_of_catalogue
from bhtom_cpcs.reference_catalogues.importers import (
    Cone,
    import_slice,
    recognised_file,
)
from bhtom_cpcs.reference_catalogues.manifest import CatalogueError
from bhtom_cpcs.reference_catalogues.slices import bands_of, read_slice
from bhtom_cpcs.reference_catalogues.surveys import KNOWN

REFCAT2_ROW = (
    "28000001672,-1967818581,98,10,114,16,-1460,15,15884,1,16472,10,15137,1,4729,895,"
    "{dupvar},1234,{rp1},50,155,16657,10,23,1f,15915,12,41,3f,15578,10,49,0f,0,0,0,06,"
    "0,14105,36,14105,53,13667,44\n"
)
VIZIER_TSV = """#
#   VizieR Astronomical Server vizier.cds.unistra.fr
#Column\tRAJ2000\t(F10.6)\t(ra) Right ascension
RAJ2000\tDEJ2000\tJmag\te_Jmag\tHmag\te_Hmag\tKmag\te_Kmag\tQflg\tCflg\tXflg
deg\tdeg\tmag\tmag\tmag\tmag\tmag\tmag\t\t\t
----------\t----------\t------\t-----\t------\t-----\t------\t-----\t---\t---\t-
 10.000000\t+20.000000\t 12.500\t0.020\t 12.100\t0.030\t 12.000\t     \tAAU\t000\t0
 10.010000\t+20.010000\t 13.500\t0.020\t 13.100\t0.001\t 13.000\t0.040\tABC\t0c0\t1

#END#
"""
MAST_PS1 = (
    "raMean,decMean,qualityFlag,gMeanPSFMag,gMeanPSFMagErr,iMeanPSFMag,iMeanPSFMagErr,"
    "iMeanKronMag\n10,20,60,17.1,0.001,16.0,0.004,16.01\n"
    "10.1,20,61,18.0,0.02,17.0,0.02,16.5\n10.2,20,52,-999,-999,17.0,0.02,17.0\n"
)
GAIA_SOURCE = (
    "ra,dec,pmra,pmdec,ref_epoch,phot_g_mean_mag,phot_g_mean_flux_over_error,"
    "phot_bp_mean_mag,phot_rp_mean_mag,phot_bp_rp_excess_factor,phot_variable_flag,"
    "duplicated_source\n"
    "10.0,20.0,5.5,-3.25,2016.0,15.0,100.0,15.4,14.4,1.22,VARIABLE,false\n"
    "10.1,20.0,null,null,2016.0,15.0,1e6,15.4,14.4,1.90,NOT_AVAILABLE,true\n"
    "10.2,20.0,0,0,2016.0,19.0,20,,,,CONSTANT,false\n"
)


def put(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_refcat2_files_without_a_header(tmp_path: Path) -> None:
    rows = REFCAT2_ROW.format(dupvar=2, rp1=50) + REFCAT2_ROW.format(
        dupvar=5, rp1=20
    ).replace("28000001672", "28000101672")
    path = put(tmp_path, "280-20.rc2", rows)
    assert recognised_file(path).name == "REFCAT2"
    stars = read_slice(path, KNOWN["REFCAT2"])
    assert stars["ra_deg"] == pytest.approx([280.00001672, 280.00101672])
    assert stars["dec_deg"] == pytest.approx([-19.67818581] * 2)
    assert stars["pm_ra_masyr"] == pytest.approx([1.14] * 2)
    assert stars["pm_dec_masyr"] == pytest.approx([-14.6] * 2)
    assert stars["mag_g"] == pytest.approx([16.657] * 2)
    assert stars["error_r"] == pytest.approx([0.012] * 2)
    assert np.isnan(stars["mag_z"]).all()  # zero stands for unknown there
    assert stars["variable"].tolist() == [0, 1]
    assert stars["duplicated"].tolist() == [0, 1]
    assert stars["blended"].tolist() == [0, 1]


def test_vizier_text_with_units_rules_and_comments(tmp_path: Path) -> None:
    path = put(tmp_path, "asu.tsv", VIZIER_TSV)
    assert recognised_file(path).name == "2MASS"
    stars = read_slice(path, KNOWN["2MASS"])
    assert stars["ra_deg"].tolist() == [10.0, 10.01]
    assert stars["mag_J"].tolist() == [12.5, 13.5]
    assert np.isnan(stars["mag_K"]).tolist() == [True, False]  # U: an upper limit
    assert stars["error_H"].tolist() == [0.03, 0.015]  # no smaller than the system's
    assert stars["blended"].tolist() == [0, 1]
    assert stars["extended"].tolist() == [0, 1]


def test_pan_starrs_of_mast(tmp_path: Path) -> None:
    path = put(tmp_path, "ps1.csv", MAST_PS1)
    assert recognised_file(path).name == "PS1"
    stars = read_slice(path, KNOWN["PS1"])
    assert np.isnan(stars["mag_g"]).tolist() == [False, False, True]
    assert stars["error_g"].tolist()[:2] == [0.005, 0.02]
    assert stars["extended"].tolist() == [0, 1, 0]


def test_gaia_archive(tmp_path: Path) -> None:
    """Errors follow from the signal to noise; what is blended from BP and RP."""
    path = put(tmp_path, "gaia.csv", GAIA_SOURCE)
    assert recognised_file(path).name == "GaiaDR3"
    stars = read_slice(path, KNOWN["GaiaDR3"])
    assert stars["error_G"] == pytest.approx([0.010857, 0.002, 0.0542868], rel=1e-4)
    assert stars["variable"].tolist() == [1, 0, 0]
    assert stars["duplicated"].tolist() == [0, 1, 0]
    assert stars["blended"][:2].tolist() == [0, 1]
    assert np.isnan(stars["blended"][2])
    assert stars["pm_ra_masyr"].tolist() == [5.5, 0, 0]
    with pytest.raises(CatalogueError, match=r"positions of 2016\.0 .*2015\.5"):
        read_slice(path, KNOWN["GaiaDR2"])
    older = put(tmp_path, "dr2.csv", GAIA_SOURCE.replace("2016.0", "2015.5"))
    assert recognised_file(older).name == "GaiaDR2"
    nowhen = put(tmp_path, "x.csv", GAIA_SOURCE.replace("ref_epoch", "epoch"))
    with pytest.raises(CatalogueError, match=r"GaiaDR3 or GaiaDR2 .* --name"):
        recognised_file(nowhen)


def test_gaia_synthetic_photometry_of_the_archive(tmp_path: Path) -> None:
    path = put(
        tmp_path,
        "gspc.csv",
        "ra,dec,pmra,pmdec,phot_g_mean_mag,phot_variable_flag,c_star,v_jkc_mag,"
        "v_jkc_flux,v_jkc_flux_error,v_jkc_flag,g_sdss_mag,g_sdss_flag\n"
        "10,20,1,2,15,VARIABLE,0.001,15.5,1000,20,1,15.8,1\n"
        "10.1,20,1,2,15,CONSTANT,0.2,16.5,500,0.1,0,,0\n",
    )
    assert recognised_file(path).name == "GaiaSP"
    stars = read_slice(path, KNOWN["GaiaSP"])
    assert bands_of(stars) == ("V", "g")
    assert stars["error_V"] == pytest.approx([0.0217147, 0.002], rel=1e-4)
    assert stars["error_g"].tolist() == [0.02, 0.02]
    assert stars["verified_V"].tolist() == [1, 0]
    assert stars["variable"].tolist() == [1, 0]
    assert stars["blended"].tolist() == [0, 1]


def test_sdss_keeps_primary_objects_and_marks_galaxies(tmp_path: Path) -> None:
    rows = "RA_ICRS,DE_ICRS,mode,class,rpmag,e_rpmag\n10,20,1,6,15,0.02\n"
    rows += "10.1,20,2,6,15,0.02\n10.2,20,1,3,15,0.02\n"
    path = put(tmp_path, "sdss.csv", rows)
    assert recognised_file(path).name == "SDSS"
    stars = read_slice(path, KNOWN["SDSS"])
    assert stars["ra_deg"].tolist() == [10, 10.2]
    assert stars["extended"].tolist() == [0, 1]


def test_a_sequence_of_one_row_for_each_band(tmp_path: Path) -> None:
    rows = "AUID,RA,Dec,Label,Band,Mag,Error,Comments\n"
    rows += "000-A,15:42:44.57,-00:17:44.2,38,V,3.814,0.013,x\n"
    rows += "000-A,15:42:44.57,-00:17:44.2,38,Rc,3.7,,x\n"
    rows += "000-B,00:00:01.0,+26:52:40.4,41,V,4.14,0.2,y\n"
    path = put(tmp_path, "vsp.csv", rows)
    assert recognised_file(path).name == "AAVSO"
    stars = read_slice(path, KNOWN["AAVSO"])
    assert stars["ra_deg"] == pytest.approx([235.685708, 0.0041667], abs=1e-6)
    assert stars["dec_deg"] == pytest.approx([-0.295611, 26.877889], abs=1e-6)
    assert stars["mag_V"].tolist() == [3.814, 4.14]
    assert stars["error_R"].tolist() == [0.1, 0.1]
    assert np.isnan(stars["mag_R"][1])


@pytest.mark.parametrize("form", ["votable", "ascii.ecsv", "fits", "gz"])
def test_one_table_in_every_form(tmp_path: Path, form: str) -> None:
    table = Table(
        {
            "RAICRS": [10.0, 10.1],
            "DEICRS": [-20.0, -20.1],
            "flags": [0, 3],
            "ClassStar": [0.99, 0.1],
            "rPSF": np.ma.array([15.0, 16.0], mask=[False, True]),
            "e_rPSF": np.ma.array([0.02, 0.02], mask=[False, True]),
        }
    )
    path = tmp_path / "no-suffix-helps"
    if form == "gz":
        table.write(tmp_path / "t.csv", format="ascii.csv")
        path.write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    else:
        table.write(path, format=form)
    assert recognised_file(path).name == "SkyMapper"
    stars = read_slice(path, KNOWN["SkyMapper"])
    assert stars["mag_r"][0] == 15.0
    assert np.isnan(stars["mag_r"][1])
    assert stars["blended"].tolist() == [0, 1]
    assert stars["extended"].tolist() == [0, 1]


def test_a_star_that_a_file_has_twice_counts_once(tmp_path: Path) -> None:
    path = put(tmp_path, "s.csv", "ra_deg,dec_deg,mag_r\n1,2,15\n1,2,15\n1,3,16\n")
    assert len(read_slice(path, KNOWN["GaiaSP"])["ra_deg"]) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"# only\n# comments\n", "no rows"),
        (b"ra,dec,phot_g_mean_mag\n", "no rows"),
        (b"ra,dec,phot_g_mean_mag\n1,2\n", "cannot be read"),
        (b"1,2,3\n4,5,6\n", "does not name its 3 columns"),
        (b"<?xml version='1.0'?><html></html>", "cannot be read"),
        (b"<?xml version='1.0'?><VOTABLE><RESOURCE><TABLE><FIELD", "cannot be read"),
        (b"SIMPLE  =                    T / cut off", "cannot be read"),
        (b"PAR1 not really", "cannot be read"),
        (b"\x1f\x8b\x08\x00 broken gzip", "cannot be read"),
        (b"\x00\x01\x02\x03", "neither"),
        ("ra,dec\nä,ö\n".encode("latin-1"), "by which no catalogue"),
    ],
)
def test_what_is_no_catalogue_gets_a_sentence(
    tmp_path: Path, content: bytes, words: str
) -> None:
    path = tmp_path / "odd.csv"
    path.write_bytes(content)
    with pytest.raises(CatalogueError, match=words):
        recognised_file(path)


def test_a_footprint_without_a_star_is_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "s.csv", "ra_deg,dec_deg,mag_r\n10,20,15\n")
    with pytest.raises(CatalogueError, match=r"No star .* 10\.0000 \+20\.0000"):
        import_slice(tmp_path, path, Cone(20.0, 10.0, 1.0))


def test_bands_are_those_of_the_contract() -> None:
    for known in KNOWN.values():
        assert known.bands == bands_of_catalogue(known.name), known.name
        assert known.bands
        assert all(f"{known.name}/{band}" in PASSBANDS for band in known.bands)
        for layout in known.layouts:
            assert set(layout.bands) <= set(known.bands), layout.title
        assert known.credit
        assert 0 <= known.least_error_mag < known.default_error_mag <= 0.1


# What becomes of every file of the sample's catalogues: the catalogue that it is
# recognised as or has to be named, its stars and bands, or the sentence it ends with.
REAL_FILES = {
    "2mass_hd219829.ecsv": ("2MASS", True, 5014, "JHK"),
    "2mass_psc_127.5+1.5.vot": ("2MASS", True, 683, "JHK"),
    "L110_landolt_stetson.cat": ("Landolt", True, 2121, "UBVRI"),
    "L95_landolt_stetson.cat": ("Landolt", True, 547, "UBVRI"),
    "SA109_landolt.cat": ("Landolt", True, 8, "UBVRI"),
    "aavso_vsp_tcrb_X42615CFD.csv": ("AAVSO", True, 128, "BV"),
    "apass_dr9_ngc1097.csv": ("APASS", True, 1194, "BVgri"),
    "apass_dr9_ngc1566.csv": ("APASS", True, 4857, "BVgri"),
    "gaia_dr2_g_ldac.fits": ("GaiaDR2", False, 249, "G"),
    "gaia_dr2_hd219829.fits": ("GaiaDR2", False, 4876, "G GBP GRP"),
    "gaia_g_sdssj0029.ecsv": ("GaiaDR3", False, "needed are", ""),
    "gaia_testcase4_chunk-03458.fits": ("GaiaDR2", True, 1, "G GBP GRP"),
    "gaia_testcase4_chunk-03459.fits": ("GaiaDR2", False, "no star", ""),
    "gaia_testcase4_chunk-03586.fits": ("GaiaDR2", True, 148, "G GBP GRP"),
    "gaia_testcase8_chunk-05483.fits": ("GaiaDR2", True, 884, "G GBP GRP"),
    "gaia_testcase8_chunk-05610.fits": ("GaiaDR2", False, "no star", ""),
    "gaia_testcase8_chunk-05611.fits": ("GaiaDR2", True, 10, "G GBP GRP"),
    "gaiadr3_gspc_ngc1097.csv": ("GaiaSP", True, 2580, "BVRgri"),
    "gaiadr3_gspc_ngc1566.csv": ("GaiaSP", True, 4685, "BVRgri"),
    # its positions are rounded to a second of time, 15 arcsec: no use for matching
    "iraf_nlandolt.dat": ("Landolt", False, "does not name its 17 columns", ""),
    # in spite of its name it is an answer with Gaia DR2's columns
    "ps1_dr2_mast.vot": ("GaiaDR2", False, 3, "G GBP GRP"),
    "ps1_seq_sn2015bn.txt": ("PS1", False, 32, "grizy"),
    "skymapper_huntsman_refcat.csv": ("SkyMapper", True, 676, "uvgriz"),
    "skymapper_ngc1097.csv": ("SkyMapper", True, 6128, "uvgriz"),
    "skymapper_ngc1566.csv": ("SkyMapper", True, 10337, "uvgriz"),
    "tycho2_vt_cygnus_303+46.csv": ("Tycho2", False, 814, "VT"),
    "ucac4_apass_299.6+35.2.csv": ("UCAC4", True, 1607, "a BVgri"),
}


@pytest.mark.parametrize("name", REAL_FILES)
def test_real_files(name: str) -> None:
    folder = os.environ.get("SKY_SAMPLE_DATA")
    if not folder:
        pytest.skip("SKY_SAMPLE_DATA does not name the folder of the real data")
    path = Path(folder) / "catalogs" / name
    catalogue, is_recognised, stars, bands = REAL_FILES[name]
    if is_recognised:
        assert recognised_file(path).name == catalogue
    else:
        with pytest.raises(CatalogueError):
            recognised_file(path)
    if isinstance(stars, str):
        with pytest.raises(CatalogueError, match=stars):
            read_slice(path, KNOWN[catalogue])
        return
    columns = read_slice(path, KNOWN[catalogue])
    assert len(columns["ra_deg"]) == stars
    assert "".join(sorted(bands_of(columns))) == "".join(
        sorted(
            bands.split() if "G" in bands or "T" in bands else bands.replace(" ", "")
        )
    )
    for band in bands_of(columns):
        assert np.isfinite(columns[f"mag_{band}"]).any()
        assert (columns[f"error_{band}"] > 0).all()


def test_every_real_file_is_listed() -> None:
    folder = os.environ.get("SKY_SAMPLE_DATA")
    if not folder:
        pytest.skip("SKY_SAMPLE_DATA does not name the folder of the real data")
    held = {path.name for path in (Path(folder) / "catalogs").iterdir()}
    assert held == set(REAL_FILES)
