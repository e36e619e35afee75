"""The harvester's program."""

from bhtom_harvester.main import SERVICE
from bhtom_runtime.cli import service_cli

main = service_cli(SERVICE)
