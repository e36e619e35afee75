"""What is a usable frame and what is not, with small made files and real odd ones."""

import bz2
import gzip
import io
import lzma
import os
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bhtom_contracts.events.cameras import HeaderKeywords
from bhtom_upload.intake.checks import Contents, check_date, look_at
from bhtom_upload.intake.incoming import looks_like_frame
from bhtom_upload.intake.refusals import FrameRefused
from bhtom_upload.testing import frame, header

GIB = 1 << 30
# A folder of real and damaged frames, where there is one.
REAL = Path(os.environ.get("SKY_SAMPLE_DATA", "no-samples"))


@pytest.fixture
def look(tmp_path: Path) -> Callable[..., Contents]:
    """Checks bytes as if they had been uploaded."""

    def looked(body: bytes, limit: int = GIB) -> Contents:
        path = tmp_path / "upload"
        path.write_bytes(body)
        contents = look_at(path, limit)
        check_date(contents, HeaderKeywords())
        return contents

    return looked


def refused(look: Callable[..., Contents], body: bytes, limit: int = GIB) -> str:
    with pytest.raises(FrameRefused) as caught:
        look(body, limit)
    assert caught.value.sentence.endswith(".")
    return caught.value.code


def test_a_plain_frame_is_taken(look: Callable[..., Contents]) -> None:
    contents = look(frame())
    assert contents.packing == "plain"
    assert contents.images[0].image_shape == (32, 24)


def zipped(*contents: bytes) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for number, content in enumerate(contents):
            file.writestr(f"frame{number}.fits", content)
    return archive.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zip": zipped,
}


@pytest.mark.parametrize("packing", PACKERS)
def test_a_packed_frame_is_taken(look: Callable[..., Contents], packing: str) -> None:
    contents = look(PACKERS[packing](frame(extension=True)))
    assert contents.packing == packing
    assert contents.images[0].image_shape == (32, 24)


@pytest.mark.parametrize("packing", PACKERS)
def test_its_first_bytes_tell_that_a_file_may_be_packed(packing: str) -> None:
    packed = PACKERS[packing](frame())
    assert all(looks_like_frame(packed[:size]) for size in range(12))
    assert looks_like_frame(packed)
    assert looks_like_frame(frame())
    assert not looks_like_frame(b"X" + packed[1:9])


def test_gzip_members_in_a_row_and_padding_behind_are_read(
    look: Callable[..., Contents],
) -> None:
    body = frame(shape=(64, 64))
    packed = gzip.compress(body[:3000]) + gzip.compress(body[3000:]) + b"\0" * 512
    assert look(packed).packing == "gzip"


def test_an_image_in_an_extension_takes_its_date_from_the_first_header(
    look: Callable[..., Contents],
) -> None:
    contents = look(frame(extension=True))
    assert [hdu.number for hdu in contents.images] == [1]


def test_a_missing_last_padding_is_forgiven(look: Callable[..., Contents]) -> None:
    assert look(frame()[: 2880 + 32 * 24 * 2])


def test_records_behind_the_last_hdu_are_ignored(look: Callable[..., Contents]) -> None:
    assert look(frame() + b"something else " * 100)


@pytest.mark.parametrize("cut", [2880 + 100, 2880 + 32 * 24 * 2 - 1])
def test_missing_pixels_are_noticed(look: Callable[..., Contents], cut: int) -> None:
    assert refused(look, frame()[:cut]) == "truncated"


def test_a_header_without_end_is_truncated(look: Callable[..., Contents]) -> None:
    assert refused(look, frame()[:400]) == "truncated"


@pytest.mark.parametrize("packing", PACKERS)
def test_a_cut_packed_file_is_truncated(
    look: Callable[..., Contents], packing: str
) -> None:
    packed = PACKERS[packing](frame(shape=(200, 200), SERIAL=packing))
    for kept in (0.1, 0.5, 0.9):
        cut = int(len(packed) * kept) if packing != "zip" else int(len(packed) * 0.4)
        assert refused(look, packed[:cut]) == "truncated"


@pytest.mark.parametrize("packing", ["gzip", "bzip2", "xz"])
def test_a_damaged_packed_file_is_noticed_by_its_checksum(
    look: Callable[..., Contents], packing: str
) -> None:
    packed = bytearray(PACKERS[packing](frame()))
    packed[-6] ^= 0xFF
    assert refused(look, bytes(packed)) == "cannot_unpack"


def test_a_zip_of_several_files_is_refused(look: Callable[..., Contents]) -> None:
    with pytest.raises(FrameRefused, match="several files; send them one by one"):
        look(zipped(frame(), frame(shape=(40, 40))))


