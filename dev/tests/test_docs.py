"""The manuals: links that lead somewhere, pictures that are there, examples that run."""
import re
import subprocess

import pytest

from dev.cache import REPO

MANUALS = sorted(path for path in [*REPO.glob("*.md"), *REPO.glob("docs/**/*.md"), *REPO.glob("*/README.md")])
LINK = re.compile(r'\]\(([^)\s]+)\)|src="([^"]+)"')
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
KEY = """
from odoo import fields
user = env['res.users'].search([('login', '=', 'manager')])
until = fields.Datetime.add(fields.Datetime.now(), hours=1)
key = env['res.users.apikeys'].with_user(user).sudo()._generate('rpc', "docs", until)
env.cr.commit()
print('KEY', key)
"""


def _anchors(path):
    """The anchors of a page's headings, as GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        for heading in HEADING.findall(path.read_text())}


@pytest.mark.parametrize("path", MANUALS, ids=lambda path: str(path.relative_to(REPO)))
def test_links(path):
    for link, source in LINK.findall(path.read_text()):
        target, _sharp, anchor = (link or source).partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        page = (path.parent / target).resolve() if target else path
        assert page.exists(), f"{path.name} leads to {target}"
        assert not anchor or anchor in _anchors(page), f"{path.name} leads to {link}"


def test_rpc_examples(story):
    """The examples of the developer guide, one after the other, as a manager of the demo."""
    done = story.env.odoo(
        "shell", "-c", story.env.conf(story.db, log_level="warn"), "-d", story.db, "--no-http",
        stdin=KEY, stdout=subprocess.PIPE)
    key = done.stdout.split("KEY ", 1)[1].split()[0]
    guide = (REPO / "docs/developer.md").read_text()
    section = guide.split("## Over RPC", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len(blocks) > 3
    names = {"URL": story.address, "API_KEY": key}
    for block in blocks:
        exec(compile(block, "docs/developer.md", "exec"), names)
    assert names["aged"]["difference_to_ledger"] == 0 and names["aged"]["totals"]["total"] > 0
    assert len(names["kpis"]["series"]) == 24
    assert names["rows"] and names["letters"] is not None
    assert names["dispute"]["state"] == "new" and "before" in names["refusal"]
