"""System packages: what Odoo and its tests need from the machine, installed where we may."""
import contextlib
import os
import shutil
import subprocess
from pathlib import Path

from .cache import Problem, lock, run, step

CHROMIUM_NAMES = ("google-chrome", "chromium", "chromium-browser", "google-chrome-stable")  # as Odoo looks for them
CREATE_CLUSTER = Path("/etc/postgresql-common/createcluster.conf")


def postgres_bin():
    """The folder of PostgreSQL's server programs (15 if there are several), or None."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[4] != "15")
    if not found and shutil.which("initdb"):
        found = [Path(shutil.which("initdb")).resolve()]
    return found[0].parent if found else None


def _has_font(family):
    return any(Path("/usr/share/fonts").rglob(f"{family}[-.]*ttf"))


def _has_libmagic():
    return any(Path("/usr/lib").rglob("libmagic.so.1"))


# Debian package -> is what we need from it there (from whatever source)?
PACKAGES = {
    "postgresql-15": postgres_bin,
    "chromium": lambda: any(map(shutil.which, CHROMIUM_NAMES)),
    "wkhtmltopdf": lambda: shutil.which("wkhtmltopdf"),
    "fonts-dejavu-core": lambda: _has_font("DejaVuSans"),
    "fonts-liberation": lambda: _has_font("LiberationSans"),
    "libmagic1": _has_libmagic,
}


def missing_packages():
    return [name for name, is_there in PACKAGES.items() if not is_there()]


def ensure_packages():
    """Install the missing system packages with apt-get, or say which command does it."""
    if not missing_packages():
        return
    with lock("apt"):
        missing = missing_packages()
        install = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "install", "-y", "--no-install-recommends", *missing]
        if not missing:
            return
        prefix = _root_prefix()
        if prefix is None or not shutil.which("apt-get"):
            raise Problem(
                f"This machine lacks {', '.join(missing)}, and this user may not install packages; ask an "
                f"administrator to run: apt-get update && apt-get install -y --no-install-recommends "
                f"{' '.join(missing)}")
        sentence = f"The system packages {' '.join(missing)} could not be installed"
        with step(f"Installing system packages: {' '.join(missing)}"), _no_main_cluster(prefix):
            env = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive"]
            # Never cut dpkg off, and finish what somebody else cut off.
            run([*env, "dpkg", "--configure", "-a"], sentence, preexec_fn=None)
            run([*env, "apt-get", "update"], sentence, preexec_fn=None)
            run([*env, *install], sentence, preexec_fn=None)
        if missing_packages():
            raise Problem(f"{sentence}: still missing after the installation: {' '.join(missing_packages())}.")


def _root_prefix():
    """What to put before a command that needs root; None if we can't."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and not subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode:
        return ["sudo", "-n"]
    return None


@contextlib.contextmanager
def _no_main_cluster(prefix):
    """Keep Debian's postgresql package from creating and starting a cluster of its own while we install it."""
    def shell(script):
        run([*prefix, "sh", "-c", script], "PostgreSQL's package could not be configured")

    ours = not CREATE_CLUSTER.exists()
    if ours:
        shell(f"mkdir -p {CREATE_CLUSTER.parent} && echo 'create_main_cluster = false' > {CREATE_CLUSTER}")
    try:
        yield
    finally:
        if ours:  # leave what the package would have installed
            default = "/usr/share/postgresql-common/createcluster.conf"
            shell(f"if [ -e {default} ]; then cp {default} {CREATE_CLUSTER}; else rm {CREATE_CLUSTER}; fi")
