"""Runs the demonstration on a started stack."""

import subprocess
import sys
from pathlib import Path

import click

from bhtom_local.api_client import ApiClient
from bhtom_local.demo.scenes import (
    REAL_TARGET,
    SIMULATED_TARGET,
    import_catalogues,
    observe_real_frame,
    observe_simulated_night,
)
from bhtom_local.demo.verdict import Check, real_frame_checks, variable_star_checks
from bhtom_local.failure import StackFailure
from bhtom_local.stack import Stack


def catalogue_importer(
    stack: Stack, path: Path, name: str, rel: str, disc: str
) -> None:
    """Import reference stars with cpcs's own command."""
    command = [str(Path(sys.executable).with_name("bhtom-cpcs")), "catalogue", "import"]
    command += [str(path), "--name", name, "--release", rel, "--footprint", disc]
    done = subprocess.run(
        command,
        env=stack.environment("cpcs"),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StackFailure(f"The catalogue {name} was not imported: {done.stderr}")


def run_demo(stack: Stack) -> list[Check]:
    """Observe, wait, compare; what was claimed and whether it holds."""
    plan = stack.plan
    click.echo("loading reference stars")
    import_catalogues(lambda *what: catalogue_importer(stack, *what))
    username, password = plan.administrator
    with ApiClient.signed_in(plan.public_url, username, password) as client:
        click.echo("uploading a real frame (Huntsman telescope, NGC 1566)")
        real = observe_real_frame(client)
        simulated = observe_simulated_night(client, _progress("uploading the night"))
        click.echo()
        numbers = [frame.data_product_id for frame in (*real, *simulated)]
        products = client.wait_for(numbers, _progress("calibrating"))
        click.echo()
        product = products[real[0].data_product_id]
        calibrations = client.get(
            "/api/v1/calibrations", data_product_id=product["data_product_id"]
        )["items"]
        target = client.get("/api/v1/targets/by-name", name=SIMULATED_TARGET)
        return [
            *real_frame_checks(product, calibrations[-1] if calibrations else None),
            *variable_star_checks(client, target["target_id"], simulated),
        ]


def _progress(text: str):  # type: ignore[no-untyped-def]
    def show(done: int, total: int) -> None:
        click.echo(f"\r{text}: {done} of {total}", nl=False)

    return show


def report(stack: Stack, checks: list[Check]) -> bool:
    """Print what was seen, and where to look and sign in."""
    for check in checks:
        click.echo(f"  {'yes' if check.holds else 'NO '}  {check.text}")
    plan = stack.plan
    username, password = plan.administrator
    click.echo("")
    click.echo(f"  Light curve:  {plan.public_url}/targets/{SIMULATED_TARGET}")
    click.echo(f"  Real frame:   {plan.public_url}/targets/{REAL_TARGET}")
    click.echo(f"  Sign in:      {username} / {password}")
    return all(check.holds for check in checks)
