"""Puts cpcs together."""

from bhtom_cpcs.calibrations.api import calibrations_router
from bhtom_cpcs.calibrations.consumers import SUBSCRIPTIONS as CALIBRATION_SUBSCRIPTIONS
from bhtom_cpcs.calibrations.fetching import FETCHING, fetching
from bhtom_cpcs.calibrations.health import reductions_stand_still
from bhtom_cpcs.calibrations.jobs import FrameReductions
from bhtom_cpcs.calibrations.upkeep import CRONS, Upkeep
from bhtom_cpcs.camera_reports.api import camera_reports_router
from bhtom_cpcs.camera_reports.proposing import CRON as PROPOSALS
from bhtom_cpcs.camera_reports.proposing import proposing
from bhtom_cpcs.decisions.api import decisions_router
from bhtom_cpcs.decisions.service import CRON as DECISIONS
from bhtom_cpcs.decisions.service import deciding
from bhtom_cpcs.imported_catalogues.api import catalogues_router
from bhtom_cpcs.imported_catalogues.held import HeldCatalogues
from bhtom_cpcs.positions.api import positions_router
from bhtom_cpcs.replicas.consumers import SUBSCRIPTIONS as REPLICA_SUBSCRIPTIONS
from bhtom_cpcs.schema import INFRASTRUCTURE
from bhtom_cpcs.settings import CpcsSettings
from bhtom_runtime.service import Context, Parts, Service


def build(context: Context) -> Parts:
    """The routes, handlers and jobs of cpcs."""
    settings = context.settings
    assert isinstance(settings, CpcsSettings)  # noqa: S101 - narrows the type
    held = HeldCatalogues(settings.catalogue_folder)

    async def reductions() -> str | None:
        return await reductions_stand_still(context.database)

    fetches = settings.fetch_catalogues
    return Parts(
        routers=(
            camera_reports_router(context),
            decisions_router(context),
            calibrations_router(context),
            catalogues_router(held),
            positions_router(context),
        ),
        subscriptions=(*CALIBRATION_SUBSCRIPTIONS, *REPLICA_SUBSCRIPTIONS),
        job_kinds=(
            FrameReductions(context, settings).kind(),
            *Upkeep(context, held).kinds(),
            deciding(context),
            proposing(context),
            *((fetching(context, settings),) if fetches else ()),
        ),
        crons=(*CRONS, DECISIONS, PROPOSALS, *((FETCHING,) if fetches else ())),
        health_checks={"reductions": reductions},
    )


SERVICE = Service(
    name="cpcs",
    package="bhtom_cpcs",
    settings=CpcsSettings,
    infrastructure=INFRASTRUCTURE,
    build=build,
)
