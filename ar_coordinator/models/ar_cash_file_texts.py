"""What loading says: one sentence per code of `parsers/`, of the checks of a file, and of a line that was refused."""
# pylint: disable=prefer-env-translation
# (there is no env here: the texts are constants, and are translated where they are shown)
from odoo.tools import LazyTranslate

_lt = LazyTranslate(__name__)

FILE_PROBLEMS = {
    'empty': _lt("The file is empty."),
    'no_library': _lt(
        "Files of this kind need the Python package %(package)s, which this server does not have. Ask your "
        "administrator to install it (pip install %(package)s), then read the file again."),
    'too_big': _lt(
        "The file has %(size)s MB; at most %(limit)s MB are read. Ask the bank or the customer for smaller files, for "
        "example one for each day."),
    'encoding': _lt("The file is no text this program knows: it may be damaged, encrypted or a picture."),
    'xml': _lt("The XML of the file is broken or its end is missing (line %(line)s: %(detail)s). Load it again from "
               "the bank."),
    'doctype': _lt("The file has a document type or entities, which files of banks never have: it is not read."),
    'camt_kind': _lt("This XML is no camt.053 statement or camt.054 notification (found: %(found)s)."),
    'camt052': _lt(
        "This is a camt.052 report of the day so far, whose bookings are not final and come again. Load the camt.053"
        " statement."),
    'mt940': _lt("No statement was found: an MT940 file has lines that begin with :20:."),
    'mt940_head': _lt("The head or a balance of an MT940 statement can't be read: %(detail)s"),
    'mt942': _lt("This is an MT942 interim report, whose transactions are not final. Load the MT940 statement."),
    'ofx': _lt("No bank statement that can be read was found in this OFX file."),
    'bai2': _lt("This is no BAI2 file, or it has no account in it."),
    'bai2_record': _lt("A record of the BAI2 file is unknown or in the wrong place: %(record)s"),
    'bai2_version': _lt("This is version %(version)s of the BAI format; version 2 is read."),
    'lockbox': _lt("No deposit was found in this lockbox file."),
    'truncated': _lt("The end of the file is missing: its last record is not there. Load it again from the bank."),
    'pdf': _lt(
        "A PDF can't be read by this program. Open it, and ask the customer or bank for a CSV, XLSX or bank file."),
    'old_excel': _lt("This is an old Excel file (.xls). Save it as XLSX or CSV and upload that."),
    'picture': _lt("This is a picture. It is kept; what it says has to be entered by hand."),
    'archive': _lt("This is a compressed archive. Unpack it and upload the files in it."),
    'unknown': _lt("This is no kind of file that is known here: camt.053, camt.054, MT940, OFX, BAI2, CSV or XLSX."),
    'broken': _lt(
        "The file looks like %(kind)s, but could not be read. It is kept; please show it to your administrator."),
    'nothing': _lt("There is nothing in the file: no transaction and no document."),
}

LINE_PROBLEMS = {
    'amount': _lt("\"%(value)s\" is not an amount."),
    'date': _lt("\"%(value)s\" is not a date."),
    'missing': _lt("%(what)s is missing."),
    'direction': _lt("It is not said whether money came in or went out (\"%(value)s\")."),
    'mt940_line': _lt("This line is not as MT940 has it: %(line)s"),
    'other_currency': _lt("The amount is in %(currency)s, which is not the currency of the bank journal."),
    'bai2_line': _lt("This record is not as BAI2 has it: %(detail)s"),
    'bai2_type': _lt("The bank's type code %(type)s does not say whether money came in or went out."),
    'lockbox_document': _lt("A document paid by this cheque can't be read: \"%(value)s\" is not an amount."),
    'decimals': _lt("The amount has more than the %(digits)s decimals of %(currency)s."),
    'no_date': _lt("The date is missing."),
    'no_amount': _lt("The amount is missing."),
    'locked': _lt("The books are locked up to %(date)s."),
    'odoo': _lt("%(reason)s"),
    'currency_unknown': _lt("%(currency)s is not an active currency."),
}
LEFT_OUT = {
    'pending': _lt("Not booked by the bank yet: it comes again when it is."),
    'zero': _lt("No money: the amount is zero."),
}
TWICE = {
    'line': _lt("Loaded before from %(file)s."),
    'batch': _lt("Part of a booking that was loaded as one sum from %(file)s."),
    'details': _lt("Its single transactions were loaded before from %(file)s."),
}

CHECKS = {
    'balance': _lt("Opening balance and transactions make the closing balance"),
    'entries': _lt("Number of transactions (%(which)s)"),
    'sum': _lt("Sum of transactions (%(which)s)"),
    'bai2_total': _lt("Control total of the %(level)s"),
    'bai2_records': _lt("Number of records of the %(level)s"),
    'bai2_parts': _lt("Number of parts of the %(level)s"),
    'bai2_header': _lt("The account's record can be read"),
    'lockbox_count': _lt("Number of cheques of the %(level)s"),
    'lockbox_total': _lt("Total of cheques of the %(level)s"),
    'lockbox_records': _lt("Number of records"),
}
WORDS = {
    'all': _lt("all"), 'credit': _lt("in"), 'debit': _lt("out"), 'account': _lt("account"), 'group': _lt("group"),
    'file': _lt("file"), 'batch': _lt("batch"), 'lockbox': _lt("lockbox"),
}

ADVICE_REASONS = {
    'unknown': _lt("No document of this company has this number."),
    'settled': _lt("Nothing is open on it any more."),
    'other': _lt("It is a document of another customer."),
    'several': _lt("Several open documents have this number: choose one."),
    'less_open': _lt("Only %(open)s are open on it."),
    'currency': _lt("It is in %(currency)s."),
}


def sentence(env, texts, code, params=None):
    """Return the sentence of a code, in the user's language."""
    translate = env._  # not called by name: linters want literals, these are above
    known = {name: translate(WORDS[value]) if value in WORDS else value for name, value in (params or {}).items()}
    return translate(texts[code]) % known
