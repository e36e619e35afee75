"""Gaia Photometric Science Alerts: one G light curve an alert, as CSV.

The archive documents two files: `alerts.csv`, all alerts with their positions, and
`alert/<name>/lightcurve.csv`, whose first two lines are the name and the column
titles `#Date,JD(TCB),averagemag`. It gives no errors; those here follow the mean
relation between brightness and scatter that BHTOM2 uses for these alerts.
"""

import asyncio
import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from bhtom_contracts.events.photometry import HarvestedRow, PhotometricValue
from bhtom_harvester.sources.interface import (
    Fetcher,
    Harvest,
    SourceBroken,
    Wanted,
)

MATCH_RADIUS_ARCSEC: Final = 1.0
_NAME: Final = re.compile(r"Gaia[0-9]{2}[a-z]{3,4}")
_DATE: Final = re.compile(r"[0-9T:.Z -]{4,40}")
_JD: Final = re.compile(r"[0-9]{7}(\.[0-9]{1,20})?")
_LIST_COLUMNS: Final = ("Name", "RaDeg", "DecDeg")
_LIGHT_CURVE_COLUMNS: Final = ("Date", "JD(TCB)", "averagemag")
_TITLES_WITHIN: Final = 5
_JD_OF_MJD_ZERO: Final = 2_400_000.5
# The archive writes these where it has no trusted magnitude.
_NO_VALUE: Final = frozenset({"", "null", "nan", "untrusted"})
_FAINTEST, _BRIGHTEST = 25.0, 0.0


class GaiaAlerts:
    """Light curves of Gaia alerts, found by name or by position."""

    name = "gaia_alerts"
    title = "Gaia Science Alerts"
    citation = (
        "We acknowledge ESA Gaia, DPAC and the Photometric Science Alerts Team "
        "(Hodgkin et al. 2021, A&A 652, A76)."
    )

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self.host = fetcher.host

    async def harvest(self, wanted: Wanted) -> Harvest:
        """The G light curve of the target's alert, if it has one."""
        alert = next((name for name in wanted.names if _NAME.fullmatch(name)), None)
        if alert is None:
            alert = await self._nearest(wanted)
        if alert is None:
            where = "at this position" if wanted.ra is not None else "of this name"
            return Harvest(None, (), f"No Gaia alert {where}.")
        found = await self._fetcher.get(f"alert/{alert}/lightcurve.csv")
        if found is None:
            return Harvest(alert, (), f"The archive has no light curve of {alert}.")
        # In a thread: thousands of rows would hold up everything else.
        rows = await asyncio.to_thread(read_light_curve, alert, found.body)
        return Harvest(alert, rows, f"{len(rows)} points of {alert}.", url=found.url)

    async def _nearest(self, wanted: Wanted) -> str | None:
        if wanted.ra is None or wanted.dec is None:
            return None
        found = await self._fetcher.get_daily("alerts.csv", is_alert_list)
        if found is None:
            raise SourceBroken("The list of alerts is gone from its address.")
        return await asyncio.to_thread(nearest_alert, found.body, wanted.ra, wanted.dec)


def is_alert_list(body: bytes) -> bool:
    """Whether the list of alerts has the columns that are read from it."""
    return _columns(_lines(body[:2000]), _LIST_COLUMNS) is not None


def nearest_alert(body: bytes, ra: float, dec: float) -> str | None:
    """The alert nearest to a position in degrees, within the matching radius."""
    lines = _lines(body)
    columns = _columns(lines, _LIST_COLUMNS)
    if columns is None:
        raise SourceBroken(
            f"The list of alerts has no columns {', '.join(_LIST_COLUMNS)}: "
            "the archive's format changed."
        )
    best: tuple[float, str] | None = None
    for cells in lines:
        alert = _alert_of(cells, columns)
        # Most alerts are far away: the cheap test first.
        if alert is None or abs(alert[2] - dec) * 3600 > MATCH_RADIUS_ARCSEC:
            continue
        distance = separation_arcsec(ra, dec, alert[1], alert[2])
        if distance <= MATCH_RADIUS_ARCSEC and (best is None or distance < best[0]):
            best = (distance, alert[0])
    return None if best is None else best[1]


def _alert_of(
    cells: list[str], columns: tuple[int, ...]
) -> tuple[str, float, float] | None:
    """Name and position of a row of the list, if it has both."""
    if len(cells) <= max(columns):
        return None
    name, ra, dec = (cells[column].strip() for column in columns)
    if not _NAME.fullmatch(name):
        return None
    try:
        position = float(ra), float(dec)
    except ValueError:
        return None
    return (name, *position) if all(map(math.isfinite, position)) else None


