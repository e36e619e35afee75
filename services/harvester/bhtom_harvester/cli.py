"""The harvester's program."""

from bhtom_runtime.cli import service_cli

from bhtom_harvester.main import SERVICE

main = service_cli(SERVICE)
