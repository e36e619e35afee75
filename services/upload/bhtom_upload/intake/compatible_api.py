"""`POST /upload/`: the form of BHTOM2, with its answers and errors."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from bhtom_runtime.auth import Principal
from bhtom_runtime.errors import Invalid
from bhtom_runtime.service import Context
from bhtom_upload.intake.fields import BadField
from bhtom_upload.intake.incoming import Incoming, body_of
from bhtom_upload.intake.registration import Registered
from bhtom_upload.intake.service import Intake
from bhtom_upload.intake.upload_form import UploadForm
from bhtom_upload.metrics import UPLOADS

# The words that BHTOM's clients know.
_COMPATIBLE_SENTENCES: Final = {
    "unknown_camera": "Observatory with camera doesn't exist on your list",
}


def compatible_router(context: Context, intake: Intake) -> APIRouter:
    """The route of BHTOM2's upload service; the trailing slash is optional."""
    router = APIRouter(tags=["compatible"])
    Uploader = Annotated[Principal, Depends(context.auth.require("upload"))]  # noqa: N806

    @router.post(
        "/upload/",
        status_code=201,
        response_model=None,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"multipart/form-data": {"schema": {"type": "object"}}},
            }
        },
    )
    @router.post(
        "/upload", status_code=201, response_model=None, include_in_schema=False
    )
    async def upload(request: Request, caller: Uploader) -> JSONResponse:
        """Upload frames, or instrumental catalogues, by a form: all or none."""
        await intake.refuse_early(request.headers.get("content-length"))
        try:
            content_type = request.headers.get("content-type", "")
            async with UploadForm(intake, caller, content_type) as form:
                async for chunk in body_of(request):
                    await form.feed(chunk)
                registered = await form.finish()
                return JSONResponse(_answer(form.files, registered), 201)
        except Invalid as error:
            UPLOADS.labels(error.code).inc()
            return JSONResponse(_refusal(error), 400)

    return router


def _answer(
    files: Sequence[Incoming], registered: Sequence[Registered]
) -> dict[str, list[dict[str, str]]]:
    # The key "file name:" has its colon, and the id is a text.
    return {
        "Success": [
            {
                "file name:": f"{result.data_product_id}_{file.name}",
                "id": str(result.data_product_id),
                "message": result.message,
            }
            for file, result in zip(files, registered, strict=True)
        ]
    }


def _refusal(error: Invalid) -> dict[str, list[str]]:
    if isinstance(error, BadField):
        return {error.field: [error.reason]}
    sentence = _COMPATIBLE_SENTENCES.get(error.code, error.sentence)
    return {"non_field_errors": [sentence]}
