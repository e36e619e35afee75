"""The harvester, wired together."""

from datetime import timedelta

from bhtom_harvester.harvests.api import harvests_router, sources_in_trouble
from bhtom_harvester.harvests.consumers import target_subscription
from bhtom_harvester.harvests.jobs import SCHEDULE, Harvesting
from bhtom_harvester.settings import HarvesterSettings
from bhtom_harvester.sources.registry import build_sources
from bhtom_harvester.tables import INFRASTRUCTURE
from bhtom_runtime.service import Context, Cron, Parts, RateLimit, Service


def build(context: Context) -> Parts:
    """The parts of the harvester."""
    settings = context.settings
    assert isinstance(settings, HarvesterSettings)  # noqa: S101 - narrows the type
    sources = build_sources(settings, context.database)
    cadence = timedelta(hours=settings.harvest_cadence_hours)
    harvesting = Harvesting(context.database, sources, cadence)

    async def sources_answer() -> str | None:
        return await sources_in_trouble(context, sources)

    return Parts(
        routers=(harvests_router(context, sources),),
        subscriptions=(target_subscription(sources),),
        job_kinds=harvesting.kinds(),
        crons=(Cron(SCHEDULE, timedelta(minutes=1), SCHEDULE),),
        rate_limits=tuple(
            RateLimit(name, concurrent=2, per_second=1.0) for name in sources
        ),
        health_checks={"sources": sources_answer},
    )


SERVICE = Service(
    name="harvester",
    package="bhtom_harvester",
    settings=HarvesterSettings,
    infrastructure=INFRASTRUCTURE,
    build=build,
)
