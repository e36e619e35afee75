"""The panels of a diagnostic figure, each drawn into axes of its own."""

from typing import Any

import numpy as np
from matplotlib.patches import Circle
from matplotlib.ticker import MaxNLocator

from bhtom_cpcs.science.explain.explanation import (
    Explanation,
    FloatArray,
    MatchedStars,
    Picture,
    StarImage,
    TargetMark,
)

_BLUE, _GREY, _RED, _GREEN = "#1f5fa8", "#b0b0b0", "#c8372d", "#2b8a3e"
_SHOWN_STARS = 1500
_SMALL = 7


def picture_panel(axes: Any, shown: Picture, explained: Explanation) -> None:
    """The image with the target, its neighbours, and the stars used and left out."""
    span = max(shown.high - shown.low, 1e-12)
    stretched = np.sqrt(np.clip((shown.pixels - shown.low) / span, 0, 1))
    axes.imshow(stretched, origin="lower", cmap="gray_r", interpolation="nearest")
    height, width = shown.pixels.shape
    if explained.stars is not None:
        _star_marks(axes, shown, explained.stars)
    if explained.target is not None:
        _target_mark(axes, shown, explained.target)
    axes.set_xlim(-0.5, width - 0.5)
    axes.set_ylim(-0.5, height - 0.5)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(shown.label, fontsize=_SMALL)


def _star_marks(axes: Any, shown: Picture, stars: MatchedStars) -> None:
    x, y = _placed(shown, stars.x_px, stars.y_px)
    used = stars.used
    axes.plot(x[used], y[used], "o", mfc="none", mec=_BLUE, ms=8, mew=0.8)
    axes.plot(x[~used], y[~used], "x", color=_GREY, ms=4, mew=0.8)


def _target_mark(axes: Any, shown: Picture, target: TargetMark) -> None:
    x, y = _placed(shown, np.array([target.x_px]), np.array([target.y_px]))
    radius = max(target.aperture_radius_px / shown.step, 1.5)
    axes.add_patch(Circle((x[0], y[0]), radius, fill=False, color=_RED))
    for direction in (-1, 1):
        ends = [x[0] + direction * 2.0 * radius, x[0] + direction * 4.5 * radius]
        axes.plot(ends, [y[0], y[0]], color=_RED, lw=1)
    near_x, near_y = _placed(shown, target.neighbour_x_px, target.neighbour_y_px)
    axes.plot(near_x, near_y, "+", color=_GREEN, ms=6, mew=0.9)


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
    axes.set_title(
        f"zero point {stars.zero_point:.3f}, scatter {stars.scatter:.3f} mag, "
        f"{int(stars.used.sum())} stars",
        fontsize=9,
        parse_math=False,
    )


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


def _level(axes: Any, centre: float, scatter: float) -> None:
    axes.axhline(centre, color=_RED, lw=1)
    axes.axhspan(centre - scatter, centre + scatter, color=_RED, alpha=0.12, lw=0)
    half = max(6 * scatter, 0.12)
    axes.set_ylim(centre - half, centre + half)


def band_panel(axes: Any, explained: Explanation) -> None:
    """How much the same stars scatter in each band, least on top."""
    ranked = [band for band in explained.bands if band["ranked"]]
    ranked.sort(key=lambda band: band["scatter_mag"], reverse=True)
    names = [band["passband"] for band in ranked]
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
