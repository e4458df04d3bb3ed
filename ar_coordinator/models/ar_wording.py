"""How numbers are put into words: one thing is no "1 things"."""


def counted(count, one, many):
    """Return the text for a number of things: `one` for exactly 1, else `many`; both are translated already.

    >>> counted(1, "1 day", "1 days"), counted(0, "1 day", "0 days")
    ('1 day', '0 days')
    """
    return one if count == 1 else many