def test_what_is_packed_twice_is_not_unpacked_twice(
    look: Callable[..., Contents],
) -> None:
    assert refused(look, gzip.compress(bz2.compress(frame()))) == "not_fits"


def test_xz_may_not_ask_for_all_memory(look: Callable[..., Contents]) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 29}]
    greedy = lzma.compress(frame(), filters=filters)
    assert refused(look, greedy) == "cannot_unpack"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Not here</html>",
        b"\x1f\x9d\x90" + b"x" * 5000,
        b"SIMPLE" + b" " * 4000,
        b"\0" * 5000,
        gzip.compress(b"plain text in gzip" * 1000),
        gzip.compress(b""),
    ],
)
def test_what_is_no_fits_file_is_refused(
    look: Callable[..., Contents], body: bytes
) -> None:
    assert refused(look, body) == "not_fits"


def test_a_table_a_spectrum_and_an_empty_header_hold_no_image(
    look: Callable[..., Contents],
) -> None:
    primary = {"SIMPLE": True, "BITPIX": 8, "NAXIS": 0}
    table = {
        "XTENSION": "BINTABLE",
        "BITPIX": 8,
        "NAXIS": 2,
        "NAXIS1": 100,
        "NAXIS2": 100,
        "PCOUNT": 0,
        "GCOUNT": 1,
    }
    assert refused(look, header(primary)) == "no_image"
    with_table = header(primary) + header(table) + b"\0" * 11520
    assert refused(look, with_table) == "no_image"
    assert refused(look, frame(shape=(4096,))) == "no_image"
    assert refused(look, frame(shape=(5, 2000))) == "no_image"


@pytest.mark.parametrize(
    "damage",
    [
        {"NAXIS": -1},
        {"NAXIS": 4000},
        {"NAXIS": "two"},
        {"BITPIX": 12},
        {"NAXIS1": -32},
        {"NAXIS2": 24.5},
    ],
)
def test_a_damaged_header_is_named(
    look: Callable[..., Contents], damage: dict[str, object]
) -> None:
    cards = {"SIMPLE": True, "BITPIX": 16, "NAXIS": 2, "NAXIS1": 32, "NAXIS2": 24}
    assert refused(look, header(cards | damage)) == "damaged_header"


def test_a_header_without_end_is_not_read_for_ever(
    look: Callable[..., Contents],
) -> None:
    body = b"SIMPLE  =                    T".ljust(80)
    body += b"COMMENT for ever".ljust(80) * 36 * 1100
    assert refused(look, body) == "damaged_header"


@pytest.mark.parametrize("packing", PACKERS)
def test_a_bomb_stops_at_the_limit(look: Callable[..., Contents], packing: str) -> None:
    bomb = PACKERS[packing](frame(shape=(2000, 2000)) + bytes(30 << 20))
    tracemalloc.start()
    try:
        assert refused(look, bomb, limit=2 << 20) == "unpacks_too_large"
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A window of 8 MB is what xz unpacks with.
    assert peak < (12 << 20 if packing == "xz" else 5 << 20)


def test_a_bomb_below_the_limit_is_known_by_its_ratio(
    look: Callable[..., Contents],
) -> None:
    cards = {"SIMPLE": True, "BITPIX": 8, "NAXIS": 2, "NAXIS1": 20480, "NAXIS2": 20480}
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=1) as file:
        file.write(header(cards))
        for _ in range(400):
            file.write(bytes(1 << 20))
    assert refused(look, packed.getvalue()) == "unpacks_too_large"


def test_a_packed_image_that_says_it_is_huge_is_refused_unread(
    look: Callable[..., Contents],
) -> None:
    primary = header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 0})
    tiles = header(
        {
            "XTENSION": "BINTABLE",
            "BITPIX": 8,
            "NAXIS": 2,
            "NAXIS1": 8,
            "NAXIS2": 1,
            "PCOUNT": 0,
            "GCOUNT": 1,
            "ZIMAGE": True,
            "ZBITPIX": -32,
            "ZNAXIS": 2,
            "ZNAXIS1": 60000,
            "ZNAXIS2": 60000,
        }
    )
    assert refused(look, primary + tiles + b"\0" * 2880) == "unpacks_too_large"


def test_a_frame_without_a_date_says_what_was_found(
    look: Callable[..., Contents],
) -> None:
    with pytest.raises(FrameRefused) as caught:
        look(frame(DATE_OBS="nn/nn/nn"))
    assert caught.value.code == "no_usable_date"
    assert "DATE-OBS = 'nn/nn/nn'" in caught.value.sentence


def sentence_about(path: Path) -> str | None:
    """Why a file is refused, None when it is taken; other errors are failures."""
    try:
        check_date(look_at(path, GIB), HeaderKeywords())
    except FrameRefused as refusal:
        return refusal.sentence
    return None


