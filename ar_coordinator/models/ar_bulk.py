"""Many rows of our own in one statement.

Odoo's `create` writes a hundred rows per statement and looks up the currency of each amount by itself. For what a
dunning run writes (thousands of items and outcomes, complete as the engine has them, with nothing listening to new
ones) that takes most of the time of the run. Only for tables of this addon; the books are never written like this.
"""
from odoo.tools import SQL, float_repr


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
            {vals[name] for vals in vals_list for name in set(currencies.values())})}

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
