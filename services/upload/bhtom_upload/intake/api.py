"""`PUT /api/v1/frames`: one file as a raw body, for robots and for the web page."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bhtom_contracts.events.frames import CalibratedKind, CalibrationParameters
from bhtom_contracts.passbands import ANY_BAND
from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import ServiceError
from bhtom_runtime.service import Context
from bhtom_upload.data_products.reading import Reader
from bhtom_upload.data_products.schemas import DataProductOut
from bhtom_upload.intake import fields
from bhtom_upload.intake.fields import Wishes
from bhtom_upload.intake.incoming import body_of
from bhtom_upload.intake.service import Intake
from bhtom_upload.metrics import UPLOADS


class FrameQuery(BaseModel):
    """What may be said about a frame; a misspelt name is an error."""

    model_config = ConfigDict(extra="forbid")

    target: str = Field(description="Name or id of the target.")
    camera: str = Field(description="ONAME (<observatory>_<camera>) or id.")
    file_name: str = Field(default="", max_length=1000)
    filter: str = Field(
        default=ANY_BAND, description="Reference band, e.g. GaiaSP/any."
    )
    data_product_type: CalibratedKind = "fits_file"
    mjd: float | None = Field(
        default=None,
        description="Middle of the exposure (UTC) of an instrumental catalogue.",
    )
    dry_run: bool = False
    match_radius: float | None = Field(
        default=None, description="Arcsec; nothing or a negative number: automatic."
    )
    comment: str = ""
    observers: str = Field(default="", description="Usernames, comma-separated.")
    batch: str = Field(default="", description="A name to find these uploads by.")

    _blanks = model_validator(mode="before")(fields.without_blanks)

    def wishes(self) -> Wishes:
        """The choices, checked."""
        kind = self.data_product_type
        mjd = self.mjd if kind == "photometry" else None
        return Wishes(
            kind=kind,
            parameters=CalibrationParameters(
                mid_exposure_mjd=fields.mid_exposure_mjd("mjd", mjd),
                requested_filter=fields.requested_filter("filter", self.filter),
                match_radius=fields.match_radius("match_radius", self.match_radius),
            ),
            observers=fields.observer_names("observers", [self.observers]),
            dry_run=self.dry_run,
            batch=fields.batch("batch", self.batch),
            comment=fields.comment("comment", self.comment),
        )


def frames_router(context: Context, intake: Intake, reader: Reader) -> APIRouter:
    """The route that takes a frame."""
    router = APIRouter(tags=["frames"])
    Uploader = Annotated[Principal, Depends(context.auth.require("upload"))]  # noqa: N806

    @router.put(
        "/api/v1/frames",
        status_code=201,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "application/octet-stream": {
                        "schema": {"type": "string", "format": "binary"}
                    }
                },
            }
        },
    )
    async def put_frame(
        request: Request,
        response: Response,
        caller: Uploader,
        query: Annotated[FrameQuery, Query()],
    ) -> DataProductOut:
        """Upload one FITS frame; the same frame again gives the same data product.

        With `data_product_type=photometry` an instrumental catalogue.
        """
        await intake.refuse_early(request.headers.get("content-length"))
        try:
            wishes = query.wishes()
            target = await intake.target(
                fields.reference("target", query.target), caller
            )
            submission = await intake.resolve(
                caller, target, fields.reference("camera", query.camera), wishes
            )
            async with intake.open(query.file_name, wishes.kind) as file:
                async for chunk in body_of(request):
                    await file.feed(chunk)
                (registered,) = await intake.finish(submission, [file])
        except ServiceError as error:
            UPLOADS.labels(error.code).inc()
            raise
        if not registered.is_new:
            response.status_code = 200
        response.headers["Location"] = (
            f"/api/v1/data-products/{registered.data_product_id}"
        )
        return await reader.one(registered.data_product_id, caller)

    return router
