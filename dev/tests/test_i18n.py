"""Every term of the addons is in the template and translated in every language."""
import re

import polib
import pytest

from dev.cache import REPO
from dev.environment import Environment
from dev.i18n import LANGUAGES, export

PLACEHOLDER = re.compile(r"%\(\w+\)[sdf]|%[sdf]|\{\{.*?\}\}|\$\{.*?\}")


@pytest.mark.parametrize("module", Environment.prepare().modules)
def test_terms(module):
    now = {entry.msgid for entry in export(Environment.prepare(), module)}
    pot = {entry.msgid for entry in polib.pofile(str(REPO / module / f"i18n/{module}.pot"))}
    assert not now - pot, f"run make i18n: {sorted(now - pot)[:10]}"
    assert not pot - now, f"run make i18n: {sorted(pot - now)[:10]} are gone"
    for language in LANGUAGES:
        po = {entry.msgid: entry.msgstr for entry in polib.pofile(str(REPO / module / f"i18n/{language}.po"))}
        missing = sorted(term for term in now if not po.get(term))
        assert not missing, f"{language}: {len(missing)} terms, {missing[:10]}"
        for term in now:
            wanted, given = sorted(PLACEHOLDER.findall(term)), sorted(PLACEHOLDER.findall(po[term]))
            assert wanted == given, f"{language}: placeholders of {term!r}: {po[term]!r}"
