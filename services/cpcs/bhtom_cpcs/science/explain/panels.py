"""The panels of a diagnostic figure, each drawn into axes of its own."""

from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator

from bhtom_cpcs.science.calibration.bands import passband_text
from bhtom_cpcs.science.explain.explanation import (
    Explanation,
    FloatArray,
    MatchedStars,
    Picture,
    SourceField,
    StarImage,
    TargetMark,
)

_BLUE, _GREY, _RED, _GREEN = "#1f5fa8", "#b0b0b0", "#c8372d", "#2b8a3e"
# Grey marks drown in the noise of a picture whose stars are faint.
_AMBER = "#d98200"
_SHOWN_STARS = 1500
_SMALL = 7
_ABOUT_TARGET = 60


def picture_panel(axes: Any, shown: Picture, explained: Explanation) -> None:
    """The image with the target, its neighbours, and the stars used and left out."""
    span = max(shown.high - shown.low, 1e-12)
    stretched = np.sqrt(np.clip((shown.pixels - shown.low) / span, 0, 1))
    axes.imshow(stretched, origin="lower", cmap="gray_r", interpolation="nearest")
    height, width = shown.pixels.shape
    if explained.stars is not None:
        stars = explained.stars
        _star_marks(axes, _placed(shown, stars.x_px, stars.y_px), stars.used)
    if explained.target is not None:
        target = explained.target
        at = _placed(shown, np.array([target.x_px]), np.array([target.y_px]))
        near = _placed(shown, target.neighbour_x_px, target.neighbour_y_px)
        _target_mark(axes, at, max(target.aperture_radius_px / shown.step, 1.5), near)
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(-0.5, height - 0.5)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(shown.label, fontsize=_SMALL)


def source_panel(
    axes: Any, shown: SourceField, explained: Explanation, *, about_target: bool
) -> None:
    """The sources of a list, larger where brighter, in the place of an image."""
    target = explained.target
    left, right, bottom, top = 0.0, shown.width_px, 0.0, shown.height_px
    label = shown.label
    if target is not None and about_target:
        half = _half_about(shown, target)
        left, right = target.x_px - half, target.x_px + half
        bottom, top = target.y_px - half, target.y_px + half
        label = f"{label}, those about the target"
    inside = (shown.x_px >= left) & (shown.x_px <= right)
    inside &= (shown.y_px >= bottom) & (shown.y_px <= top)
    size = np.clip(30.0 * 10 ** (-0.16 * shown.fainter_mag[inside]), 0.5, None)
    axes.scatter(shown.x_px[inside], shown.y_px[inside], s=size, color="black", lw=0)
    if explained.stars is not None:
        stars = explained.stars
        _star_marks(axes, (stars.x_px, stars.y_px), stars.used)
    if target is not None:
        at = np.array([target.x_px]), np.array([target.y_px])
        near = target.neighbour_x_px, target.neighbour_y_px
        _target_mark(axes, at, 0.02 * (right - left), near)
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(label, fontsize=_SMALL)


def _half_about(shown: SourceField, target: TargetMark) -> float:
    """Half the side of a square about the target that holds some dozens of sources."""
    away = np.sort(np.hypot(shown.x_px - target.x_px, shown.y_px - target.y_px))
    away = away[np.isfinite(away)]
    if not len(away):
        return max(shown.width_px, shown.height_px) / 2
    return max(float(away[min(len(away), _ABOUT_TARGET) - 1]), 10.0)


def _star_marks(
    axes: Any, placed: tuple[FloatArray, FloatArray], used: npt.NDArray[np.bool_]
) -> None:
    x, y = placed
    axes.plot(x[used], y[used], "o", mfc="none", mec=_BLUE, ms=8, mew=0.8)
    axes.plot(x[~used], y[~used], "x", color=_AMBER, ms=4, mew=0.8)


def _target_mark(
    axes: Any,
    at: tuple[FloatArray, FloatArray],
    radius: float,
    neighbours: tuple[FloatArray, FloatArray],
) -> None:
    x, y = float(at[0][0]), float(at[1][0])
    axes.add_patch(Circle((x, y), radius, fill=False, color=_RED))
    for direction in (-1, 1):
        ends = [x + direction * 2.0 * radius, x + direction * 4.5 * radius]
        axes.plot(ends, [y, y], color=_RED, lw=1)
    axes.plot(*neighbours, "+", color=_GREEN, ms=6, mew=0.9)