@given(
    st.binary(max_size=4000) | st.binary(max_size=3000).map(lambda b: b"SIMPLE  =" + b)
)
@settings(max_examples=150)
def test_no_bytes_make_anything_but_a_refusal(
    tmp_path_factory: pytest.TempPathFactory, body: bytes
) -> None:
    path = tmp_path_factory.mktemp("hostile") / "upload"
    path.write_bytes(body)
    with pytest.raises(FrameRefused):
        look_at(path, GIB)


@given(position=st.integers(0, 2880 + 1536), value=st.integers(0, 255))
@settings(max_examples=300)
def test_no_changed_byte_makes_anything_but_an_answer(
    tmp_path_factory: pytest.TempPathFactory, position: int, value: int
) -> None:
    body = bytearray(_plain_frame())
    body[position] = value
    path = tmp_path_factory.mktemp("changed") / "upload"
    path.write_bytes(bytes(body))
    assert sentence_about(path) != ""


def _plain_frame() -> bytes:
    cards = [
        "SIMPLE  =                    T",
        "BITPIX  =                   16",
        "NAXIS   =                    2",
        "NAXIS1  =                   32",
        "NAXIS2  =                   24",
        "DATE-OBS= '2021-01-18T11:26:32'",
        "END",
    ]
    text = "".join(card.ljust(80) for card in cards).ljust(2880)
    return text.encode() + bytes(2880)


USABLE = {
    "apogee_061m_v_nowcs.fits": "plain",
    "c4d_170316_062107_ooi_z_ls9.N2.fits": "plain",
    "c4d_171113_060340_ooi_r_ls9.N6.fits": "fpack",
    "c8_asi_r_defocused.fit": "plain",
    "cfht_wircam_h2_lhs3473.fits.fz": "fpack",
    "chimera_with_wcs_100x100.fits": "plain",
    "ctio4m_mosaic2_i_cdfs_tpv.fits": "plain",
    "decam_i_obs04a.fits": "plain",
    "dss_palomar_starfield.fits": "plain",
    "euler_ecam_rg_ngc2024.fits": "plain",
    "huntsman_ngc1566_800x800.fits": "plain",
    "ksb_170430_055945_ooi_r_ls9.CCD4.fits": "fpack",
    "lco1m_rp_sdssj0029_template.fits.fz": "fpack",
    "panoptes_unsolved_cygnus.fits": "plain",
    "toros_clear_eso085-030_004.fit": "plain",
}
NOT_USABLE = {
    "images/chimera_without_wcs_100x100.fits": "no_usable_date",
    "images/ukst_shs_sr_2017.fits": "no_usable_date",
    "odd/aavso_vsx_xcrb.xml": "not_fits",
    "odd/astropy_blank.fits": "no_image",
    "odd/astropy_group_invalid.fits": "no_image",
    "odd/astropy_lzw.fits.Z": "not_fits",
    "odd/astropy_random_groups.fits": "no_image",
    "odd/astropy_tb.fits": "no_image",
    "odd/astropy_zerowidth.fits": "no_image",
    "odd/astropywcs_dist.fits": "no_image",
    "odd/astropywcs_header_newlines.fits": "no_image",
    "odd/astropywcs_invalid_header.hdr": "truncated",
    "odd/astropywcs_outside_sky.hdr": "truncated",
    "odd/astropywcs_sip-broken.hdr": "not_fits",
    "odd/iue_swp06542llg.fits": "no_image",
    "odd/ldac_corrupt.fits": "no_image",
    "odd/nomtam_m13.fits": "no_usable_date",
    "odd/panoptes_noheader.fits": "no_usable_date",
    "odd/turbo_1.avro": "not_fits",
}


def real(name: str) -> Path:
    path = REAL / name
    if not path.exists():
        pytest.skip(f"the folder of real data is not here ({name})")
    return path


@pytest.mark.parametrize(("name", "packing"), USABLE.items())
def test_real_frames_are_taken(name: str, packing: str) -> None:
    contents = look_at(real(f"images/{name}"), GIB)
    check_date(contents, HeaderKeywords())
    assert contents.packing == packing


@pytest.mark.parametrize(("name", "code"), NOT_USABLE.items())
def test_real_odd_files_are_refused_for_their_own_reason(name: str, code: str) -> None:
    path = real(name)
    with pytest.raises(FrameRefused) as caught:
        check_date(look_at(path, GIB), HeaderKeywords())
    assert caught.value.code == code


def test_every_odd_file_gets_an_answer() -> None:
    real("odd")
    for path in sorted((REAL / "odd").iterdir()):
        sentence = sentence_about(path)
        assert sentence is None or sentence.endswith("."), path.name
