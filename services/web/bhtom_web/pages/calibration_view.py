"""A calibration's figures as rows of text, each with its unit."""

from dataclasses import dataclass
from typing import Any, Final

from bhtom_web.presentation import NOTHING, as_float, number
from bhtom_web.services import Json


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: what it is, its value, and what that means."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class CalibrationView:
    """What a page shows of a calibration."""

    photometry: tuple[Figure, ...]
    image: tuple[Figure, ...]
    astrometry: tuple[Figure, ...]
    filter_sentence: str | None
    filter_disagrees: bool
    warnings: tuple[str, ...]
    bands: tuple[Json, ...]
    catalogue: str | None
    software: str | None
    plot: str | None
    details: str | None
    explanation: str | None


_NO_PART: Final[Json] = {}


def calibration_view(calibration: Any) -> CalibrationView | None:
    """Read the figures out of a calibration; what is unknown is left out."""
    if not isinstance(calibration, dict):
        return None
    result = _part(calibration, "result")
    provenance = _part(result, "provenance")
    report = _part(result, "filter")
    return CalibrationView(
        photometry=_known(_photometry(result)),
        image=_known(_image(result)),
        astrometry=_known(_astrometry(result)),
        filter_sentence=report.get("sentence"),
        filter_disagrees=report.get("disagrees") is True,
        warnings=tuple(str(text) for text in result.get("warnings") or ()),
        bands=tuple(_part(result, "zero_point").get("ranking") or ()),
        catalogue=_joined(
            provenance.get("catalogue_name"), provenance.get("catalogue_release")
        ),
        software=_joined(provenance.get("method"), provenance.get("software_version")),
        plot=_address(calibration, "plot", "plot.png"),
        details=_address(calibration, "details", "details.svg"),
        explanation=_address(calibration, "explanation", "explanation"),
    )


def _photometry(result: Json) -> list[Figure]:
    fit = _part(result, "zero_point")
    band = str(fit.get("passband_text") or fit.get("passband") or NOTHING)
    return [
        Figure("Reference band", band),
        Figure("Zero point", _with_error(fit.get("value"), fit.get("error"), "mag")),
        Figure("Scatter of the stars", number(fit.get("scatter"), 3, "mag")),
        Figure("Stars used", _of(fit.get("n_stars"), fit.get("n_matched"))),
        Figure("Outliers", _percent(fit.get("outlier_fraction"))),
    ]


def _image(result: Json) -> list[Figure]:
    quality, timing = _part(result, "quality"), _part(result, "timing")
    fwhm = number(quality.get("fwhm_px"), 2, "px")
    if as_float(quality.get("fwhm_arcsec")) is not None:
        fwhm = f"{number(quality['fwhm_arcsec'], 2, '″')} ({fwhm})"
    gain = number(quality.get("gain_e_per_adu"), 3, "e⁻/ADU")
    return [
        Figure("Seeing (FWHM)", fwhm),
        Figure("Ellipticity", number(quality.get("ellipticity"), 2)),
        Figure("Background", number(quality.get("background_adu"), 1, "ADU/px")),
        Figure(
            "Noise of the background",
            number(quality.get("background_rms_adu"), 2, "ADU/px"),
        ),
        Figure("Sources found", number(quality.get("n_sources"), 0)),
        Figure("Gain", gain),
        Figure("Air mass", number(timing.get("air_mass"), 2)),
        Figure("Altitude of the Sun", number(timing.get("sun_altitude_deg"), 0, "°")),
    ]


def _astrometry(result: Json) -> list[Figure]:
    wcs = _part(result, "wcs")
    size = NOTHING
    if as_float(wcs.get("width_px")) is not None:
        size = f"{wcs.get('width_px')} × {wcs.get('height_px')} px"
    return [
        Figure("Frame", size),
        Figure("Pixel scale", number(wcs.get("pixel_scale_arcsec"), 3, "″/px")),
        Figure(
            "Header position off by",
            number(wcs.get("offset_arcsec"), 2, "″"),
            "catalogue minus header, corrected for",
        ),
        Figure("Scatter of the positions", number(wcs.get("rms_arcsec"), 2, "″")),
    ]


def _address(calibration: Json, link: str, name: str) -> str | None:
    """The address of a thing that the calibration has, always one of this site."""
    number_ = calibration.get("calibration_id")
    if _part(calibration, "links").get(link) and isinstance(number_, int):
        return f"/api/v1/calibrations/{number_}/{name}"
    return None


def _part(whole: Any, name: str) -> Json:
    found = whole.get(name) if isinstance(whole, dict) else None
    return found if isinstance(found, dict) else _NO_PART


def _known(figures: list[Figure]) -> tuple[Figure, ...]:
    return tuple(figure for figure in figures if figure.value != NOTHING)


def _with_error(value: Any, error: Any, unit: str) -> str:
    if as_float(value) is None:
        return NOTHING
    if as_float(error) is None:
        return number(value, 3, unit)
    return f"{number(value, 3)} ± {number(error, 3, unit)}"


def _of(used: Any, matched: Any) -> str:
    if as_float(used) is None:
        return NOTHING
    if as_float(matched) is None:
        return number(used, 0)
    return f"{number(used, 0)} of {number(matched, 0)} matched"


def _percent(fraction: Any) -> str:
    figure = as_float(fraction)
    return NOTHING if figure is None else number(100 * figure, 0, "%")


def _joined(*texts: Any) -> str | None:
    return " ".join(str(text) for text in texts if text) or None
