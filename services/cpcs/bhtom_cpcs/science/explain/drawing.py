"""Draws an explanation as PNG or SVG, without any global plotting state."""

import io
from typing import Any, Literal

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bhtom_cpcs.science.explain import panels
from bhtom_cpcs.science.explain.explanation import Explanation

ImageFormat = Literal["png", "svg"]
_DPI = 80


def draw_summary(explained: Explanation) -> bytes:
    """The picture that goes with every outcome, as a PNG file."""
    return _drawn(summary_figure(explained), "png")


def draw_details(explained: Explanation, image_format: ImageFormat) -> bytes:
    """All panels: residuals, band ranking, growth curve, PSF."""
    return _drawn(detail_figure(explained), image_format)


def _drawn(figure: Figure, image_format: ImageFormat) -> bytes:
    buffer = io.BytesIO()
    # neither software nor date in the file: the same data give the same PNG
    metadata = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}
    figure.savefig(buffer, format=image_format, metadata=metadata[image_format])
    return buffer.getvalue()


def summary_figure(explained: Explanation) -> Figure:
    """Draw the picture and, where there is one, the zero point star by star."""
    has_stars = explained.stars is not None
    figure = _figure((9.6, 4.6) if has_stars else (5.2, 5.2), explained)
    place = (0.02, 0.08, 0.38, 0.77) if has_stars else (0.05, 0.06, 0.9, 0.78)
    if explained.source_field is not None:
        panels.source_panel(
            figure.add_axes(place),
            explained.source_field,
            explained,
            about_target=False,
        )
    elif (shown := explained.around_target or explained.whole_frame) is not None:
        panels.picture_panel(figure.add_axes(place), shown, explained)
    if explained.stars is not None:
        panels.zero_point_panel(
            figure.add_axes((0.49, 0.12, 0.49, 0.72)), explained.stars
        )
    return figure


def detail_figure(explained: Explanation) -> Figure:
    """Draw nine panels; one without data says so."""
    figure = _figure((12.8, 11.0), explained)
    grid = figure.add_gridspec(
        3, 3, left=0.06, right=0.985, bottom=0.05, top=0.9, wspace=0.24, hspace=0.24
    )
    axes = [
        figure.add_subplot(grid[row, column]) for row in range(3) for column in range(3)
    ]
    for place, shown in ((0, explained.around_target), (1, explained.whole_frame)):
        if explained.source_field is not None:
            panels.source_panel(
                axes[place], explained.source_field, explained, about_target=place == 0
            )
        elif shown is not None:
            panels.picture_panel(axes[place], shown, explained)
        else:
            why = "the target is not on the frame" if place == 0 else "no picture"
            panels.nothing_panel(axes[place], why)
    _star_panels(axes[2:7], explained)
    if explained.bands:
        panels.band_panel(axes[7], explained)
    else:
        panels.nothing_panel(axes[7], "no bands were compared")
    if explained.star_image is None:
        panels.nothing_panel(axes[8], "the stars' image was not measured")
    else:
        panels.star_image_panel(axes[8], explained.star_image)
    return figure


def _star_panels(axes: list[Any], explained: Explanation) -> None:
    stars = explained.stars
    if stars is None:
        for place in axes:
            panels.nothing_panel(place, "there are no matched stars to show")
        return
    against = (
        (stars.reference_magnitude, f"{stars.passband} [mag]"),
        (stars.colour, f"{stars.colour_name} [mag]"),
        (stars.x_px, "x [px]"),
        (stars.y_px, "y [px]"),
        (stars.air_mass, "air mass"),
    )
    for place, (values, label) in zip(axes, against, strict=True):
        panels.residual_panel(place, stars, values, label)
    axes[0].legend(fontsize=7, loc="best", frameon=False)


def _figure(size: tuple[float, float], explained: Explanation) -> Figure:
    figure = Figure(figsize=size, dpi=_DPI)
    FigureCanvasAgg(figure)
    inch = 1 / size[1]
    figure.text(
        0.02,
        1 - 0.21 * inch,
        explained.title,
        fontsize=10,
        weight="bold",
        parse_math=False,
    )
    # Long verdicts grow downwards, into the room above the picture.
    figure.text(
        0.02,
        1 - 0.28 * inch,
        explained.verdict,
        fontsize=8.5,
        va="top",
        parse_math=False,
        wrap=True,
    )
    return figure
