"""`pip install .` makes the addons appear in Odoo: a wheel, in a clean environment, installed from there."""
import json
import shutil
import subprocess

import pytest

from dev.cache import REPO
from dev.environment import Environment, bad_records

SCRIPT = """
import json, odoo.modules
modules = env['ir.module.module'].search([('name', 'in', %r)])
print('RESULT', json.dumps({
    module.name: [module.state, odoo.modules.get_module_path(module.name)] for module in modules}))
"""


@pytest.fixture(scope="module")
def site_packages(tmp_path_factory):
    """The site-packages of an environment that got the wheel; Odoo and its libraries are reachable from it."""
    env = Environment.prepare()
    folder = tmp_path_factory.mktemp("packaging")
    source = folder / "source"
    source.mkdir()
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(REPO / name, source)
    for module in env.modules:
        shutil.copytree(REPO / module, source / module, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [env.python, "-m", "pip", "-q", "--no-cache-dir"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", folder / "wheel", source], check=True)
    subprocess.run([env.python, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    wheel, = (folder / "wheel").iterdir()
    subprocess.run(
        [*pip, f"--python={folder / 'venv'}", "install", "--no-deps", "--no-index", wheel], check=True)
    return next((folder / "venv/lib").glob("python*/site-packages"))


def test_wheel_has_every_file(site_packages):
    for module in Environment.prepare().modules:
        for path in (REPO / module).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                installed = site_packages / "odoo/addons" / path.relative_to(REPO)
                assert installed.is_file(), f"{path.relative_to(REPO)} is not in the wheel"


def test_install_from_wheel(site_packages):
    env = Environment.prepare()
    python = site_packages.parents[2] / "bin/python"
    libraries = next((env.python.parents[1] / "lib").glob("python*/site-packages"))
    (site_packages / "libraries.pth").write_text(f"{env.odoo_path}\n{libraries}\n")
    with env.scratch(env.base_template()) as db:
        conf = env.conf(db, addons_path=",".join(str(path) for path in env.addons_path if path != REPO))
        child = {name: value for name, value in env.odoo_env().items() if name != "PYTHONPATH"}
        odoo = [python, "-m", "odoo"]

        done = subprocess.run(
            [*odoo, "server", "-c", conf, "-d", db, "-i", ",".join(env.modules), "--no-http", "--stop-after-init"],
            check=False, env=child, cwd="/", capture_output=True, text=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr[-5000:]
        assert not bad_records(done.stderr)

        done = subprocess.run(
            [*odoo, "shell", "-c", conf, "-d", db, "--no-http", "--log-level=warn"], check=True, env=child, cwd="/",
            capture_output=True, text=True, input=SCRIPT % env.modules)
    result = json.loads(done.stdout.split("RESULT", 1)[1].splitlines()[0])
    assert result == {
        module: ["installed", str(site_packages / "odoo/addons" / module)] for module in env.modules}
