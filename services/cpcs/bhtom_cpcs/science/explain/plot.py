"""Draws a diagnostic plot as PNG, without any global plotting state."""

import io
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from bhtom_cpcs.science.explain.plot_data import PlotData, ResidualPlot

_BLUE, _GREY, _RED = "#1f5fa8", "#b0b0b0", "#c8372d"
_DPI = 80
_SHOWN_STARS = 3000


def draw_png(plot: PlotData) -> bytes:
    """The diagnostic plot as a PNG file."""
    buffer = io.BytesIO()
    # no Software or date in the file: the same plot gives the same bytes
    figure_of(plot).savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def figure_of(plot: PlotData) -> Figure:
    """Draw the cut-out and, where there is one, the zero point star by star."""
    has_residuals = plot.residuals is not None
    figure = Figure(figsize=(9.6, 4.6) if has_residuals else (5.2, 5.2), dpi=_DPI)
    FigureCanvasAgg(figure)
    figure.text(0.02, 0.955, plot.title, fontsize=10, weight="bold", parse_math=False)
    # Long verdicts grow downwards, into the room above the picture.
    figure.text(
        0.02, 0.94, plot.verdict, fontsize=8.5, va="top", parse_math=False, wrap=True
    )
    if plot.residuals is not None:
        _image(figure.add_axes((0.02, 0.08, 0.38, 0.77)), plot)
        _zero_points(figure.add_axes((0.49, 0.12, 0.49, 0.72)), plot.residuals)
    else:
        _image(figure.add_axes((0.05, 0.06, 0.9, 0.78)), plot)
    return figure


def _image(axes: Any, plot: PlotData) -> None:
    span = max(plot.display_high - plot.display_low, 1e-12)
    shown = np.clip((plot.cutout - plot.display_low) / span, 0, 1)
    axes.imshow(np.sqrt(shown), origin="lower", cmap="gray_r", interpolation="nearest")
    if plot.star_x is not None and plot.star_y is not None:
        axes.plot(plot.star_x, plot.star_y, "o", mfc="none", mec=_BLUE, ms=9, mew=0.9)
    if plot.target_x is not None and plot.target_y is not None:
        radius = plot.aperture_radius or 3.0
        axes.add_patch(
            Circle((plot.target_x, plot.target_y), radius, fill=False, color=_RED)
        )
        for direction in (-1, 1):
            axes.plot(
                [
                    plot.target_x + direction * 2.0 * radius,
                    plot.target_x + direction * 4.5 * radius,
                ],
                [plot.target_y, plot.target_y],
                color=_RED,
                lw=1,
            )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel(plot.cutout_label, fontsize=8)


def _zero_points(axes: Any, stars: ResidualPlot) -> None:
    """Zero point of each star against its reference magnitude, one panel."""
    magnitude = stars.reference_magnitude[:_SHOWN_STARS]
    value = stars.star_zero_point[:_SHOWN_STARS]
    used = stars.used[:_SHOWN_STARS]
    axes.plot(magnitude[~used], value[~used], "x", color=_GREY, ms=4, label="left out")
    axes.errorbar(
        magnitude[used],
        value[used],
        yerr=stars.star_error[:_SHOWN_STARS][used],
        fmt="o",
        color=_BLUE,
        ms=3,
        lw=0.6,
        label="used",
    )
    axes.axhline(stars.zero_point, color=_RED, lw=1)
    axes.axhspan(
        stars.zero_point - stars.scatter,
        stars.zero_point + stars.scatter,
        color=_RED,
        alpha=0.12,
        lw=0,
    )
    half = max(6 * stars.scatter, 0.12)
    axes.set_ylim(stars.zero_point - half, stars.zero_point + half)
    axes.set_xlabel(f"{stars.passband} of the reference stars [mag]", fontsize=8)
    axes.set_ylabel("zero point of each star [mag]", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.legend(fontsize=7, loc="best", frameon=False)
    axes.set_title(
        f"zero point {stars.zero_point:.3f}, scatter {stars.scatter:.3f} mag, "
        f"{int(stars.used.sum())} stars",
        fontsize=9,
        parse_math=False,
    )
