"""Many rows in one statement: records of our own tables, and notes in the chatter.

Odoo's `create` writes a hundred rows per statement and looks up the currency of each amount by itself. For what a
dunning run writes (thousands of items and outcomes, complete as the engine has them, with nothing listening to new
ones) that takes most of the time of the run. The same goes for the notes on the invoices of a batch of letters: Odoo
looks through the hundred kinds of records that have a chatter for each of them. Only for tables of this addon and for
notes; the books are never written like this.
"""
from markupsafe import escape

from odoo.tools import SQL, float_repr, split_every

CHATTER_FIELDS = ('message_ids', 'message_needaction', 'message_needaction_counter')  # what a new message changes


def insert_rows(model, vals_list):
    """Insert records of `model` whose values are complete: computed and related stored fields included.

    Amounts are rounded to the currency in their currency field, False is NULL. Caches of the model are dropped.

    :param model: empty recordset, in the environment of who writes
    :param list vals_list: dict of field name -> value; ids for many2one. Fields may differ from row to row.
    """
    if not vals_list:
        return
    model.env.flush_all()  # what was changed before comes first, the caches of the model are dropped below
    now = model.env.cr.now()
    log = {'create_uid': model.env.uid, 'create_date': now, 'write_uid': model.env.uid, 'write_date': now}
    names = sorted({name for vals in vals_list for name in vals} - set(log))
    fields = [model._fields[name] for name in names]
    currencies = {
        field.name: field.get_currency_field(model) for field in fields if field.type == 'monetary'}
    known = {
        currency.id: currency for currency in model.env['res.currency'].browse(
            {vals[name] for vals in vals_list for name in set(currencies.values()) if vals.get(name)})}

    def column(name, vals):
        value = vals.get(name)
        if value is None or value is False:
            return None
        if name in currencies:
            currency = known[vals[currencies[name]]]
            return float_repr(currency.round(value), currency.decimal_places)
        return value
    model.env.cr.execute(SQL(
        "INSERT INTO %s (%s) VALUES %s", SQL.identifier(model._table),
        SQL(", ").join(map(SQL.identifier, (*names, *log))),
        SQL(", ").join((*(column(name, vals) for name in names), *log.values()) for vals in vals_list)))
    model.invalidate_model(flush=False)


def log_notes(records, bodies):
    """Leave a note in the chatter of many records, as `_message_log_batch` does: nobody is notified.

    Odoo makes the first note; the others are copies of all its columns with their own record and text, so that they
    have whatever other addons store with a note. The text passes Odoo's sanitizer, once for equal ones.

    :param records: records with a chatter; as there, access is the caller's business
    :param dict bodies: record id -> text as Markup
    """
    if not bodies:
        return
    (first, body), *others = bodies.items()
    note = records.browse(first)._message_log_batch({first: body})
    if not others:
        return
    field, clean = note._fields['body'], {}
    for _record_id, text in others:
        if text not in clean:
            clean[text] = field.convert_to_column(escape(text), note)
    note.flush_recordset()
    columns = [
        SQL.identifier(name) for name, field in note._fields.items()
        if field.store and field.column_type and name not in ('id', 'res_id', 'body')]
    for part in split_every(1000, others):
        note.env.cr.execute(SQL(
            """
            INSERT INTO mail_message (%(columns)s, res_id, body)
                 SELECT %(columns)s, target.res_id, target.body
                   FROM mail_message note, (VALUES %(targets)s) AS target (res_id, body)
                  WHERE note.id = %(note)s""",
            columns=SQL(", ").join(columns), note=note.id,
            targets=SQL(", ").join(SQL("(%s, %s)", record_id, clean[text]) for record_id, text in part)))
    records.browse(bodies).invalidate_recordset(CHATTER_FIELDS, flush=False)
