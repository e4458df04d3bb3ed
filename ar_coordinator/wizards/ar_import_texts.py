"""What the import says: one sentence per problem code of `engine/history_file.py` and `ar.import.loader`."""
# pylint: disable=prefer-env-translation
# (there is no env here: the texts are constants, and are translated where they are shown)
from odoo.tools import LazyTranslate

_lt = LazyTranslate(__name__)

FILE_PROBLEMS = {
    'empty': _lt("The file is empty. Choose a CSV or XLSX file with column names in its first row."),
    'no_rows': _lt("The file has column names but no rows below them."),
    'old_excel': _lt("This is an old Excel file (.xls). Save it as XLSX or CSV and choose it again."),
    'not_a_table': _lt("This is not a CSV or XLSX file."),
    'encoding': _lt("Row %(row)s is not %(encoding)s text. Choose the encoding the file was saved with."),
    'encoding_unknown': _lt("The file's encoding can't be recognised. Choose the encoding it was saved with."),
    'quotes': _lt(
        "Row %(row)s: a quotation mark is opened and not closed, or followed by text. Correct it in the file."),
    'no_openpyxl': _lt(
        "XLSX files need the Python library openpyxl, which this server doesn't have. Save the file as CSV."),
    'broken_xlsx': _lt(
        "The XLSX file can't be read; it may be damaged or protected. Open it, save it again, or save it as CSV."),
    'no_sheet': _lt("The file has no sheet \"%(sheet)s\". It has: %(sheets)s."),
    'too_big': _lt(
        "The file has %(size)s MB; at most %(limit)s MB can be imported at once. Split it, for example by year."),
    'too_big_unpacked': _lt(
        "The XLSX file unpacks to more than %(limit)s MB, which is too much. Split it, for example by year."),
    'too_many_bad_rows': _lt(
        "More than %(limit)s rows are wrong; a column or a format is probably chosen wrongly. The first: row %(row)s, "
        "%(column)s \"%(value)s\" %(problem)s."),
    'too_many_rows': _lt(
        "The file has more than %(limit)s rows. Split it, for example by year, and import one after the other."),
}

PROBLEMS = {
    'missing': _lt("is missing"),
    'too_many_cells': _lt("more cells than the %(expected)s columns; is a separator inside a text that isn't quoted?"),
    'formula': _lt("a formula without a stored result; open the file in a spreadsheet, save it, and try again"),
    'cell_error': _lt("is an error of the spreadsheet"),
    'control_character': _lt("contains a line break or another invisible control character"),
    'too_long': _lt("is longer than %(limit)s characters"),
    'date': _lt("is not a date of the chosen format (%(order)s)"),
    'date_number': _lt("is a number, not a date; format the column as a date"),
    'no_such_day': _lt("is not a day of the calendar"),
    'year': _lt("is not between the years %(first)s and %(last)s"),
    'amount': _lt("is not an amount with decimal mark \"%(mark)s\""),
    'amount_size': _lt("is too large"),
    'zero': _lt("is zero: there is nothing to receive"),
    'decimals': _lt("has more than the %(digits)s decimals of %(currency)s"),
    'currency': _lt("%(currency)s is not an active currency; check the code or activate it in the accounting settings"),
    'no_rate': _lt("there is no exchange rate of %(currency)s on or before %(date)s; enter one first"),
    'flag': _lt("is neither yes nor no"),
    'delivery': _lt("is neither paper nor electronic"),
    'email': _lt("is not an e-mail address"),
    'country': _lt("is not a country code (ISO, two letters)"),
    'due_before_invoice': _lt("is before the invoice date %(date)s"),
    'settled_before_invoice': _lt("is before the invoice date %(date)s"),
    'settled_without_date': _lt("an amount is settled, but there is no date"),
    'settled_sign': _lt("must have the sign of the invoice amount, and not be zero"),
    'settled_too_much': _lt("is more than the invoice amount %(amount)s"),
    'disputed_credit': _lt("a credit note can't be disputed"),
    'duplicate': _lt("the customer's same number is in row %(rows)s"),
    'ambiguous_customer': _lt("several customers have this reference: %(customers)s"),
    'no_customer': _lt("this customer doesn't exist any more; check the file again"),
    'exists_draft': _lt("a draft invoice of this customer has this number; post or delete it first"),
    'exists_differs': _lt("invoice %(number)s of this customer is already booked, with %(booked)s"),
    'locked': _lt("the accounting is locked up to %(date)s"),
    'refused': _lt("%(reason)s"),
}

DATE_NAMES = {'dmy': _lt("day/month/year"), 'mdy': _lt("month/day/year"), 'ymd': _lt("year/month/day")}
ENCODING_SOURCES = {
    'bom': _lt("marked in the file"),
    'valid': _lt("all of the file is valid"),
    'fallback': _lt("the file is not UTF-8; please look at the letters with accents below"),
    'chosen': _lt("chosen"),
}
