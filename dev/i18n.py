"""Translations: the template (.pot) is exported from the installed addons, the languages (.po) are merged with it."""
import subprocess
import tempfile
from pathlib import Path

from .cache import REPO, say

LANGUAGES = ("de", "es", "fr", "nl")


def export(env, module):
    """Return the addon's terms as they are now, as a polib file without dates."""
    import polib
    with env.scratch(env.addon_template()) as db, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{module}.pot"
        env.odoo(
            "i18n", "export", "-c", env.conf(db, log_level="warn"), "-d", db, "-l", "pot", "-o", path, module,
            stdin="", stdout=subprocess.DEVNULL)
        pot = polib.pofile(str(path), wrapwidth=0)
    about = "This file contains the translation of the following modules:"
    pot.header = f"Translation of Odoo Server.\n{about}\n* {module}"
    for name in ("POT-Creation-Date", "PO-Revision-Date"):  # a new export of the same terms is the same file
        pot.metadata.pop(name, None)
    for entry in pot:
        entry.occurrences.sort()
    pot.sort(key=lambda entry: (entry.msgid, entry.occurrences))
    return pot


def merge(pot, path, language):
    """Bring a language in line with the terms; return those it does not translate."""
    import polib
    known = {entry.msgid: entry.msgstr for entry in polib.pofile(str(path))} if path.exists() else {}
    po = polib.POFile(wrapwidth=0)
    po.header = pot.header
    po.metadata = {**pot.metadata, "Language": language}
    for entry in pot:
        po.append(polib.POEntry(
            msgid=entry.msgid, msgstr=known.get(entry.msgid, ""), comment=entry.comment, occurrences=entry.occurrences,
            flags=entry.flags))
    po.save(str(path))
    return [entry.msgid for entry in po.untranslated_entries()]


def main(env):
    """Write the .pot and .po files of all addons; say what is not translated."""
    missing = 0
    for module in env.modules:
        folder = REPO / module / "i18n"
        folder.mkdir(exist_ok=True)
        pot = export(env, module)
        pot.save(str(folder / f"{module}.pot"))
        for language in LANGUAGES:
            untranslated = merge(pot, folder / f"{language}.po", language)
            missing += len(untranslated)
            say(f"{module}/{language}: {len(pot) - len(untranslated)} of {len(pot)} terms")
            for term in untranslated[:10]:
                say(f"  not translated: {term[:100]!r}")
    return 1 if missing else 0
