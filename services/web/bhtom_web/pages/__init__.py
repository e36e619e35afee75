"""The pages, one module for each thing that people come for."""

from typing import Final

from fastapi import APIRouter

from bhtom_web.pages import (
    about,
    archives,
    camera_filters,
    camera_reports,
    camera_versions,
    cameras,
    home,
    people,
    points,
    position_now,
    profile,
    recalibrations,
    sessions,
    system,
    target_decisions,
    targets,
    uploads,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    home.router,
    sessions.router,
    targets.router,
    target_decisions.router,
    archives.router,
    position_now.router,
    points.router,
    camera_reports.router,
    camera_filters.router,
    camera_versions.router,
    cameras.router,
    uploads.router,
    recalibrations.router,
    profile.router,
    people.router,
    system.router,
    about.router,
)
