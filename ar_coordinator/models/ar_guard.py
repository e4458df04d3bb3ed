"""Guards of records that move by their buttons only: what a caller may not write he may not slip in as a default."""


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
