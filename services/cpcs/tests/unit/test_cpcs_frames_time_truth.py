"""Headers made of one known exposure, in every mixture of cards, marks and scales.

What is read is right, or it is said that it may be wrong, or it is refused.
"""

from collections.abc import Callable
from random import Random

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.time import Time, TimeDelta

from bhtom_cpcs.science.frames.exposure_time import exposure_time
from bhtom_cpcs.science.frames.sun_and_air import (
    bjd_tdb,
    hjd_utc,
    mjd_at_telescope,
    tdb_of,
)
from bhtom_cpcs.science.request import CameraSettings
from bhtom_cpcs.science.stop import Stop

TOWARDS = np.array([0.28, 0.64, 0.7155417527999327])
RIGHT_S = 0.5
LONGEST_COMMENT = 45  # more does not fit into a card
LEAP = Time("2016-12-31T23:59:59.2", scale="utc", precision=3)
Cards = dict[str, tuple[object, str]]

PHRASES = {
    "start": (
        *("start of exposure", "shutter open", "Exposure start", "beginning of obs"),
        *("start, not mid", "at start; add EXPTIME/2 for mid"),
    ),
    "middle": (
        *("mid exposure", "Mid-exposure", "middle of the exposure", "midpoint of obs"),
        *("mid exposure (not start)", "mid = start + EXPTIME/2"),
    ),
    "end": ("end of exposure", "shutter closed", "exposure end", "at end, not start"),
}
SCALE_WORDS = {
    "utc": ("UTC", "UT", "GMT"),
    "tai": ("TAI",),
    "tt": ("TT", "TDT"),
    "tdb": ("TDB",),
    "gps": ("GPS",),
}
# the ways in which people write a scale, a count of days and a mark into a comment
ORDERS = ("[{s}] {k} {m}", "{k} {m} ({s})", "{k} {m}, {s}", "{k} ({s}), {m}")
JOINED = (*ORDERS, "{k}_{s} {m}", "{m}: {k} {s}")


