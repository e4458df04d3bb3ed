"""Odoo 19: found on the machine or fetched into the cache.

In this order: ODOO_SRC (a checkout), an odoo that python3 can import, Debian's package odoo-19 (from unstable,
unpacked into a private folder, nothing installed), the upstream archive.
"""
import ast
import dataclasses
import os
import re
import shutil
import subprocess
import sys
import tarfile
import urllib.request
from pathlib import Path

from .cache import Problem, build, cache_dir, digest, run

SERIES = "19.0"
RECIPE = 1  # raise it when the unpacked tree has to be made again
ARCHIVE = "https://nightly.odoo.com/19.0/nightly/src/odoo_19.0.latest.tar.gz"
# Odoo's web assets in Debian's package are links into these packages.
LINKED_UNSTABLE = [
    "fonts-roboto-unhinted", "fonts-inconsolata", "fonts-montserrat", "fonts-glyphicons-halflings", "fonts-ocr-b",
    "libjs-jquery", "libjs-jquery-form", "libjs-underscore"]
LINKED_STABLE = ["fonts-font-awesome"]  # unstable's has other file names
# Listed in mail's manifest, but removed from Debian's package as not free; no test of ours needs it.
REMOVED = "addons/mail/static/lib/selfie_segmentation/selfie_segmentation.js"


@dataclasses.dataclass
class Odoo:
    path: Path  # goes on PYTHONPATH: the folder that contains `odoo`
    addons: list  # folders of addons besides odoo/addons
    version: str  # changes when the source does: part of the template databases' names


def find_odoo():
    """Return the Odoo 19 to use, fetching it if need be."""
    if os.environ.get("ODOO_SRC"):
        return _checkout(Path(os.environ["ODOO_SRC"]).expanduser().absolute())
    found = _importable()
    if found:
        return found
    failures = []
    if shutil.which("apt-get") and shutil.which("dpkg"):
        try:
            recipe = digest(RECIPE, LINKED_UNSTABLE, LINKED_STABLE, REMOVED)
            folder = build(cache_dir() / "odoo" / f"debian-{recipe}", "Odoo 19: Debian's package (120 MB)", _debian)
            path = folder / "root/usr/lib/python3/dist-packages"
            return Odoo(path, _addons_beside(path), f"{recipe}-{(folder / 'version').read_text()}")
        except Problem as problem:
            failures.append(str(problem))
    try:
        folder = build(cache_dir() / "odoo" / f"archive-{digest(ARCHIVE)}", "Odoo 19: upstream archive", _archive)
        return _checkout(next(folder.glob("*/odoo")).parent)
    except Problem as problem:
        failures.append(str(problem))
    raise Problem("\n".join([
        *failures, "Odoo 19 could not be fetched: put a checkout of Odoo's branch 19.0 anywhere and say "
        "`export ODOO_SRC=<its folder>`."]))


