"""What holds for every test: its tier, its servers, and what a unit test may touch."""

from hypothesis import HealthCheck, settings

pytest_plugins = [
    "bhtom_local.tiers",
    "bhtom_local.testing",
    "bhtom_local.unit_guard",
]

# A slow machine is no mistake of the code.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
