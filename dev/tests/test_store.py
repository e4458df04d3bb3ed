"""The pages in the apps store: complete, light, and nothing in them that the store takes out."""
import ast
import re

import pytest
from lxml import html
from PIL import Image

from dev.cache import REPO
from dev.environment import Environment
from dev.store import BANNER_SIZE, MOST_BYTES, pictures

MODULES = Environment.prepare().modules
REFUSED = ("script", "style", "link", "iframe", "form", "object", "embed", "video", "a")


@pytest.mark.parametrize("module", MODULES)
def test_page(module):
    folder = REPO / module / "static/description"
    page = html.fragment_fromstring((folder / "index.html").read_text(), create_parent=True)
    assert not [node.tag for node in page.iter() if node.tag in REFUSED]
    attributes = {name for node in page.iter() for name in node.attrib}
    assert attributes <= {"class", "src", "alt"}, attributes
    assert "//" not in re.sub(r"<[/!]", "<", (folder / "index.html").read_text()), "an address outside"
    assert len(page.text_content().split()) > 50
    for image in page.iter("img"):
        assert image.get("alt"), image.get("src")
        with Image.open(folder / image.get("src")) as picture:
            assert picture.width <= 1100
    for path in folder.glob("*.png"):
        assert path.stat().st_size <= MOST_BYTES, path
        assert path.name in pictures(module) | {"icon.png", "banner.png"}, f"{path} is not shown"


@pytest.mark.parametrize("module", MODULES)
def test_manifest_and_icon(module):
    manifest = ast.literal_eval((REPO / module / "__manifest__.py").read_text())
    assert manifest["images"] == ["static/description/banner.png"]  # what the store shows first
    with Image.open(REPO / module / manifest["images"][0]) as banner:
        assert banner.size == BANNER_SIZE
    with Image.open(REPO / module / "static/description/icon.png") as icon:
        assert icon.format == "PNG" and icon.width == icon.height >= 128
    for key in ("name", "summary", "author", "category", "version", "license"):
        assert manifest[key], key
