"""Peers: OCA's addons (AGPL-3) that do the same work, measured beside ours on the same database.

They are fetched from PyPI into the cache when the benchmark runs and called through their public models; nothing of
them is part of this repository. What each of them is asked to do is in a file of its own, peer*.py.
"""
import importlib.metadata
import subprocess

from dev.cache import build, cache_dir


def fetch(env, name, folder, others=()):
    """Return (addons folder, version) of a package, downloading it and `others` it depends on once.

    :raise subprocess.CalledProcessError: when PyPI does not answer
    """
    def install(target):
        subprocess.run(
            [env.python, '-m', 'pip', 'install', '-q', '--no-input', '--no-deps', '--no-compile', '--target', target,
             *(f'{package}==19.0.*' for package in (name, *others))],
            check=True, capture_output=True, text=True)
    path = build(cache_dir() / 'benchmarks' / folder, f"Fetching {name} 19.0 from PyPI", install)
    distribution = next(
        found for found in importlib.metadata.distributions(path=[str(path)])
        if found.metadata['Name'].replace('_', '-').lower() == name)
    return path / 'odoo' / 'addons', distribution.version
