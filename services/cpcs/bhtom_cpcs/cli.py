"""The program of cpcs."""

from bhtom_cpcs.imported_catalogues.cli import catalogue
from bhtom_cpcs.main import SERVICE
from bhtom_runtime.cli import service_cli

main = service_cli(SERVICE)
main.add_command(catalogue)
