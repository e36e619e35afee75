"""Gaia Photometric Science Alerts: one G light curve an alert, as CSV.

The archive documents two files: `alerts.csv`, all alerts with their positions, and
`alert/<name>/lightcurve.csv`, whose first two lines are the name and the column
titles `#Date,JD(TCB),averagemag`. It gives no errors; those here follow the mean
relation between brightness and scatter that BHTOM2 uses for these alerts.
"""

import csv
import io
import math
import re
from typing import Final

from bhtom_contracts.events.photometry import HarvestedRow, PhotometricValue
from bhtom_harvester.sources.interface import (
    Fetcher,
    Harvest,
    SourceBroken,
    Wanted,
)

MATCH_RADIUS_ARCSEC: Final = 1.0
_NAME: Final = re.compile(r"^Gaia\d{2}[a-z]{3,4}$")
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

    def __init__(self, fetcher: Fetcher, host: str) -> None:
        self._fetcher = fetcher
        self.host = host

    async def harvest(self, wanted: Wanted) -> Harvest:
        """The G light curve of the target's alert, if it has one."""
        alert = next((name for name in wanted.names if _NAME.match(name)), None)
        if alert is None:
            alert = await self._nearest(wanted)
        if alert is None:
            return Harvest(None, (), "No Gaia alert at this position.")
        found = await self._fetcher.get(f"alert/{alert}/lightcurve.csv")
        if found is None:
            return Harvest(alert, (), f"The archive has no light curve of {alert}.")
        rows = read_light_curve(alert, found.body)
        return Harvest(alert, rows, f"{len(rows)} points of {alert}.", url=found.url)

    async def _nearest(self, wanted: Wanted) -> str | None:
        if wanted.ra is None or wanted.dec is None:
            return None
        found = await self._fetcher.get_daily("alerts.csv")
        if found is None:
            raise SourceBroken("The list of alerts is gone from its address.")
        return nearest_alert(found.body, wanted.ra, wanted.dec)


def nearest_alert(body: bytes, ra: float, dec: float) -> str | None:
    """The alert nearest to a position in degrees, within the matching radius."""
    reader = csv.DictReader(
        io.StringIO(body.decode("utf-8", "replace")), skipinitialspace=True
    )
    best: tuple[float, str] | None = None
    for row in reader:
        fields = {
            (key or "").strip().lstrip("#").strip(): value for key, value in row.items()
        }
        name, where = fields.get("Name"), (fields.get("RaDeg"), fields.get("DecDeg"))
        if not name or not _NAME.match(name):
            continue
        try:
            alert_ra, alert_dec = float(where[0] or ""), float(where[1] or "")
        except ValueError:
            continue
        distance = separation_arcsec(ra, dec, alert_ra, alert_dec)
        if distance <= MATCH_RADIUS_ARCSEC and (best is None or distance < best[0]):
            best = (distance, name)
    return None if best is None else best[1]


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
    lines = list(csv.reader(io.StringIO(body.decode("utf-8", "replace"))))
    titles = next(
        (n for n, cells in enumerate(lines) if "averagemag" in ",".join(cells)), None
    )
    if titles is None:
        raise SourceBroken(
            f"The light curve of {alert} has no column 'averagemag': "
            "the archive's format changed."
        )
    found: dict[str, HarvestedRow] = {}
    for cells in lines[titles + 1 :]:
        row = _row(alert, [cell.strip() for cell in cells])
        if row is not None:
            found[row.record] = row
    return tuple(found.values())


def _row(alert: str, cells: list[str]) -> HarvestedRow | None:
    if len(cells) != 3 or cells[2].lower() in _NO_VALUE:
        return None
    date, jd_text, magnitude_text = cells
    try:
        jd, magnitude = float(jd_text), float(magnitude_text)
    except ValueError as error:
        raise SourceBroken(
            f"The light curve of {alert} has the row {','.join(cells)[:100]!r}, "
            "which is not a date, a JD and a magnitude."
        ) from error
    if not (2_456_000 < jd < 2_500_000) or not _BRIGHTEST < magnitude < _FAINTEST:
        return None
    return HarvestedRow(
        # The archive numbers no rows: its time, as written, is the row's identity.
        record=f"{alert}/{jd_text}",
        component="G",
        mjd=mjd_utc_from_jd_tcb(jd),
        time_as_reported=f"{date} = JD(TCB) {jd_text}",
        time_scale_as_reported="TCB",
        photometry=PhotometricValue(
            value=magnitude,
            error=round(magnitude_error(magnitude), 4),
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


def mjd_utc_from_jd_tcb(jd: float) -> float:
    """MJD (UTC) of a JD in TCB, which runs some 90 s ahead of UTC in these years."""
    # Imported here: only jobs need it, and it is half of this service's memory.
    from astropy.time import Time

    time = Time(_JD_OF_MJD_ZERO, jd - _JD_OF_MJD_ZERO, format="jd", scale="tcb")
    return float(time.utc.mjd)
