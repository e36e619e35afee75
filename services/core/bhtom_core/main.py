"""Core's wiring."""

from datetime import timedelta

from bhtom_core.compat.token_auth import token_auth_router
from bhtom_core.internal_api import internal_router
from bhtom_core.light_curves import embargoes, publication
from bhtom_core.light_curves.api import light_curve_router, point_router
from bhtom_core.light_curves.consumers import SUBSCRIPTIONS
from bhtom_core.observatories.api import camera_router, observatory_router
from bhtom_core.observatories.consumers import listening
from bhtom_core.people import attempts
from bhtom_core.people.api import me_router, session_router, users_router
from bhtom_core.people.first_administrator import first_administrator
from bhtom_core.people.passwords import Passwords
from bhtom_core.people.sign_in import SignIn
from bhtom_core.people.tokens import OwnTokens
from bhtom_core.schema import infra
from bhtom_core.settings import CoreSettings
from bhtom_core.targets.api import target_router
from bhtom_core.targets.service import Targets
from bhtom_runtime.service import Context, Cron, JobKind, Parts, Service


def build(context: Context) -> Parts:
    """Core's parts."""
    settings, database = context.settings, context.database
    assert isinstance(settings, CoreSettings)  # noqa: S101 - narrows the type
    passwords = Passwords()
    sign_in = SignIn(database, passwords, settings)
    return Parts(
        routers=(
            session_router(context, sign_in),
            me_router(context, sign_in, passwords),
            users_router(context, passwords),
            token_auth_router(context, sign_in),
            target_router(context, Targets(settings.public_url)),
            light_curve_router(context),
            point_router(context),
            observatory_router(context),
            camera_router(context, settings.acceptance_rule),
            internal_router(context),
        ),
        subscriptions=(*SUBSCRIPTIONS, listening(settings.acceptance_rule)),
        job_kinds=(
            JobKind(publication.JOB_KIND, publication.PublishTarget(database).run),
            JobKind(embargoes.JOB_KIND, embargoes.EndEmbargoes(database).run),
            JobKind(attempts.JOB_KIND, attempts.ForgetAttempts(database, settings).run),
        ),
        crons=(
            Cron("end embargoes", timedelta(minutes=1), embargoes.JOB_KIND),
            Cron("forget attempts", timedelta(hours=1), attempts.JOB_KIND),
        ),
        lifespans=(first_administrator(database, passwords, settings),),
    )


SERVICE = Service(
    name="core",
    package="bhtom_core",
    settings=CoreSettings,
    infrastructure=infra,
    build=build,
    token_source=OwnTokens,
)
