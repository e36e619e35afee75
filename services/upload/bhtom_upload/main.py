"""The upload service: its parts, wired together."""

from bhtom_runtime.service import Context, Parts, Service
from bhtom_upload.data_products import answers, reconciliation
from bhtom_upload.data_products.api import data_products_router
from bhtom_upload.data_products.reading import Reader
from bhtom_upload.intake import collection
from bhtom_upload.intake.api import frames_router
from bhtom_upload.intake.compatible_api import compatible_router
from bhtom_upload.intake.service import Intake
from bhtom_upload.recalibrations import earlier_answers, steps
from bhtom_upload.recalibrations.api import recalibrations_router
from bhtom_upload.replicas import directory as replicas
from bhtom_upload.schema import INFRASTRUCTURE
from bhtom_upload.settings import UploadSettings


def build(context: Context) -> Parts:
    """Everything this service gives to the runtime."""
    settings = context.settings
    assert isinstance(settings, UploadSettings)  # noqa: S101 - narrows the type
    database = context.database
    directory = replicas.Directory(database, settings)
    reader = Reader(database)
    intake = Intake(database, context.objects, directory, settings)
    return Parts(
        routers=(
            frames_router(context, intake, reader),
            compatible_router(context, intake),
            data_products_router(context, directory, reader),
            recalibrations_router(context),
        ),
        subscriptions=(*replicas.SUBSCRIPTIONS, *answers.SUBSCRIPTIONS),
        job_kinds=(
            reconciliation.reconciliation(database, settings),
            collection.collection(database, context.objects, settings),
            *steps.stepping(),
            earlier_answers.fetching(),
        ),
        crons=(reconciliation.CRON, collection.CRON, steps.CRON, earlier_answers.CRON),
        lifespans=(directory.lifespan,),
    )


SERVICE = Service(
    name="upload",
    package="bhtom_upload",
    settings=UploadSettings,
    infrastructure=INFRASTRUCTURE,
    build=build,
)