def _lines(body: bytes) -> Iterator[list[str]]:
    """The cells of each line."""
    text = body.decode("utf-8", "replace")
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    try:
        yield from reader
    except csv.Error as error:
        raise SourceBroken(f"The archive's answer is no CSV: {error}.") from error


def _columns(
    lines: Iterator[list[str]], wanted: Sequence[str]
) -> tuple[int, ...] | None:
    """Where the wanted columns are, by the line of titles, which is read off."""
    for cells in islice(lines, _TITLES_WITHIN):
        titles = [cell.strip().lstrip("#").strip() for cell in cells]
        if all(title in titles for title in wanted):
            return tuple(titles.index(title) for title in wanted)
    return None


def separation_arcsec(ra1: float, dec1: float, ra2: float, dec2: float) -> float:
    """Angle between two positions in degrees, by the haversine formula."""
    ra1, dec1, ra2, dec2 = (math.radians(value) for value in (ra1, dec1, ra2, dec2))
    half = (
        math.sin((dec2 - dec1) / 2) ** 2
        + math.cos(dec1) * math.cos(dec2) * math.sin((ra2 - ra1) / 2) ** 2
    )
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(half)))) * 3600


def read_light_curve(alert: str, body: bytes) -> tuple[HarvestedRow, ...]:
    """The rows of a light-curve file that hold a trusted magnitude."""
    lines = _lines(body)
    columns = _columns(lines, _LIGHT_CURVE_COLUMNS)
    if columns is None:
        raise SourceBroken(
            f"The light curve of {alert} has no columns "
            f"{', '.join(_LIGHT_CURVE_COLUMNS)}: the archive's format changed."
        )
    found: dict[str, _Reported] = {}
    for cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        row = _reported(alert, cells, columns)
        if row is not None:
            found[row.jd_text] = row
    rows = tuple(found.values())
    mjds = mjd_utc_from_jd_tcb([row.jd for row in rows])
    return tuple(
        _harvested(alert, row, mjd) for row, mjd in zip(rows, mjds, strict=True)
    )


@dataclass(frozen=True, slots=True)
class _Reported:
    date: str
    jd_text: str
    jd: float
    magnitude: float


def _reported(
    alert: str, cells: list[str], columns: tuple[int, ...]
) -> _Reported | None:
    """A row as the archive wrote it; None without a trusted magnitude."""
    try:
        date, jd_text, magnitude_text = (cells[column].strip() for column in columns)
        if magnitude_text.lower() in _NO_VALUE:
            return None
        jd, magnitude = float(jd_text), float(magnitude_text)
        if not (_DATE.fullmatch(date) and _JD.fullmatch(jd_text)):
            raise ValueError("not as documented")
    except (ValueError, IndexError) as error:
        raise SourceBroken(
            f"The light curve of {alert} has the row {','.join(cells)[:100]!r}, "
            "which is not a date, a JD and a magnitude."
        ) from error
    if not (2_456_000 < jd < 2_500_000) or not _BRIGHTEST < magnitude < _FAINTEST:
        return None
    return _Reported(date, jd_text, jd, magnitude)


def _harvested(alert: str, row: _Reported, mjd: float) -> HarvestedRow:
    return HarvestedRow(
        # The archive numbers no rows: its time, as written, is the row's identity.
        record=f"{alert}/{row.jd_text}",
        component="G",
        mjd=mjd,
        time_as_reported=f"{row.date} = JD(TCB) {row.jd_text}",
        time_scale_as_reported="TCB",
        photometry=PhotometricValue(
            value=row.magnitude,
            error=round(magnitude_error(row.magnitude), 4),
            system="Vega",
            passband="GSA(G)",
            passband_as_reported="G",
        ),
    )


def magnitude_error(magnitude: float) -> float:
    """Typical error of a G magnitude of an alert [mag]."""
    if magnitude <= 17:
        return float(10 ** (0.2 * max(magnitude, 13.5) - 5.2))
    return float(10 ** (0.26 * magnitude - 6.26))


def mjd_utc_from_jd_tcb(jds: Sequence[float]) -> list[float]:
    """MJD (UTC) of JDs in TCB, which runs some 90 s ahead of UTC in these years."""
    # Imported here: only jobs need it, and it is half of this service's memory.
    from astropy.time import Time
    from astropy.utils import iers

    # Leap seconds come from astropy's wheels: a harvest waits for one archive only.
    iers.conf.auto_download = False
    iers.conf.auto_max_age = None
    if not jds:
        return []
    days = [jd - _JD_OF_MJD_ZERO for jd in jds]
    times = Time([_JD_OF_MJD_ZERO] * len(days), days, format="jd", scale="tcb")
    return [float(mjd) for mjd in times.utc.mjd]
