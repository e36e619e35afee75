"""Large lists of archives, kept in the database so that they are asked for rarely."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from bhtom_harvester.sources.interface import Document
from bhtom_harvester.tables import documents
from bhtom_runtime.database import Database


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """A document as it was at a time."""

    document: Document
    etag: str | None
    fetched_at: datetime


async def kept_document(database: Database, url: str) -> KeptDocument | None:
    """What is kept of an address."""
    statement = select(
        documents.c.etag, documents.c.body, documents.c.fetched_at
    ).where(documents.c.url == url)
    async with database.read() as connection:
        row = (await connection.execute(statement)).one_or_none()
    if row is None:
        return None
    return KeptDocument(Document(url, row.body), row.etag, row.fetched_at)


async def keep_document(
    database: Database, document: Document, etag: str | None, now: datetime
) -> None:
    """Keep a document in the place of the one before."""
    values = {"etag": etag, "body": document.body, "fetched_at": now}
    statement = (
        insert(documents)
        .values(url=document.url, **values)
        .on_conflict_do_update(index_elements=["url"], set_=values)
    )
    async with database.unit_of_work() as unit:
        await unit.execute(statement)


async def keep_on(database: Database, url: str, now: datetime) -> None:
    """The archive said that the document is still the same."""
    statement = update(documents).where(documents.c.url == url)
    async with database.unit_of_work() as unit:
        await unit.execute(statement.values(fetched_at=now))
