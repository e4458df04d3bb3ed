"""The customer sheet: its figures, timeline, notes, actions; who may see and do what."""
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from .desk_common import DeskCommon


@tagged('post_install', '-at_install')
class TestCustomerSheet(DeskCommon, HttpCase):

    def sheet(self, user=None, partner=None, company=None):
        return self.env['ar.customer.sheet'].with_user(user or self.clerk).get_sheet(
            (partner or self.customer).id, (company or self.company).id)

    def timeline(self, user=None, **kwargs):
        return self.env['ar.customer.sheet'].with_user(user or self.clerk).get_timeline(
            self.customer.id, self.company.id, **kwargs)

    def test_figures_are_the_ledgers(self):
        """1,000 in three buckets, 300 disputed, 200 promised, 50 on account; the bar and the total add up."""
        old, new = self.ar_invoice(600, '2026-03-01'), self.ar_invoice(300, '2026-05-20')
        self.ar_invoice(100, '2026-06-01', '2026-07-01')
        self.ar_cash(50, '2026-06-01')
        self.ar_late_dispute(new, 300)
        self.ar_promise(old, '2026-06-30', {self.ar_lines(old).id: 200})
        sheet = self.sheet()
        ageing = sheet['ageing']
        self.assertEqual([bucket['amount'] for bucket in ageing['buckets']], [100.0, 300.0, 0.0, 0.0, 600.0, 0.0])
        self.assertEqual(
            (ageing['total'], ageing['overdue'], ageing['unapplied'], ageing['disputed'], ageing['promised']),
            (950.0, 900.0, -50.0, 300.0, 200.0))
        self.assertEqual(sum(bucket['amount'] for bucket in ageing['buckets']) + ageing['unapplied'], ageing['total'])
        self.assertEqual(
            [(item['name'], item['days'], item['residual'], item['disputed'], item['promised'])
             for item in sheet['items'] if item['residual'] > 0][:2],
            [(old.name, 101, 600.0, 0.0, 200.0), (new.name, 21, 300.0, 300.0, 0.0)])
        self.assertEqual((sheet['item_count'], len(sheet['items'])), (4, 4))
        self.assertEqual(sheet['credit']['exposure'], 650.0, "less what is disputed as our fault")

    def test_currencies_are_shown_apart(self):
        self.ar_invoice(100, '2026-04-01')
        self.ar_invoice(70, '2026-04-01', currency_id=self.eur.id)
        sheet = self.sheet()
        self.assertEqual(
            {(account['currency_id'], account['total']) for account in sheet['accounts']},
            {(self.company.currency_id.id, 100.0), (self.eur.id, 70.0)})
        self.assertEqual(sheet['ageing']['total'], 212.0)

    def test_a_contact_shows_its_customer_and_companies_are_apart(self):
        company, _invoice = self.other_books()
        contact = self.env['res.partner'].create({
            'name': "Ada", 'parent_id': self.customer.id, 'phone': '1', 'ar_is_receivables_contact': True})
        self.ar_invoice(100, '2026-04-01', partner=contact)
        sheet = self.sheet(partner=contact)
        self.assertEqual((sheet['partner']['id'], sheet['ageing']['total']), (self.customer.id, 100.0))
        self.assertEqual(sheet['contacts'][0], {
            'id': contact.id, 'name': "Ada", 'function': "", 'phone': '1', 'email': "", 'is_receivables': True})
        with self.assertRaises(AccessError):
            self.sheet(company=company)
        self.clerk.company_ids += company
        self.assertEqual(self.sheet(company=company)['ageing']['total'], 300.0)

    def test_timeline(self):
        """Everything once, newest first; by kind; the rest with an offset."""
        invoice = self.ar_invoice(500, '2026-04-01')
        self.ar_pay(invoice, '2026-05-05', 100)
        self.ar_promise(invoice, '2026-06-30')
        self.ar_late_dispute(invoice, 50)
        self.ar_answer()
        self.env['ar.pause'].create({'partner_id': self.customer.id, 'reason': "x", 'date_end': '2026-06-30'})
        self.env['ar.credit.hold']._place(self.customer, self.company, "Not paid")
        self.env['ar.call'].with_user(self.clerk)._log(self.customer, self.company, 'reached', note="Hello")
        page = self.timeline()
        kinds = [entry['kind'] for entry in page['entries']]
        for kind in ('invoice', 'payment', 'promise', 'dispute', 'answer', 'pause', 'hold', 'call'):
            self.assertIn(kind, kinds)
        days = [entry['date'][:10] for entry in page['entries']]
        self.assertEqual(days, sorted(days, reverse=True))
        [entry] = self.timeline(kinds=['payment'])['entries']
        self.assertEqual((entry['amount'], entry['date']), (100.0, '2026-05-05'))
        [entry] = self.timeline(kinds=['invoice'])['entries']
        self.assertEqual((entry['amount'], entry['title'], entry['res_id']), (500.0, invoice.name, invoice.id))
        for number in range(31):
            self.ar_misc(number + 1, '2026-01-01')
        page = self.timeline(kinds=['payment'])
        self.assertEqual((len(page['entries']), page['has_more']), (30, True))
        rest = self.timeline(kinds=['payment'], offset=30)
        self.assertEqual((len(rest['entries']), rest['has_more']), (2, False))
        for kwargs in ({'kinds': ['x']}, {'offset': -1}, {'offset': 10 ** 6}):
            with self.assertRaises(UserError, msg=str(kwargs)):
                self.timeline(**kwargs)

    def test_note_is_tracked_and_by_company(self):
        sheets = self.env['ar.customer.sheet']
        sheets.with_user(self.clerk).set_note(self.customer.id, self.company.id, "  Ask for Ada ")
        self.flush_tracking()
        self.assertEqual(self.sheet()['note'], "Ask for Ada")
        self.assertTrue(self.customer.message_ids.sudo().tracking_value_ids.filtered(
            lambda value: value.new_value_text == "Ask for Ada"))
        company, _invoice = self.other_books()
        self.clerk.company_ids += company
        self.assertEqual(self.sheet(company=company)['note'], "")
        with self.assertRaises(AccessError):
            sheets.with_user(self.reader).set_note(self.customer.id, self.company.id, "x")

    def test_actions_take_the_chosen_items(self):
        one, two = self.ar_invoice(100, '2026-04-01'), self.ar_invoice(200, '2026-04-02')
        sheets, chosen = self.env['ar.customer.sheet'].with_user(self.clerk), self.ar_lines(one)

        def context(action, items=chosen):
            return sheets.get_action(self.customer.id, self.company.id, action, items.ids)['context']
        self.assertEqual(context('promise')['default_item_ids'], chosen.ids)
        self.assertEqual(context('plan')['default_item_ids'], chosen.ids)
        self.assertEqual(context('dispute')['default_move_ids'], one.ids)
        self.assertEqual(context('pause')['default_move_id'], one.id)
        self.assertEqual(context('call')['default_item_ids'], chosen.ids)
        self.assertEqual(context('pause', chosen.browse())['default_partner_id'], self.customer.id)
        self.assertEqual(context('promise', chosen.browse())['default_item_ids'], self.ar_lines(one + two).ids)
        with self.assertRaises(UserError):
            context('pause', self.ar_lines(one + two))
        with self.assertRaises(UserError):
            sheets.get_action(self.customer.id, self.company.id, 'nonsense')
        for name in ('wizard', 'action', 'call.x', ['call'], None):
            with self.assertRaisesRegex(UserError, "knows no action"), patch.object(
                    type(sheets), '_open_wizard', side_effect=AssertionError("a helper, and no button")):
                sheets.get_action(self.customer.id, self.company.id, name, chosen.ids)
        with self.assertRaises(UserError):
            sheets.get_action(self.other_customer.id, self.company.id, 'promise', chosen.ids)

    def test_payment_behaviour(self):
        """Paid in May, 10 days late; nothing before."""
        invoice = self.ar_invoice(500, '2026-04-01', '2026-05-01')
        self.ar_pay(invoice, '2026-05-11')
        points = self.env['ar.customer.sheet'].with_user(self.clerk).get_behaviour(self.customer.id, self.company.id)
        self.assertEqual(len(points), 12)
        self.assertEqual([point['delay'] for point in points if point['month'].startswith('2026-05')], [10.0])

    def test_states(self):
        self.env['ar.pause'].create({'partner_id': self.customer.id, 'reason': "Merger", 'date_end': '2026-06-30'})
        self.env['ar.credit.hold']._place(self.customer, self.company, "Not paid")
        sheet = self.sheet()
        self.assertIn("Merger", sheet['states'][0])
        self.assertEqual((sheet['credit']['on_hold'], sheet['credit']['hold_reason']), (True, "Not paid"))

    def test_roles(self):
        self.ar_invoice(100, '2026-04-01')
        portal = new_test_user(self.env, login='sheet_portal', groups='base.group_portal')
        sheets = self.env['ar.customer.sheet']
        self.assertEqual(self.sheet(user=self.reader)['ageing']['total'], 100.0)
        self.assertFalse(self.sheet(user=self.reader)['can_work'])
        for user in (self.sales, portal):
            for method in ('get_sheet', 'get_timeline', 'get_behaviour'):
                with self.assertRaises(AccessError, msg=f"{user.login} {method}"):
                    getattr(sheets.with_user(user), method)(self.customer.id, self.company.id)
            with self.assertRaises(AccessError):
                sheets.with_user(user).get_action(self.customer.id, self.company.id, 'promise')
            with self.assertRaises(AccessError):
                sheets.with_user(user).set_note(self.customer.id, self.company.id, "x")
        with self.assertRaises(AccessError):
            self.customer.with_user(self.sales).read(['ar_note'])
        with self.assertRaises(AccessError):
            sheets.with_user(self.reader).get_action(self.customer.id, self.company.id, 'promise')

    def test_statement_file(self):
        self.ar_invoice(100, '2026-04-01')
        url = f'/ar_coordinator/customer/{self.customer.id}/statement?company_id={self.company.id}'
        self.authenticate('promise_reader', 'promise_reader')
        self.assertEqual(self.url_open(url).status_code, 200)
        self.authenticate('desk_sales', 'desk_sales')
        with mute_logger('odoo.http'):  # says who was refused
            self.assertEqual(self.url_open(url).status_code, 403)

    def test_queries_do_not_grow_with_the_history(self):
        def queries():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.sheet()
            self.timeline()
            return self.cr.sql_log_count - before

        def build(count):
            for _number in range(count):
                invoice = self.ar_invoice(100, '2026-04-01')
                self.ar_pay(invoice, '2026-05-05', 10)
                self.ar_promise(invoice, '2026-06-30')
                self.env['ar.call'].with_user(self.clerk)._log(self.customer, self.company, 'reached')
        build(2)
        queries()
        few = queries()
        build(10)
        self.assertLessEqual(queries(), few + 2)
