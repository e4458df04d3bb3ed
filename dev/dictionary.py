"""docs/data_dictionary.md: every model and field of the addons, read from an installed database."""
import json
import subprocess

from .cache import REPO, say

PATH = REPO / "docs/data_dictionary.md"
HEAD = """# Data dictionary

Models and fields of the addons, made by `make dictionary` from an installed database; do not edit.
*Stored* fields are columns (searched, grouped and exported in SQL); the others are worked out when they are read.
What a field means on the screen is in the [user guide](user.md).
"""
# runs in Odoo's shell: what the registry and ir.model.fields know of ours
SCRIPT = """
import json
MODULES = %r
FOUND = []
skipped = {'id', 'display_name', 'create_uid', 'create_date', 'write_uid', 'write_date'}
owners = {}
for data in env['ir.model.data'].search([('model', '=', 'ir.model.fields'), ('module', 'in', MODULES)]):
    owners.setdefault(data.res_id, data.module)
own_models = set(env['ir.model'].browse(env['ir.model.data'].search([
    ('model', '=', 'ir.model'), ('module', 'in', MODULES)]).mapped('res_id')).mapped('model'))
inherited = {
    field.model for field in env['ir.model.fields'].browse(list(owners)).exists()}
for name in sorted(own_models | inherited):
    if name not in env:
        continue
    model = env[name]
    mixed = set()
    for parent in ('mail.thread', 'mail.activity.mixin', 'mail.alias.mixin', 'portal.mixin', 'mail.thread.cc'):
        if parent in env:
            mixed |= set(env[parent]._fields)
    rows = []
    for field in env['ir.model.fields'].search([('model', '=', name), ('id', 'in', list(owners))], order='name'):
        if field.name in skipped or field.name in mixed:
            continue
        kind = field.ttype
        what = model._fields[field.name]
        if what.inherited:  # named where it is defined
            continue
        rows.append({
            'name': field.name, 'type': kind, 'label': field.field_description, 'help': field.help or '',
            'relation': field.relation or '', 'stored': bool(what.store), 'required': bool(what.required),
            'company_dependent': bool(getattr(what, 'company_dependent', False)),
            'choices': [key for key, _label in what._description_selection(env)] if kind == 'selection' else [],
        })
    if rows or name.startswith('ar.'):  # ours may have no field of their own: reports
        FOUND.append({
            'name': name, 'title': env['ir.model']._get(name).name, 'rows': rows,
            'kind': 'abstract' if model._abstract else 'transient' if model._transient else 'stored',
            'own': name.startswith('ar.'),
        })
print('DICTIONARY ' + json.dumps(FOUND))
"""


def read(env):
    """Return the addons' models as the database has them: [{name, title, kind, own, rows: [{name, type, ...}]}]."""
    with env.scratch(env.addon_template()) as db:
        done = env.odoo(
            "shell", "-c", env.conf(db, log_level="warn"), "-d", db, "--no-http", stdin=SCRIPT % (list(env.modules),),
            stdout=subprocess.PIPE)
    line = next(line for line in done.stdout.splitlines() if "DICTIONARY " in line)
    return json.loads(line.split("DICTIONARY ", 1)[1])


def text(models):
    """Return the page."""
    parts = [HEAD]
    groups = (
        ("The addon's own models", lambda model: model["own"] and model["kind"] == "stored"),
        ("Reports and services (nothing stored, called over RPC)",
         lambda model: model["own"] and model["kind"] == "abstract"),
        ("Dialogs (kept for some hours)", lambda model: model["own"] and model["kind"] == "transient"),
        ("Fields on Odoo's models", lambda model: not model["own"]),
    )
    for title, wanted in groups:
        chosen = [model for model in models if wanted(model)]
        if not chosen:
            continue
        parts.append(f"\n## {title}\n")
        for model in chosen:
            parts.append(f"\n### `{model['name']}`: {model['title']}\n")
            if model["rows"]:
                parts.append("\n| field | type | label | notes |\n|---|---|---|---|\n")
                parts.extend(_row(row) for row in model["rows"])
    return "".join(parts)


def _row(row):
    kind = f"{row['type']} `{row['relation']}`" if row["relation"] else row["type"]
    notes = [word for word, wanted in (
        ("required", row["required"]), ("per company", row["company_dependent"]), ("not stored", not row["stored"]),
    ) if wanted]
    if row["choices"]:
        notes.append(" / ".join(f"`{choice}`" for choice in row["choices"]))
    if row["help"]:
        notes.append(" ".join(row["help"].split()))
    cells = (f"`{row['name']}`", kind, row["label"], "; ".join(notes))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def main(env):
    """Write the page; returns the exit code."""
    models = read(env)
    PATH.write_text(text(models))
    say(f"{PATH.relative_to(REPO)}: {len(models)} models, {sum(len(model['rows']) for model in models)} fields.")
    return 0
