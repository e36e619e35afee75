"""A visitor with a browser, for end-to-end tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    expect,
    sync_playwright,
)

from bhtom_local.stack import Stack

CHROMIUM = "/usr/bin/chromium"


@dataclass
class Visitor:
    """A page of the browser, and what it complained about."""

    page: Page
    complaints: list[str]
    weights: dict[str, int]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless Chromium of the system."""
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM,
                args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
            )
        except Error as error:
            pytest.fail(f"Chromium cannot be started ({CHROMIUM}): {error.message}")
        yield browser
        browser.close()


@contextmanager
def visitor_of(stack: Stack, browser: Browser) -> Iterator[Visitor]:
    """A fresh browser session; every error in its console is noted."""
    context = browser.new_context(
        base_url=stack.plan.public_url, viewport={"width": 1360, "height": 1400}
    )
    page = context.new_page()
    page.set_default_timeout(30_000)
    complaints: list[str] = []
    weights: dict[str, int] = {}

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(f"{page.url}: {message.text}")

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    session.on(
        "Network.loadingFinished",
        lambda event: weights.update({event["requestId"]: event["encodedDataLength"]}),
    )
    yield Visitor(page, complaints, weights)
    context.close()


def sign_in(page: Page, stack: Stack) -> None:
    """Sign in as the first administrator."""
    username, password = stack.plan.administrator
    page.goto("/sign-in")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(password)
    page.locator("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