class Exposure:
    """The truth, and how a header may tell it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.length_s = random.choice([10.0, 60.0, 300.0, 1800.0])
        days = TimeDelta(random.uniform(0, 9000) * units.day)
        self.start = Time("2002-01-01T00:00:00", scale="tai") + days
        if random.random() < 0.06:
            self.start = LEAP + TimeDelta(random.uniform(0, 1.7) * units.s)
        self.system = random.choice(
            [None, None, None, "UTC", "UTC", "TAI", "TT", "GPS", "TDB"]
        )

    @property
    def scale(self) -> str:
        return (self.system or "UTC").lower()

    def at(self, mark: str) -> Time:
        part = {"start": 0.0, "middle": 0.5, "end": 1.0}[mark]
        return self.start + TimeDelta(part * self.length_s * units.s)

    def mark(self) -> str:
        return self.random.choice(["start", "start", "middle", "end"])

    def phrase(self, mark: str) -> str:
        return self.random.choice(PHRASES[mark])


def in_scale(when: Time, scale: str) -> Time:
    if scale == "gps":
        return (when.tai - TimeDelta(19.0 * units.s)).tai
    return getattr(when, scale)


def iso(when: Time, scale: str) -> str:
    found = in_scale(when, scale)
    found.precision = 3
    return str(found.isot)


def dates(e: Exposure) -> Cards:
    """A date with its time, marked by its name, by its comment, or not at all."""
    mark = e.mark()
    named = {"start": "DATE-BEG", "middle": "DATE-AVG", "end": "DATE-END"}[mark]
    card = e.random.choice([named, "DATE-OBS", "DATE_OBS"])
    text, comment = iso(e.at(mark), e.scale), ""
    if card != named:
        mark_said = mark != "start" or e.random.random() < 0.6
        comment = e.phrase(mark) if mark_said else ""
    if e.scale == "utc" and e.random.random() < 0.3:
        text += "Z"
    elif e.scale != "utc" and e.random.random() < 0.2:
        # nobody knows which of them is wrong
        text = iso(e.at(mark), e.random.choice(["utc", e.scale])) + "Z"
    return {card: (text, comment)}


def split(e: Exposure) -> Cards:
    """A date, and its time of day in a card of its own."""
    mark = e.random.choice(["start", "middle"])
    card = e.random.choice(
        ["UT", "UTC-OBS", "UTC", "UTSTART" if mark == "start" else "UTMIDDLE"]
        if e.scale == "utc"
        else ["TIME-OBS"]
    )
    day, clock = iso(e.at(mark), e.scale).split("T")
    value: object = clock
    if e.random.random() < 0.25 and not clock.startswith("23:59:60"):
        hours, minutes, seconds = clock.split(":")
        value = int(hours) + int(minutes) / 60 + float(seconds) / 3600
    comment = "" if card in ("UTSTART", "UTMIDDLE") else e.phrase(mark)
    return {"DATE-OBS": (day, "date of observation"), card: (value, comment)}


def numbers(e: Exposure) -> Cards:
    """A count of days whose scale and mark stand in its comment, or nowhere."""
    mark, kind = e.mark(), e.random.choice(["JD", "MJD"])
    card = e.random.choice(
        ["JD", "JD-OBS", "JD_OBS"] if kind == "JD" else ["MJD", "MJD-OBS", "MJD_OBS"]
    )
    scale, comment = e.scale, f"{kind} {e.phrase(mark)}"
    if e.random.random() < 0.7:
        scale = e.random.choice(list(SCALE_WORDS))
        words = {"s": e.random.choice(SCALE_WORDS[scale]), "k": kind}
        comment = e.random.choice(ORDERS).format(**words, m=e.phrase(mark))
    value = getattr(in_scale(e.at(mark), scale), kind.lower())
    return {card: (float(value), comment)}


def away(e: Exposure) -> Cards:
    """A count of days at the Sun or the barycentre, by name or by comment alone."""
    mark, kind = e.random.choice(["start", "middle"]), e.random.choice(["HJD", "BJD"])
    scale = e.random.choice(["tdb", "tdb", "tt", "utc"])
    mjd = float(e.at(mark).utc.mjd)
    if kind == "HJD":
        delay = hjd_utc(mjd, TOWARDS, None) - 2400000.5 - mjd
    else:
        delay = bjd_tdb(mjd, TOWARDS, None) - sum(tdb_of(mjd))
    value = float(getattr(e.at(mark), scale).jd + delay)
    word = e.random.choice(SCALE_WORDS[scale])
    long = {"HJD": "heliocentric JD", "BJD": "barycentric JD"}[kind]
    said = {"s": word, "k": e.random.choice([kind, long]), "m": e.phrase(mark)}
    full = e.random.choice(JOINED).format(**said)
    card = e.random.choice(["JD", "JD-OBS", kind, f"{kind}_{scale.upper()}"])
    told_by_system = e.scale not in ("tt", "tdb") or scale != "utc"
    if card == kind and told_by_system and e.random.random() < 0.4:
        return {card: (value, e.random.choice(["", e.phrase(mark)]))}  # no scale
    return {card: (value, full)}


def liars(e: Exposure) -> Cards:
    """A card whose name and comment say two things; either may be true."""
    true = e.random.choice([0, 1])
    name, mark, said = e.random.choice(
        [
            ("DATE-AVG", "middle", "start"),
            ("DATE-BEG", "start", "end"),
            ("DATE-BEG", "start", "middle"),
            ("DATE-END", "end", "start"),
        ]
    )
    return {name: (iso(e.at((mark, said)[true]), e.scale), e.phrase(said))}


def lengths(e: Exposure) -> Cards:
    """The exposure time as cameras write it."""
    s = e.length_s
    whole = f"{int(s) // 3600:02d}:{int(s) // 60 % 60:02d}:{int(s) % 60:02d}"
    minutes = f"{s / 60:g}"
    return e.random.choice(
        [
            *2 * [{"EXPTIME": (s, "")}, {"EXPOSURE": (s, "[s] exposure time")}],
            {"EXPTIME": (f"{s:g} s", "")},
            {"EXPTIME": (f"{s:.1f} sec", "")},
            {"EXPTIME": (whole, "")},
            {"EXPOSURE": (whole, "hh:mm:ss")},
            {"EXPTIME": (whole[3:], "mm:ss")},
            {"EXPTIME": (f"{minutes} min", "")},
            {"EXPTIME": (f"{minutes}m", "")},
            {"EXPTIME": (f"2x{s / 2:g}", "")},
            {"EXPTIME": (f"2 x {s / 2:g} s", "")},
            {"EXPTIME": (f"{s * 7:g}/7", "")},
            {"EXPOINUS": (int(s * 1e6), "")},
            {"EXPOINUS": (int(s * 1e6), "Exposure time in us")},
            {"EXPMS": (s * 1e3, "")},
            {"EXPOSURE": (s * 1e3, "[ms]")},
            {"EXPOSURE": (s * 1e3, "milliseconds")},
            {"EXP_TIME": (s, "")},
            {"LEXP": (s, "")},
            {"TEXPTIME": (s, "total exposure")},
            {"ITIME": (s / 5, "per coadd"), "COADDS": (5, "")},
            {"DIT": (s / 5, ""), "NDIT": (5, "")},
        ]
    )


def header_of(e: Exposure) -> fits.Header:
    header = fits.Header()
    kinds: list[Callable[[Exposure], Cards]] = [dates, split, numbers, away]
    count = e.random.choice([1, 1, 2, 3])
    chosen = e.random.choices([*kinds, liars], [4, 3, 4, 4, 1], k=count)
    told = {**lengths(e)}
    for make in dict.fromkeys(chosen):  # one date card cannot be of two days
        cards = make(e)
        while any(len(comment) > LONGEST_COMMENT for _, comment in cards.values()):
            cards = make(e)
        told = {**cards, **told}
    if e.system is not None:
        header["TIMESYS"] = e.system
    for card, (value, comment) in told.items():
        header[card] = (value, comment)
    return header


def verdict(e: Exposure, header: fits.Header) -> str:
    try:
        found = exposure_time(header, CameraSettings())
    except Stop:
        return "refused"
    mjd = found.mid_mjd_utc
    if found.light_time is not None:
        mjd = mjd_at_telescope(mjd, found.light_time, TOWARDS, None)
    off = Time(mjd, format="mjd", scale="utc") - e.at("middle")
    right = abs(off.to_value("s")) < RIGHT_S
    said = "flagged" if "time_uncertain" in found.flags else "unflagged"
    return f"{'right' if right else 'wrong'} and {said}"


def verdicts(count: int, seed: int) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    random = Random(seed)
    for _ in range(count):
        exposure = Exposure(random)
        header = header_of(exposure)
        text = header.tostring(sep="\n", endcard=False, padding=False)
        found.setdefault(verdict(exposure, header), []).append(text)
    return found


def test_no_time_is_wrong_without_a_word() -> None:
    found = verdicts(300, seed=4)
    assert found.get("wrong and unflagged", []) == []
    # and the words are kept for what needs them
    assert len(found["right and unflagged"]) >= 150
