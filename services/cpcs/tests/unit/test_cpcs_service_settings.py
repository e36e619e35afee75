"""The settings of cpcs."""

from pathlib import Path

import pytest

from bhtom_cpcs.settings import CpcsSettings
from bhtom_runtime.settings import SettingsError


def test_catalogues_are_beside_the_object_store_by_default(tmp_path: Path) -> None:
    settings = CpcsSettings(object_store=tmp_path / "objects")
    assert settings.catalogue_folder == tmp_path / "reference_catalogues"
    given = CpcsSettings(object_store=tmp_path, catalogues=tmp_path / "stars")
    assert given.catalogue_folder == tmp_path / "stars"


def test_without_any_folder_it_says_what_to_set() -> None:
    with pytest.raises(SettingsError, match="BHTOM_CATALOGUES"):
        _ = CpcsSettings().catalogue_folder


def test_the_pool_follows_the_number_of_reductions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BHTOM_REDUCTION_PROCESSES", "5")
    settings = CpcsSettings.load()
    assert (settings.pool_processes, settings.job_workers) == (5, 6)
    monkeypatch.setenv("BHTOM_JOB_WORKERS", "9")
    assert CpcsSettings.load().job_workers == 9
