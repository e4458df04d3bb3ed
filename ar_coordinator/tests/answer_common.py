"""Fixtures of the tests of customers' answers: a letter that went out, over two invoices of 300 and 100."""
from werkzeug.datastructures import MultiDict

from .dunning_common import DunningCommon


class AnswerCommon(DunningCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls.ar_invoice(300, '2026-02-01', '2026-03-01')
        cls.second = cls.ar_invoice(100, '2026-02-01', '2026-03-10')
        cls.foreign = cls.ar_invoice(50, '2026-02-01', '2026-03-01', partner=cls.other_customer)
        cls.price = cls.env.ref('ar_coordinator.dispute_reason_price')
        cls.company.write({'phone': '+1 555 0100', 'ar_dunning_working_hours': False})
        cls.customer.with_company(cls.company).ar_collector_id = cls.clerk
        cls.answers = cls.env['ar.customer.answer'].with_company(cls.company)

    def ar_letter(self, partner=None):
        """The letter of a run that was sent to one customer."""
        run = self.ar_send()
        return run.sudo().letter_ids.filtered(lambda letter: letter.partner_id == (partner or self.customer))

    def answer(self, kind, items=None, letter=None, origin='link', partner=None, **values):
        """An answer as controllers record it, the e-mails kept in the queue."""
        items = self.ar_lines(self.first + self.second) if items is None else items
        with self.mock_mail_gateway():
            return self.answers._record(kind, items, values, origin, partner or self.customer, letter=letter)

    def form(self, **values):
        """A posted form; lists for fields that come several times."""
        return MultiDict([
            (name, str(part)) for name, value in values.items()
            for part in (value if isinstance(value, list | tuple) else [value])])
