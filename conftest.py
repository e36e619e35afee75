"""What holds for every test: its tier, its servers, and what a unit test may touch."""

pytest_plugins = [
    "bhtom_local.tiers",
    "bhtom_local.testing",
    "bhtom_local.unit_guard",
]
