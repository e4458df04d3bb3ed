"""What many records of one batch have in common is made once: compiled mail templates, formatted amounts, a sender."""

BATCH = 'ar_batch'  # context key: a dict that lives as long as the batch


def shared(env, key, make):
    """Return `make()`, called once for the batch that the context has, if any.

    :param tuple key: what the result depends on, the language included
    """
    batch = env.context.get(BATCH)
    if batch is None:
        return make()
    if key not in batch:
        batch[key] = make()
    return batch[key]
