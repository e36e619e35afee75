"""The simulated sky as a reference catalogue slice that the importer reads."""

import csv
from pathlib import Path

import numpy as np

from bhtom_sky.stars import BANDS, FloatArray, Sky


def catalogue_table(
    sky: Sky, *, error_mag: float = 0.003, seed: int | None = None
) -> dict[str, FloatArray]:
    """Return the catalogue's columns: true mean magnitudes with catalogue errors.

    The error of a star grows from `error_mag` at magnitude 13 and brighter to four
    times that at 19. Columns are `ra_deg`, `dec_deg` and, for each band,
    `mag_<band>`, `error_<band>` and `verified_<band>`.
    """
    rng = np.random.default_rng(sky.seed + 1 if seed is None else seed)
    table = {"ra_deg": sky.ra_deg, "dec_deg": sky.dec_deg}
    for band in BANDS:
        true = sky.magnitude[band]
        error = error_mag * 4 ** np.clip((true - 13) / 6, 0, 1.5)
        table[f"mag_{band}"] = true + rng.normal(0.0, 1.0, len(true)) * error
        table[f"error_{band}"] = error
        table[f"verified_{band}"] = np.ones(len(true))
    return table


def write_catalogue(sky: Sky, path: Path, *, error_mag: float = 0.003) -> None:
    """Write the catalogue's columns as CSV."""
    table = catalogue_table(sky, error_mag=error_mag)
    with path.open("w", newline="", encoding="ascii") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table)
        for row in zip(*table.values(), strict=True):
            writer.writerow(f"{value:.8f}" for value in row)
