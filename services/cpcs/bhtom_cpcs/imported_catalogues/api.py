"""Which reference catalogues frames are calibrated against, and whom to credit."""

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel

from bhtom_cpcs.imported_catalogues.held import HeldCatalogues
from bhtom_runtime.auth import public


class ImportedCatalogue(BaseModel):
    """A reference catalogue as it is here: its newest version."""

    name: str
    title: str
    release: str
    bands: list[str]
    tiles: int
    stars: int
    credit: str
    imported_at: AwareDatetime


class ImportedCatalogueList(BaseModel):
    """All of them; they are few."""

    items: list[ImportedCatalogue]
    next_cursor: str | None = None


def catalogues_router(held: HeldCatalogues) -> APIRouter:
    """The routes of this slice."""
    router = APIRouter(
        prefix="/api/v1/reference-catalogues",
        tags=["reference catalogues"],
        dependencies=[Depends(public)],
    )

    @router.get("", summary="Reference catalogues")
    async def catalogues() -> ImportedCatalogueList:
        items = [
            ImportedCatalogue(
                name=manifest.name,
                title=manifest.title,
                release=manifest.release,
                bands=[f"{manifest.name}/{band}" for band in manifest.bands],
                tiles=len(manifest.tiles),
                stars=manifest.rows,
                credit=" ".join(dict.fromkeys(s.credit for s in manifest.sources)),
                imported_at=written,
            )
            for manifest, written in await held.every()
        ]
        return ImportedCatalogueList(items=items)

    return router