def _placed(
    shown: Picture, x_px: FloatArray, y_px: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Positions of the frame in the picture's own pixels."""
    return (x_px - shown.left) / shown.step, (y_px - shown.bottom) / shown.step


def zero_point_panel(axes: Any, stars: MatchedStars) -> None:
    """Zero point of each star against its reference magnitude."""
    some = np.s_[:_SHOWN_STARS]
    used = stars.used[some]
    magnitude, value = stars.reference_magnitude[some], stars.star_zero_point[some]
    axes.plot(magnitude[~used], value[~used], "x", color=_GREY, ms=4, label="left out")
    if used.any():
        axes.errorbar(
            magnitude[used],
            value[used],
            yerr=stars.error[some][used],
            fmt="o",
            color=_BLUE,
            ms=3,
            lw=0.6,
            label="used",
        )
    _level(axes, stars.zero_point, stars.scatter)
    axes.set_xlabel(f"{stars.passband} of the reference stars [mag]", fontsize=_SMALL)
    axes.set_ylabel("zero point of each star [mag]", fontsize=_SMALL)
    axes.tick_params(labelsize=_SMALL)
    axes.legend(fontsize=_SMALL, loc="best", frameon=False)
    axes.set_title(_zero_point_title(stars), fontsize=9, parse_math=False)
    if not np.isfinite(value).any():
        _nothing(axes, f"no star has a magnitude in {stars.passband}")


def _zero_point_title(stars: MatchedStars) -> str:
    if stars.zero_point is None or stars.scatter is None:
        return f"no zero point: {len(stars.used)} stars left out"
    n_used = int(stars.used.sum())
    figures = f"zero point {stars.zero_point:.3f}, scatter {stars.scatter:.3f} mag"
    return f"{figures}, {n_used} stars" if n_used else f"{figures}, borrowed"


def residual_panel(
    axes: Any, stars: MatchedStars, against: FloatArray, label: str
) -> None:
    """What is left of each star after the fit, against something that may matter."""
    some = np.s_[:_SHOWN_STARS]
    used = stars.used[some]
    against, residual = against[some], stars.residual[some]
    axes.plot(against[~used], residual[~used], "x", color=_GREY, ms=3, label="left out")
    axes.plot(against[used], residual[used], "o", color=_BLUE, ms=2.5, label="used")
    _level(axes, 0.0, stars.scatter)
    axes.set_xlabel(label, fontsize=_SMALL)
    axes.set_ylabel("residual [mag]", fontsize=_SMALL)
    axes.tick_params(labelsize=_SMALL)
    axes.ticklabel_format(axis="x", useOffset=False, style="plain")
    axes.xaxis.set_major_locator(MaxNLocator(6))
    if not np.isfinite(against).any():
        _nothing(axes, "not known for these stars")
    elif not np.isfinite(residual).any():
        _nothing(axes, "no zero point to hold the stars against")


def _level(axes: Any, centre: float | None, scatter: float | None) -> None:
    if centre is None or scatter is None:
        return
    axes.axhline(centre, color=_RED, lw=1)
    axes.axhspan(centre - scatter, centre + scatter, color=_RED, alpha=0.12, lw=0)
    half = max(6 * scatter, 0.12)
    axes.set_ylim(centre - half, centre + half)


def band_panel(axes: Any, explained: Explanation) -> None:
    """How much the same stars scatter in each band, least on top."""
    ranked = [band for band in explained.bands if band["ranked"]]
    ranked.sort(key=lambda band: band["scatter_mag"], reverse=True)
    names = [passband_text(band["passband"]) for band in ranked]
    values = [band["scatter_mag"] for band in ranked]
    colours = [_RED if band["chosen"] else _GREY for band in ranked]
    axes.barh(names, values, color=colours)
    axes.set_xlabel("scatter of the same stars [mag]", fontsize=_SMALL)
    axes.tick_params(labelsize=_SMALL)
    if not ranked:
        _nothing(axes, "no band could be ranked")


def star_image_panel(axes: Any, image: StarImage) -> None:
    """The stars' profile with the model, and the growth curve."""
    axes.plot(
        image.growth_radius_px, image.growth, color=_GREEN, lw=1.2, label="growth"
    )
    peak = float(np.nanmax(image.model)) if len(image.model) else 1.0
    axes.plot(
        image.profile_radius_px,
        image.profile / peak,
        "o",
        color=_BLUE,
        ms=2.5,
        label="stars",
    )
    axes.plot(
        image.profile_radius_px, image.model / peak, color=_RED, lw=1, label="PSF"
    )
    axes.axhline(1.0, color=_GREY, lw=0.6)
    axes.set_ylim(-0.05, 1.15)
    axes.set_xlabel("radius [px]", fontsize=_SMALL)
    axes.legend(fontsize=_SMALL, loc="center right", frameon=False)
    axes.tick_params(labelsize=_SMALL)


def nothing_panel(axes: Any, text: str) -> None:
    """Say why a panel is empty."""
    axes.set_xticks([])
    axes.set_yticks([])
    _nothing(axes, text)


def _nothing(axes: Any, text: str) -> None:
    axes.text(
        0.5,
        0.5,
        text,
        transform=axes.transAxes,
        ha="center",
        va="center",
        fontsize=_SMALL,
        color=_GREY,
    )
