"""The built front end: its weight, its addresses, and that building is quick."""

import gzip
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from urllib.parse import urljoin

import httpx
import pytest

from bhtom_web.static_build import (
    FRONTEND_FOLDER,
    SITE_STYLES,
    BuildFailed,
    build_static,
)
from bhtom_web.static_files import VENDOR_FOLDER, load_static_files

Visitors = Callable[..., httpx.AsyncClient]
MAX_PAGE_BYTES = 1_500_000
PAGES = ("/", "/targets", "/targets/1", "/upload", "/uploads/101", "/system")


def imports_of(text: str) -> Iterator[str]:
    """The modules that a module imports."""
    for match in re.finditer(r"""^import (?:[^"']* from )?["']([^"']+)""", text, re.M):
        yield match[1]


async def everything_of(client: httpx.AsyncClient, path: str) -> dict[str, bytes]:
    """A page and all files that a browser loads with it."""
    found: dict[str, bytes] = {}
    page = await client.get(path)
    found[path] = page.content
    waiting = re.findall(r'<(?:script|img)[^>]*\ssrc="([^"]+)"', page.text)
    waiting += re.findall(r'<link[^>]*\shref="([^"]+)"', page.text)
    waiting = [address for address in waiting if not address.startswith("/api/")]
    while waiting:
        address = waiting.pop()
        if address in found:
            continue
        response = await client.get(address)
        assert response.status_code == 200, address
        found[address] = response.content
        if address.endswith(".js"):
            waiting += [urljoin(address, name) for name in imports_of(response.text)]
    return found


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_weighs_more_than_it_may(
    visit_as: Visitors, services: ModuleType, path: str
) -> None:
    files = await everything_of(visit_as(services.ADA), path)
    weight = sum(len(gzip.compress(content)) for content in files.values())
    assert weight <= MAX_PAGE_BYTES, f"{path} weighs {weight} bytes"
    assert len(files) >= 5
    if path == "/targets/1":
        assert any(name.endswith("/uplot.js") for name in files)
        assert any(name.endswith("/marks.js") for name in files)


def test_all_that_pages_load_is_of_this_site() -> None:
    for path in (FRONTEND_FOLDER / "css").rglob("*.css"):
        assert "url(" not in path.read_text()
        assert "@import" not in path.read_text()
    for path in (FRONTEND_FOLDER / "src").rglob("*.js"):
        text = path.read_text()
        assert "http" not in re.sub(r"//.*", "", text).lower().replace(
            "xmlhttprequest", ""
        ), path
        assert not re.search(r"innerHTML|eval\(|new Function|document\.write", text)


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((FRONTEND_FOLDER / "package-lock.json").read_text())
    for name, package in lock["packages"].items():
        assert "resolved" not in package
        if name:
            assert package["integrity"].startswith("sha512-")
    wanted = json.loads((FRONTEND_FOLDER / "package.json").read_text())["dependencies"]
    for name, version in wanted.items():
        assert lock["packages"][f"node_modules/{name}"]["version"] == version


def test_building_again_changes_nothing() -> None:
    before = load_static_files()
    assert build_static() is False
    assert load_static_files() == before
    folder = VENDOR_FOLDER / before.version
    assert (folder / "light_curve" / "page.js").is_file()
    assert (folder / "uplot.LICENSE.txt").is_file()


def test_every_style_sheet_is_served_in_the_one_file() -> None:
    written = {path.name for path in (FRONTEND_FOLDER / "css").iterdir()}
    assert written == set(SITE_STYLES)
    served = VENDOR_FOLDER / load_static_files().version / "site.css"
    for name in SITE_STYLES:
        assert (FRONTEND_FOLDER / "css" / name).read_text() in served.read_text()


def test_a_change_of_a_source_changes_the_addresses(tmp_path: Path) -> None:
    frontend = tmp_path / "frontend"
    shutil.copytree(FRONTEND_FOLDER, frontend)
    out = tmp_path / "vendor"
    assert build_static(frontend, out) is True
    assert build_static(frontend, out) is False
    first = json.loads((out / "manifest.json").read_text())["version"]
    style = frontend / "css" / "tables.css"
    style.write_text(style.read_text() + "\n.more {\n  color: red;\n}\n")
    assert build_static(frontend, out) is True
    second = json.loads((out / "manifest.json").read_text())["version"]
    assert second != first
    assert (out / first / "site.css").is_file()
    assert {path.name for path in out.iterdir()} == {
        *(first, second, "manifest.json", "build.lock")
    }


def test_without_its_sources_the_build_says_so(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r"package-lock\.json"):
        build_static(tmp_path, tmp_path / "out")
