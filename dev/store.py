"""`make store`: the pictures of the pages in the apps store, from those of the manual.

    docs/images/*.png  ->  <addon>/static/description/*.png

`make screenshots` does it at its end. A page (static/description/index.html) names its pictures itself; what it names
is made smaller and gets few colours, so that the addons stay light. The banner, which the store shows first, is a
screen on a plain ground with the addon's name.
"""
import ast
import re

from PIL import Image, ImageDraw, ImageFont

from .cache import REPO, Problem, say

IMAGES = REPO / "docs/images"
BANNER = "banner.png"
BANNER_SIZE = (1120, 560)  # the store shows half of it, and screens of twice the pixels all
WIDTH = 1100
COLOURS = 128
MOST_BYTES = 120_000  # of a picture
GROUND, INK, PALE = (36, 58, 74), (255, 255, 255), (190, 208, 218)
# addon -> the screen on its banner
BANNERS = {"ar_coordinator": "worklist", "ar_coordinator_sale": "on_hold", "ar_coordinator_stock": "on_hold"}
SOURCE = re.compile(r'src="([^"]+)"')


def main():
    """Make the pictures of all pages; returns the exit code."""
    for addon, screen in BANNERS.items():
        folder = REPO / addon / "static/description"
        for name in sorted(pictures(addon) - {BANNER, "icon.png"}):
            _save(_fit(_open(IMAGES / name), WIDTH), folder / name)
        manifest = ast.literal_eval((REPO / addon / "__manifest__.py").read_text())
        _save(_banner(manifest, folder / "icon.png", IMAGES / f"{screen}.png"), folder / BANNER)
    say("The pictures of the pages in the apps store are made.")
    return 0


def pictures(addon):
    """Names of the pictures that an addon's page shows."""
    return set(SOURCE.findall((REPO / addon / "static/description/index.html").read_text()))


def _open(path):
    if not path.exists():
        raise Problem(f"{path.relative_to(REPO)} is missing: make demo, and make screenshots beside it.")
    return Image.open(path).convert("RGB")


def _fit(image, width):
    """No wider than that, in proportion."""
    if image.width <= width:
        return image
    return image.resize((width, round(image.height * width / image.width)), Image.Resampling.LANCZOS)


def _banner(manifest, icon, screen):
    width, height = BANNER_SIZE
    banner = Image.new("RGB", BANNER_SIZE, GROUND)
    draw = ImageDraw.Draw(banner)
    mark = Image.open(icon).convert("RGBA").resize((88, 88), Image.Resampling.LANCZOS)
    banner.paste(mark, (56, 48), mark)
    draw.text((168, 50), manifest["name"], INK, ImageFont.load_default(52))
    draw.text((170, 112), manifest["summary"], PALE, ImageFont.load_default(23))
    shown = _fit(_open(screen), width - 112)
    banner.paste(shown.crop((0, 0, shown.width, height - 176)), (56, 176))
    return banner


def _save(image, path):
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)
    if path.stat().st_size > MOST_BYTES:
        raise Problem(f"{path.relative_to(REPO)} has {path.stat().st_size:,} bytes; {MOST_BYTES:,} are allowed.")