def _release(path):
    """(series, version) of the odoo in `path`, or None."""
    release = path / "odoo/release.py"
    if not release.is_file():
        return None
    for node in ast.parse(release.read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "version_info":
            info = re.findall(r"'[^']*'|\w+", ast.unparse(node.value))
            return ".".join(info[:2]), "-".join(part.strip("'") for part in info)
    return None


def _checkout(path):
    series, version = _release(path) or (None, None)
    if series != SERIES:
        raise Problem(f"{path} is not a checkout of Odoo {SERIES} (ODOO_SRC).")
    commit = subprocess.run(["git", "-C", path, "rev-parse", "HEAD"], capture_output=True, text=True)
    return Odoo(path, _addons_beside(path), digest(path, version, commit.stdout))


def _addons_beside(path):
    return [path / "addons"] if (path / "addons").is_dir() else []


def _importable():
    """An odoo that this Python, or the first python3 on the PATH, can import; None if there is none of 19.0."""
    code = "import importlib.util as u; s = u.find_spec('odoo'); print(*(s.submodule_search_locations if s else []))"
    for python in filter(None, dict.fromkeys([shutil.which("python3"), sys.executable])):
        found = subprocess.run([python, "-P", "-c", code], capture_output=True, text=True, cwd="/")
        for place in found.stdout.split():
            path = Path(place).parent
            series, version = _release(path) or (None, None)
            if series == SERIES:
                return Odoo(path, _addons_beside(path), digest(path, version))
    return None


def _debian(folder):
    """Download odoo-19 and what it links to by a private apt configuration (signatures checked) and unpack them."""
    stable, unstable = _debian_sources()
    for name in ("parts", "lists/partial", "cache/archives/partial", "debs", "root"):
        (folder / name).mkdir(parents=True)
    (folder / "parts/stable.sources").write_text(stable)
    (folder / "parts/unstable.sources").write_text(unstable)
    apt = ["apt-get", "-q"]
    for option in (
            "Dir::Etc::SourceList=/dev/null", f"Dir::Etc::SourceParts={folder}/parts",
            f"Dir::State::Lists={folder}/lists", f"Dir::Cache={folder}/cache", "Acquire::Languages=none",
            "Acquire::Retries=3", "Acquire::AllowInsecureRepositories=false", "APT::Get::AllowUnauthenticated=false",
            "APT::Sandbox::User=root"):
        apt += ["-o", option]
    sentence = "Debian's package odoo-19 could not be fetched"
    run([*apt, "update"], sentence)
    wanted = [f"{name}/sid" for name in ["odoo-19", *LINKED_UNSTABLE]]
    wanted += [f"{name}/{_codename()}" for name in LINKED_STABLE]
    run([*apt, "download", *wanted], sentence, cwd=folder / "debs")
    for deb in (folder / "debs").iterdir():
        run(["dpkg", "-x", deb, folder / "root"], f"{deb.name} could not be unpacked")
    path = folder / "root/usr/lib/python3/dist-packages"
    if (_release(path) or [None])[0] != SERIES:
        raise Problem(f"{sentence}: it is not Odoo {SERIES} any more.")
    removed = path / "odoo" / REMOVED
    if not removed.exists():
        removed.parent.mkdir(parents=True, exist_ok=True)
        removed.write_text("")
    (folder / "version").write_text(next((folder / "debs").glob("odoo-19_*")).name.split("_")[1])
    for name in ("debs", "lists", "cache"):
        shutil.rmtree(folder / name)


def _codename():
    found = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.M)
    return found and found[1]


def _debian_sources():
    """The machine's own entry for Debian as two deb822 texts: its release, and the same for unstable."""
    codename = _codename()
    for path in sorted(Path("/etc/apt").glob("sources.list.d/*.sources")):
        for entry in re.split(r"\n\s*\n", re.sub(r"^#.*\n?", "", path.read_text(), flags=re.M)):
            suites = re.search(r"^Suites:(.*)$", entry, re.M)
            if suites and codename in suites[1].split() and not re.search(r"^Enabled:\s*no", entry, re.M | re.I):
                return [re.sub(r"^Suites:.*$", f"Suites: {suite}", entry, flags=re.M).strip() + "\n"
                        for suite in (codename, "sid")]
    for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt").glob("sources.list.d/*.list"))]:
        for line in path.read_text().splitlines() if path.exists() else []:
            entry = re.match(rf"deb\s+(?:\[(.*?)\]\s+)?(\S+)\s+{codename}\s+main", line)
            if entry:
                options = dict(option.split("=", 1) for option in (entry[1] or "").split())
                signed = f"Signed-By: {options['signed-by']}\n" if "signed-by" in options else ""
                return [f"Types: deb\nURIs: {entry[2]}\nSuites: {suite}\nComponents: main\n{signed}"
                        for suite in (codename, "sid")]
    raise Problem("Odoo 19 is not fetched from Debian: this machine has no apt source of a Debian release.")


def _archive(folder):
    """Upstream's own archive. Nothing signs it: the connection's certificate is what vouches for it."""
    try:
        with urllib.request.urlopen(ARCHIVE, timeout=60) as answer:
            with tarfile.open(fileobj=answer, mode="r|gz") as archive:
                archive.extractall(folder, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise Problem(f"Odoo's archive {ARCHIVE} could not be fetched ({error}).") from None
