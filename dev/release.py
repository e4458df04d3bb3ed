"""`make release`: keep the addons of a version, so that later versions can be tested to upgrade from it.

Clones in CI may be shallow and without tags, so the upgrade test (dev/tests/test_install_cycle.py) takes what is in
dev/releases/: the addons as they are installed, without tests, translations and pictures. One version is kept, the last
one that was released; CONTRIBUTING.md says when its turn comes.
"""
import ast
import io
import lzma
import tarfile
import tempfile

from .cache import REPO, Problem, run, say

FOLDER = REPO / "dev/releases"
LEFT_OUT = ("tests", "i18n", "migrations")  # folders


def main(revision="HEAD"):
    """Keep the addons as of a git revision; returns the exit code."""
    names = run(["git", "ls-tree", "-r", "--name-only", revision], f"There is no revision {revision}", cwd=REPO).split()
    manifests = [name for name in names if name.count("/") == 1 and name.endswith("/__manifest__.py")]
    if not manifests:
        raise Problem(f"{revision} has no addons.")
    kept = [
        name for name in names if name.split("/")[0] in {path.split("/")[0] for path in manifests}
        and not set(LEFT_OUT) & set(name.split("/")[1:])
        and (not name.endswith((".png", ".jpg")) or name.endswith("/icon.png"))]
    version = ast.literal_eval(_text(revision, "ar_coordinator/__manifest__.py"))["version"]
    _check_changelog(revision, version)
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.tar.xz"):
        old.unlink()
    path = FOLDER / f"{version}.tar.xz"
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        run(["git", "archive", "-o", archive.name, revision, *kept], f"git could not read {revision}", cwd=REPO)
        path.write_bytes(lzma.compress(archive.read(), preset=9 | lzma.PRESET_EXTREME))
    say(f"{path.relative_to(REPO)}: {len(kept)} files of {revision}, {path.stat().st_size:,} bytes")
    return 0


def unpack(folder):
    """Unpack the version that is kept into a folder; returns its number."""
    path, = FOLDER.glob("*.tar.xz")
    with tarfile.open(fileobj=io.BytesIO(lzma.decompress(path.read_bytes()))) as archive:
        archive.extractall(folder)
    return path.name.removesuffix(".tar.xz")


def _text(revision, name):
    return run(["git", "show", f"{revision}:{name}"], f"{revision} has no {name}", cwd=REPO)


def _check_changelog(revision, version):
    if f"## {version}" not in _text(revision, "CHANGELOG.md"):
        raise Problem(f"CHANGELOG.md of {revision} has no section {version}.")
