"""`bhtom-upload`: runs and looks after the service."""

from bhtom_runtime.cli import service_cli
from bhtom_upload.main import SERVICE

main = service_cli(SERVICE)
