"""Hears what cameras' frames teach, and lets the operator's rule decide on it."""

import structlog

from bhtom_contracts.events.cameras import CameraProposed
from bhtom_core.observatories.acceptance import AcceptanceRule
from bhtom_core.observatories.service import accept_by_rule
from bhtom_runtime.service import Received, Subscription
from bhtom_runtime.unit_of_work import UnitOfWork

_logger = structlog.get_logger(__name__)


def listening(rule: AcceptanceRule | None) -> Subscription:
    """The subscription to proposals; without a rule they wait for people."""

    async def on_proposed(unit: UnitOfWork, event: Received) -> None:
        proposed = event.payload
        assert isinstance(proposed, CameraProposed)  # noqa: S101 - narrows the type
        if rule is None:
            return
        why_not = await accept_by_rule(unit, rule, proposed)
        if why_not is None:
            _logger.info("camera accepted by rule", camera_id=proposed.camera_id)
        else:
            _logger.info(
                "camera left to people", camera_id=proposed.camera_id, reason=why_not
            )

    return Subscription(CameraProposed, on_proposed)
