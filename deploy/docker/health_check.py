"""Asks the process in this container whether it can do the job of its roles."""

import os
import sys
import urllib.request

PORT = os.environ["BHTOM_PORT"]

try:
    urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health/ready", timeout=4)
except OSError as failure:
    sys.exit(f"not ready: {failure}")
