"""Removes blobs that no file row refers to: what broken uploads left behind."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy import select

from bhtom_runtime.database import Database
from bhtom_runtime.object_store import ObjectStore
from bhtom_runtime.service import Cron, Job, JobKind
from bhtom_upload.data_products.tables import data_products, files
from bhtom_upload.intake.service import PREFIX
from bhtom_upload.settings import UploadSettings

_logger = structlog.get_logger(__name__)
KIND: Final = "collect_unreferenced_files"
CRON: Final = Cron(KIND, every=timedelta(hours=1), kind=KIND)


def collection(
    database: Database, objects: ObjectStore, settings: UploadSettings
) -> JobKind:
    """The job that removes what nothing refers to, a day after it came."""

    async def referenced(keys: Sequence[str]) -> Collection[str]:
        statement = (
            select(files.c.object_key)
            .join(data_products, data_products.c.sha256 == files.c.sha256)
            .where(files.c.object_key.in_(keys))
            .distinct()
        )
        async with database.read() as connection:
            return list((await connection.execute(statement)).scalars())

    async def run(_: Job) -> None:
        kept = settings.unreferenced_files_kept
        removed = await objects.collect(PREFIX, referenced, kept)
        if removed.objects or removed.temporary_files:
            _logger.info(
                "collected",
                objects=removed.objects,
                object_bytes=removed.object_bytes,
                temporary_files=removed.temporary_files,
            )

    return JobKind(KIND, run)
