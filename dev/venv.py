"""The virtual environment: Python 3.11 with everything of requirements.txt, each file checked by its hash."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .cache import REPO, Problem, build, cache_dir, digest, run

REQUIREMENTS = REPO / "dev/requirements.txt"


def ensure_venv():
    """Return the Python of the virtual environment."""
    python = _python311()
    version = subprocess.run([python, "-c", "import sys; print(sys.version)"], capture_output=True, text=True).stdout
    folder = cache_dir() / "venv" / digest(REQUIREMENTS.read_text(), Path(python).resolve(), version)
    text = "Installing Python packages (about 30 s)"
    return build(folder, text, lambda part: _make(python, part, folder)) / "bin/python"


def _python311():
    base = os.path.join(sys.base_prefix, "bin/python3.11")  # not a virtual environment's own
    for python in filter(None, [base, shutil.which("python3.11"), shutil.which("python3")]):
        asked = [python, "-c", "import sys; print(sys.version_info[:2] == (3, 11))"]
        if os.path.exists(python) and "True" in subprocess.run(asked, capture_output=True, text=True).stdout:
            return python
    raise Problem("Python 3.11 is needed; install it: apt-get install -y python3.11 python3.11-venv")


def _pinned(package):
    """The lines of requirements.txt about one package: its version and hashes."""
    return re.search(rf"^{package}==(?:.*\\\n)*.*\n", REQUIREMENTS.read_text(), re.M)[0]


def _make(python, part, folder):
    sentence = "A virtual environment could not be made; if python3-venv is missing: apt-get install -y python3-venv"
    run([python, "-m", "venv", part], sentence)
    pip = [part / "bin/python", "-m", "pip", "install", "-q", "--no-input", "--require-hashes", "--no-compile"]
    # What has no wheel is built with the setuptools of requirements.txt: the Python's own may be too old to build one.
    first = part / "setuptools.txt"
    first.write_text(_pinned("setuptools"))
    for options in (["-r", first], ["--no-build-isolation", "-r", REQUIREMENTS]):
        run([*pip, *options], "The Python packages could not be installed")
    for script in (part / "bin").iterdir():  # their first lines name the folder
        if script.read_bytes()[:2] == b"#!" or script.name.startswith("activate"):
            script.write_text(script.read_text().replace(str(part), str(folder)))
