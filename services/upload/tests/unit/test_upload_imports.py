"""What a process of this service carries in its memory."""

import subprocess
import sys


def test_no_science_library_is_loaded() -> None:
    program = "import sys, bhtom_upload.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "bhtom_upload" in loaded
    assert not loaded & {"astropy", "numpy", "scipy", "matplotlib", "pyarrow"}
