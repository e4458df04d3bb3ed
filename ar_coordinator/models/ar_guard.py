"""What the create methods of guarded records have in common.

They move by their buttons only: what a caller may not write he may not slip in as a default. Their customer is always
the commercial partner.
"""


def without_defaults(records, names):
    """Return the records without `default_<name>` in their context; the context of a call is its caller's to choose.

    For the superuser as well: buttons create with sudo, in the context they were called in.

    :param records: recordset
    :param names: names of guarded fields
    """
    dropped = {f'default_{name}' for name in names} & records.env.context.keys()
    if not dropped:
        return records
    context = {key: value for key, value in records.env.context.items() if key not in dropped}
    return records.with_context(context)  # pylint: disable=context-overridden  # keys are taken out, not added


def of_customers(env, vals_list):
    """Return values for `create` with the commercial partner for the contact that was chosen.

    :param env: Environment
    :param vals_list: list of dict, those with `partner_id` are changed
    """
    partners = env['res.partner'].browse(vals['partner_id'] for vals in vals_list if vals.get('partner_id'))
    customers = {partner.id: partner.commercial_partner_id.id for partner in partners}
    return [
        {**vals, 'partner_id': customers[vals['partner_id']]} if vals.get('partner_id') else vals
        for vals in vals_list]
