"""No way around a hold leads to a posted invoice: RPC, import, copies, other companies and currencies, changed amounts.

The other ways (context, `_post`, jobs, sudo) are in test_credit_hold.py; orders and deliveries in their addons.
"""
from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .credit_common import CreditCommon


@tagged('post_install', '-at_install')
class TestCreditWaysAround(CreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rule('over_limit')

    def test_importing_posted_invoices(self):
        names = ['move_type', 'partner_id/.id', 'invoice_date', 'state', 'invoice_line_ids/name',
                 'invoice_line_ids/price_unit', 'invoice_line_ids/tax_ids/.id', 'invoice_line_ids/account_id/.id']
        row = ['out_invoice', str(self.customer.id), '2026-03-31', 'posted', "Goods", '1001', '', str(self.revenue.id)]
        count = self.env['account.move'].search_count([])
        for context in ({}, {'import_file': True, 'install_mode': True}, {'default_state': 'posted'}):
            result = self.env['account.move'].with_user(self.biller).with_context(**context).load(names, [row])
            posted = self.env['account.move'].browse(result['ids'] or []).filtered(lambda move: move.state == 'posted')
            self.assertFalse(posted, context)
        draft = self.ar_invoice(1_001, '2026-03-31', post=False)
        result = self.env['account.move'].with_user(self.biller).load(['.id', 'state'], [[str(draft.id), 'posted']])
        self.assertIn("over the limit", result['messages'][0]['message'])
        self.assertEqual(draft.state, 'draft')
        self.assertGreater(self.env['account.move'].search_count([]), count)

    def test_creating_posted_invoices(self):
        """Core refuses the value, and does not look at the default: it is ignored."""
        vals = {'move_type': 'out_invoice', 'partner_id': self.customer.id, 'invoice_date': '2026-03-31',
                'invoice_line_ids': [Command.create({
                    'name': "Goods", 'price_unit': 1_001, 'tax_ids': [], 'account_id': self.revenue.id})]}
        moves = self.env['account.move'].with_user(self.biller)
        with self.assertRaisesRegex(UserError, "already in the posted state"), self.env.cr.savepoint():
            moves.create({**vals, 'state': 'posted'})
        move = moves.with_context(default_state='posted').create(vals)
        self.assertEqual((move.state, move.ar_credit_state), ('draft', 'held'))

    def test_a_copy_of_a_posted_invoice_is_a_draft_and_held(self):
        posted = self.ar_invoice(600, '2026-03-01')
        copy = posted.copy({'invoice_date': '2026-03-31'})
        self.assertEqual((copy.state, copy.ar_credit_state), ('draft', 'held'))
        with self.assertRaisesRegex(UserError, "over the limit"):
            copy.action_post()
        self.assertFalse(posted.copy({'move_type': 'out_refund'})._ar_get_held()[0])

    def test_a_copy_of_a_released_invoice_has_no_release(self):
        draft = self.ar_invoice(1_500, '2026-03-31', post=False)
        draft.with_user(self.biller).action_ar_request_release()
        draft.ar_release_id.with_user(self.manager).action_approve("Once")
        draft.action_post()
        with self.assertRaisesRegex(UserError, "over the limit"):
            draft.copy({'invoice_date': '2026-03-31'}).action_post()

    def test_reset_to_draft_and_changed(self):
        """Posted within the limit, back to draft, made bigger: held when it is posted again."""
        invoice = self.ar_invoice(900, '2026-03-31')
        invoice.button_draft()
        invoice.invoice_line_ids.price_unit = 1_001
        with self.assertRaisesRegex(UserError, r"\$.1,001\.00"):
            invoice.action_post()

    def test_the_customer_is_changed_after_the_release(self):
        draft = self.ar_invoice(1_500, '2026-03-31', post=False)
        draft.with_user(self.biller).action_ar_request_release()
        draft.ar_release_id.with_user(self.manager).action_approve("For Harbour Fish")
        self.other_customer.credit_limit = 100
        draft.partner_id = self.other_customer
        with self.assertRaisesRegex(UserError, "over the limit of"):
            draft.action_post()

    def test_a_receipt_is_held_too(self):
        receipt = self.ar_invoice(1_001, '2026-03-31', post=False, move_type='out_receipt')
        with self.assertRaisesRegex(UserError, "over the limit"):
            receipt.action_post()

    def test_a_eur_invoice_in_a_usd_company_is_converted_once(self):
        """625 EUR are 1,000 USD: the exposure is what the books say, not converted again."""
        self.ar_invoice(312.5, '2026-03-01', currency_id=self.eur.id)
        self.assertEqual(self.customer.ar_exposure, 500)
        draft = self.ar_invoice(312.51, '2026-03-31', post=False, currency_id=self.eur.id)
        with self.assertRaisesRegex(UserError, r"\$.1,000\.02 with this document of \$.500\.02"):
            draft.action_post()
        draft.invoice_line_ids.price_unit = 312.5
        draft.action_post()
        self.customer.invalidate_recordset()
        self.assertEqual((draft.state, self.customer.ar_exposure), ('posted', 1_000))

    def test_another_company_s_document_is_judged_there_whoever_posts(self):
        """The limit is of the document's company; neither the user's company nor his companies matter."""
        other = self.setup_other_company()
        company = other['company']
        company.ar_credit_check_posting = True
        self.rule('over_limit', company_id=company.id)
        self.customer.with_company(company).credit_limit = 100
        self.env.user.company_ids = [Command.link(company.id)]
        draft = self.env['account.move'].with_company(company).create({
            'move_type': 'out_invoice', 'partner_id': self.customer.id, 'invoice_date': '2026-03-31',
            'journal_id': other['default_journal_sale'].id, 'invoice_line_ids': [Command.create({
                'name': "x", 'price_unit': 101, 'tax_ids': [], 'account_id': other['default_account_revenue'].id})]})
        for env_company in (self.company, company):
            with self.assertRaisesRegex(UserError, r"limit of \$.100\.00"), self.env.cr.savepoint():
                draft.with_company(env_company).with_context(allowed_company_ids=env_company.ids).sudo()._post()
        self.assertEqual(self.ar_invoice(900, '2026-03-31').state, 'posted')  # nothing of it counts here
        draft.invoice_line_ids.price_unit = 100
        draft.with_company(self.company).action_post()
        self.assertEqual(draft.state, 'posted')

    def test_totals_written_by_hand(self):
        """Computed amounts can be written over RPC: what is posted is what the lines come to."""
        draft = self.ar_invoice(1_001, '2026-03-31', post=False).with_user(self.biller)
        for vals in ({'amount_total_signed': 1}, {'amount_total': 1, 'amount_total_signed': 1, 'amount_residual': 1}):
            with self.assertRaisesRegex(UserError, "over the limit"), self.env.cr.savepoint():
                draft.write(vals)
                draft.action_post()
            with self.assertRaisesRegex(UserError, "over the limit"), self.env.cr.savepoint():
                draft.write({**vals, 'state': 'posted'})

    def test_a_customer_on_hold_becomes_a_contact(self):
        """Its hold is the hold of the customer it belongs to now, on screens too; and of itself when it leaves."""
        hold = self.hold()
        self.customer.write({'is_company': False, 'parent_id': self.other_customer.id})
        draft = self.ar_invoice(10, '2026-03-31', partner=self.other_customer, post=False)
        with self.assertRaisesRegex(UserError, "Rumours"), self.env.cr.savepoint():
            draft.action_post()
        self.assertTrue(self.other_customer.ar_on_hold)
        self.assertIn(self.other_customer, self.env['res.partner'].search([('ar_on_hold', '=', True)]))
        self.env['ar.credit.hold']._evaluate(self.company, self.other_customer)
        self.assertTrue(hold.is_open)
        self.customer.write({'is_company': True, 'parent_id': False})
        draft.action_post()
        self.env.invalidate_all()
        self.assertEqual((self.customer.ar_on_hold, self.other_customer.ar_on_hold), (True, False))

    def test_a_rule_s_hold_of_a_customer_that_became_a_contact(self):
        """The rule is asked about the customer it belongs to now; nobody is held twice for one reason."""
        self.ar_invoice(900, '2026-03-01')
        self.customer.credit_limit = 800
        placed, _lifted = self.env['ar.credit.hold']._evaluate(self.company, self.customer)
        self.other_customer.credit_limit = 100
        self.customer.write({'is_company': False, 'parent_id': self.other_customer.id})
        new, lifted = self.env['ar.credit.hold']._evaluate(self.company, self.other_customer)
        self.assertEqual((lifted, new.partner_id), (placed, self.other_customer))

    def test_merging_two_customers_on_hold(self):
        """Both are held by the same rule and by hand: one hold of each stays, the others are history."""
        self.ar_invoice(1_100, '2026-03-01', partner=self.other_customer)
        (self.customer + self.other_customer).write({'credit_limit': 10})
        self.ar_invoice(5, '2026-03-01')
        self.customer.credit_limit = 1
        holds = self.env['ar.credit.hold']._evaluate(self.company, self.customer + self.other_customer)[0]
        holds += self.hold() + self.hold(self.other_customer)
        self.assertEqual(len(holds), 4)
        habits = self.env['ar.payer.habit'].sudo().create([{
            'partner_id': partner.id, 'company_id': self.company.id, 'kind': 'several', 'count': 2}
            for partner in self.customer + self.other_customer])
        self.env['ar.credit.application'].create([{
            'partner_id': partner.id, 'company_id': self.company.id, 'amount': 5}
            for partner in self.customer + self.other_customer]).sudo().state = 'submitted'
        self.env['base.partner.merge.automatic.wizard']._merge(
            (self.customer + self.other_customer).ids, self.other_customer)
        self.env.invalidate_all()
        self.assertEqual(holds.partner_id, self.other_customer)
        still = holds.filtered('is_open')
        self.assertEqual(len(still), 2)
        self.assertEqual((holds - still).mapped('lift_reason'), [f"Merged with {self.other_customer.display_name}"] * 2)
        self.assertEqual((self.other_customer.ar_credit_mode, self.other_customer.credit_limit), ('limited', 1))
        self.assertEqual(habits.exists().count, 4)
        self.assertEqual(sorted(self.env['ar.credit.application'].search([
            ('partner_id', '=', self.other_customer.id)]).mapped('state')), ['draft', 'submitted'])
        with self.assertRaisesRegex(UserError, "Rumours"):
            self.ar_invoice(10, '2026-03-31', partner=self.other_customer)

    def test_merging_into_a_customer_with_more_credit(self):
        """The strictest stays in each company: nobody gets credit by being merged."""
        self.other_customer.ar_credit_mode = 'none'
        self.customer.credit_limit = 5_000
        fresh = self.env['res.partner'].create({'name': "Fresh", 'is_company': True, 'credit_limit': 100})
        fresh.credit_limit = 0
        merge = self.env['base.partner.merge.automatic.wizard']._merge
        merge((self.customer + fresh).ids, fresh)
        self.assertEqual((fresh.ar_credit_mode, fresh.credit_limit), ('limited', 5_000))
        merge((self.other_customer + fresh).ids, fresh)
        self.assertEqual((fresh.ar_credit_mode, fresh.credit_limit), ('none', 0))

    def test_merging_customers_with_statements(self):
        """What both were sent stays."""
        runs = self.env['ar.statement.run'].sudo()
        for partner in self.customer + self.other_customer:
            self.ar_invoice(10, '2026-03-01', partner=partner)
        run = runs.create({'kind': 'open', 'company_id': self.company.id})
        run.action_preview()
        lines = run.line_ids.filtered(lambda line: line.partner_id in self.customer + self.other_customer)
        self.assertEqual(len(lines), 2)
        lines.state = 'sent'
        self.env['base.partner.merge.automatic.wizard']._merge(
            (self.customer + self.other_customer).ids, self.customer)
        self.env.invalidate_all()
        self.assertEqual((lines.partner_id, lines.mapped('state')), (self.customer, ['sent', 'sent']))

    def test_leaving_the_group_is_no_way_out_of_its_limit(self):
        """Out of the group the customer's own limit holds, and it takes a manager to take him out."""
        group = self.env['ar.credit.group'].create({
            'name': "Fish", 'limit_amount': 100, 'partner_ids': [Command.set(self.customer.ids)],
            'company_ids': [Command.set(self.company.ids)], 'currency_id': self.company.currency_id.id})
        draft = self.ar_invoice(1_001, '2026-03-31', post=False)
        for user in (self.clerk, self.biller):
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                self.customer.with_user(user).write({'ar_credit_group_id': False})
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                group.with_user(user).write({'partner_ids': [Command.clear()]})
        self.customer.ar_credit_group_id = False
        with self.assertRaisesRegex(UserError, "over the limit of"):
            draft.action_post()

    def test_an_archived_customer(self):
        hold = self.hold()
        draft = self.ar_invoice(10, '2026-03-31', post=False)
        self.customer.action_archive()
        self.env['ar.credit.hold']._evaluate(self.company, self.customer)
        with self.assertRaisesRegex(UserError, "Rumours"):
            draft.action_post()
        self.assertTrue(hold.is_open)

    def test_a_credit_note_turned_into_an_invoice(self):
        refund = self.ar_invoice(1_001, '2026-03-31', post=False, move_type='out_refund')
        refund.action_switch_move_type()
        self.assertEqual(refund.move_type, 'out_invoice')
        with self.assertRaisesRegex(UserError, "over the limit"):
            refund.action_post()


@tagged('post_install', '-at_install')
class TestCreditRpc(CreditCommon, HttpCase):

    def call(self, user, model, method, **body):
        key = self.env['res.users.apikeys'].with_user(user).sudo()._generate(
            'rpc', "test", fields.Datetime.to_datetime('2099-12-31'))  # PostgreSQL's clock is not frozen
        with mute_logger('odoo.http', 'odoo.models'):
            return self.url_open(f'/json/2/{model}/{method}', json=body, headers={'Authorization': f'bearer {key}'})

    def test_a_held_invoice_is_not_posted_over_rpc(self):
        """Failures 4 and 5: the caller gets an error that says why, whatever he calls and with whatever context."""
        self.rule('over_limit')
        draft = self.ar_invoice(1_001, '2026-03-31', post=False)
        contexts = ({}, {'bypass_credit': True, 'install_mode': True, 'ar_skip_credit': True, 'import_file': True})
        for context in contexts:
            for method, body in (('action_post', {}), ('write', {'vals': {'state': 'posted'}})):
                response = self.call(
                    self.biller, 'account.move', method, ids=draft.ids, context=context, **body)
                self.assertEqual(response.status_code, 422, response.text)
                self.assertIn("is on credit hold", response.text)
        response = self.call(self.biller, 'account.move', '_post', ids=draft.ids)
        self.assertIn(response.status_code, (403, 404, 422), response.text)
        draft.invalidate_recordset()
        self.assertEqual(draft.state, 'draft')

    def test_nobody_approves_lifts_or_forges_over_rpc(self):
        self.rule('over_limit')
        draft = self.ar_invoice(1_001, '2026-03-31', post=False)
        response = self.call(self.biller, 'account.move', 'action_ar_request_release', ids=draft.ids)
        self.assertEqual(response.status_code, 200, response.text)
        draft.invalidate_recordset()
        release, hold = draft.ar_release_id, self.hold()
        for user in (self.biller, self.clerk):
            for model, method, body in (
                ('ar.credit.release', 'action_approve', {'ids': release.ids}),
                ('ar.credit.release', 'write', {'ids': release.ids, 'vals': {'state': 'approved'}}),
                ('ar.credit.release', 'create', {'vals_list': [{
                    'partner_id': self.customer.id, 'state': 'approved', 'max_amount': 9_999,
                    'approved_by_id': self.manager.id}]}),
                ('ar.credit.release.use', 'create', {'vals_list': [{'release_id': release.id}]}),
                ('ar.credit.hold', 'action_lift', {'ids': hold.ids}),
                ('ar.credit.hold', 'write', {'ids': hold.ids, 'vals': {'date_end': '2026-03-31 12:00:00'}}),
                ('ar.credit.hold', 'unlink', {'ids': hold.ids}),
                ('ar.credit.rule', 'write', {'ids': self.env['ar.credit.rule'].search([]).ids,
                                             'vals': {'active': False}}),
                ('ar.credit.approver', 'create', {'vals_list': [{'user_id': user.id}]}),
            ):
                response = self.call(user, model, method, **body)
                self.assertIn(response.status_code, (403, 422), (user.login, model, method, response.text))
        self.env.invalidate_all()
        self.assertEqual((release.state, hold.date_end), ('requested', False))
        self.assertEqual(self.call(
            self.manager, 'ar.credit.release', 'action_approve', ids=release.ids).status_code, 200)
        self.env.invalidate_all()
        self.assertEqual((release.state, release.approved_by_id), ('approved', self.manager))
