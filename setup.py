"""Puts the addons of this repository into a wheel, under odoo/addons, where Odoo finds them once installed."""
import ast
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
MANIFESTS = {path.parent.name: ast.literal_eval(path.read_text()) for path in sorted(HERE.glob("*/__manifest__.py"))}

packages, package_data = {}, {}
for addon in MANIFESTS:
    for path in sorted((HERE / addon).rglob("*")):
        if path.is_dir() or "__pycache__" in path.parts:
            continue
        # A file belongs to the nearest folder above it that is a Python package.
        home = next(parent for parent in path.parents if (parent / "__init__.py").exists())
        name = ".".join(["odoo", "addons", *home.relative_to(HERE).parts])
        packages[name] = str(home.relative_to(HERE))
        package_data.setdefault(name, []).append(str(path.relative_to(home)))

setup(
    version=MANIFESTS["ar_coordinator"]["version"],
    packages=list(packages),
    package_dir=packages,
    package_data=package_data,
    install_requires=sorted({
        name for manifest in MANIFESTS.values()
        for name in manifest.get("external_dependencies", {}).get("python", [])}),
    # What only some companies need; a missing one is said in one sentence where it is needed.
    extras_require={"bank-files": ["bai2>=0.15", "mt-940>=5.1"]},
    zip_safe=False,
)
