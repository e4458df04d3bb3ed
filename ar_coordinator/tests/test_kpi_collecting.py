"""The collecting side of ar.kpi.report on hand-built ledgers: shares, promises, letters, money, targets, drill-down."""
from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, new_test_user, tagged

from .common import ArCommon
from .dunning_common import DunningCommon
from .promise_common import PromiseCommon


class KpiCase(ArCommon):

    def kpis(self, as_of, **options):
        return self.env['ar.kpi.report'].get_data({'as_of': as_of, 'company_ids': self.company.ids, **options})

    def weeks(self, as_of, **options):
        data = self.env['ar.kpi.report'].get_weeks({'as_of': as_of, 'company_ids': self.company.ids, **options})
        return data, {week['week']: week for week in data['weeks']}

    def drilled(self, key, as_of, **options):
        """The records behind a figure."""
        action = self.env['ar.kpi.report'].get_drill(
            key, {'as_of': as_of, 'company_ids': self.company.ids, **options})
        return self.env[action['res_model']].search(action['domain'])

    @classmethod
    def target(cls, kpi, value, date_from, user=None, company=None):
        return cls.env['ar.kpi.target'].create({
            'kpi': kpi, 'value': value, 'date_from': date_from, 'user_id': user and user.id,
            'company_id': (company or cls.company).id})


@tagged('post_install', '-at_install')
class TestKpiShares(KpiCase):

    def test_overdue_and_over_90_shares(self):
        """90 days overdue is not more than 90; 91 is. Unapplied credits change no share."""
        self.ar_invoice(500, '2025-12-01', '2025-12-30')  # 91 days
        self.ar_invoice(300, '2025-12-01', '2025-12-31')  # 90 days
        self.ar_invoice(200, '2026-03-01', '2026-03-31')  # not due
        self.ar_cash(100, '2026-03-15')
        data = self.kpis('2026-03-31')
        self.assertEqual(
            (data['receivable'], data['not_due'], data['overdue'], data['over_90']), (900, 200, 800, 500))
        self.assertAlmostEqual(data['overdue_share'], 80.0, 6)
        self.assertAlmostEqual(data['over_90_share'], 50.0, 6)
        self.assertEqual(data['disputed_share'], 0.0)
        self.assertIsNone(self.kpis('2025-11-30')['overdue_share'], "nothing owed: no share")

    def test_series_of_old_items(self):
        """Every point of the series is what a report of that day says, whatever happened later."""
        invoice = self.ar_invoice(1_000, '2025-09-01', '2025-09-30')
        self.ar_pay(invoice, '2026-02-10', amount=400)
        self.ar_pay(invoice, '2026-03-10')
        series = {point['month']: point for point in self.kpis('2026-03-31', months=8)['series']}
        self.assertEqual({month: point['over_90'] for month, point in series.items()}, {
            '2025-08-31': 0, '2025-09-30': 0, '2025-10-31': 0, '2025-11-30': 0, '2025-12-31': 1_000,
            '2026-01-31': 1_000, '2026-02-28': 600, '2026-03-31': 0})
        for month, point in series.items():
            alone = self.kpis(month, months=1)
            self.assertEqual({key: alone[key] for key in point if key != 'month'},
                             {key: value for key, value in point.items() if key != 'month'}, month)

    def test_disputed_share(self):
        invoice = self.ar_invoice(800, '2026-03-01', '2026-04-01')
        self.ar_invoice(200, '2026-03-01', '2026-04-01')
        self.env['ar.dispute'].create({
            'move_id': invoice.id, 'amount': 250, 'date_open': '2026-03-10',
            'reason_id': self.env.ref('ar_coordinator.dispute_reason_price').id})
        self.assertAlmostEqual(self.kpis('2026-03-31')['disputed_share'], 25.0, 6)
        self.assertEqual(self.drilled('disputed', '2026-03-31').move_id, invoice)
        self.assertFalse(self.drilled('disputed', '2026-03-09'))


@tagged('post_install', '-at_install')
class TestKpiCollected(KpiCase):

    def test_collected_is_money(self):
        """Matched or not, less what was paid back; credit notes, write-offs and misc. entries are none.

        Tuesday 2026-03-31: the week began on the 30th, the month on the 1st.
        """
        invoice = self.ar_invoice(1_000, '2026-02-01', '2026-02-28')
        self.ar_pay(invoice, '2026-03-30', amount=600)
        self.ar_cash(150, '2026-03-31', partner=self.other_customer)
        self.ar_cash(70, '2026-03-29')
        self.ar_cash(5, '2026-02-28')
        self.ar_cash(20, '2026-03-31', payment_type='outbound')  # paid back
        note = self.ar_invoice(100, '2026-03-30', move_type='out_refund')
        self.ar_match(invoice, note)
        self.ar_misc(-40, '2026-03-30')  # a write-off by hand
        data = self.kpis('2026-03-31')
        self.assertEqual((data['collected_week'], data['collected']), (730, 800))
        self.assertEqual([point['collected'] for point in data['series']][-3:], [0, 5, 800])
        self.assertEqual(-sum(self.drilled('collected_week', '2026-03-31').mapped('balance')), 730)
        self.assertEqual(-sum(self.drilled('collected', '2026-03-31').mapped('balance')), 800)
        self.assertEqual(-sum(self.drilled('collected', '2026-02-28').mapped('balance')), 5)

    def collected(self, day):
        """What came in on a day: the daily figures, and those of the collections report by customer."""
        ledger = self.env['ar.ledger']
        options = {'date_from': day, 'date_to': day, 'company_ids': self.company.ids}
        daily = ledger.collected(options)
        opts = {**ledger._read_options(options), 'as_of': fields.Date.to_date(day)}
        moved = ledger._moved(opts, opts['date_from'], 'partner')
        total = sum(amount for _day, amount in daily)
        self.assertEqual(sum(row[3] for row in moved), total)
        return total

    def bank_pays(self, invoice, amount, day):
        """A bank transaction that names the invoice, applied as proposed."""
        line = self.env['account.bank.statement.line'].create({
            'journal_id': self.bank.id, 'date': day, 'payment_ref': invoice.name, 'amount': amount})
        proposal = self.env['ar.cash']._propose(self.company).filtered(lambda one: one.statement_line_id == line)
        proposal.action_apply()
        self.assertEqual(invoice.amount_residual, 0)
        return proposal

    def test_what_a_payment_writes_off_is_not_collected(self):
        """900 of 1,000 paid and the rest written off with the payment: 900 came in."""
        expense = self.company_data['default_account_expense']
        for account in (expense, self.company_data['default_account_revenue']):
            self.company.ar_write_off_account_ids = account
            invoice = self.ar_invoice(1_000, '2026-02-01', '2026-02-28')
            day = '2026-03-03' if account == expense else '2026-03-04'
            self.ar_pay(invoice, day, amount=900, payment_difference_handling='reconcile',
                        writeoff_account_id=account.id)
            self.assertEqual(invoice.amount_residual, 0)
            self.assertEqual(self.collected(day), 900)
        self.assertEqual(self.kpis('2026-03-31')['collected'], 1_800)
        lines = self.drilled('collected', '2026-03-31')
        self.assertEqual((lines.mapped('balance'), lines.mapped('ar_collected_amount')), ([-1_000] * 2, [900] * 2))
        self.assertEqual((invoice.line_ids.mapped('ar_collected_amount')), [0, 0], "an invoice is no money")

    def test_bank_fee_is_not_collected(self):
        """The bank kept 7.50 of 1,000: 992.50 came in, whatever kind of account the fee has."""
        fee = self.env['account.account'].create({
            'code': '449001', 'name': "Bank fees", 'account_type': 'income_other'})
        for account, day in ((self.company_data['default_account_expense'], '2026-03-03'), (fee, '2026-03-04')):
            self.company.write({'ar_cash_fee': 10, 'ar_cash_fee_account_id': account.id})
            invoice = self.ar_invoice(1_000, '2026-02-01', '2026-02-28')
            self.assertEqual(self.bank_pays(invoice, 992.5, day).what, 'fee')
            self.assertEqual(self.collected(day), 992.5)

    def test_early_payment_discount_is_not_collected(self):
        term = self.env['account.payment.term'].create({
            'name': "2 % in 10 days", 'early_discount': True, 'discount_percentage': 2, 'discount_days': 10,
            'early_pay_discount_computation': 'excluded',
            'line_ids': [Command.create({'value': 'percent', 'value_amount': 100, 'nb_days': 30})]})
        invoice = self.ar_invoice(1_000, '2026-03-01', invoice_payment_term_id=term.id)
        self.assertEqual(self.bank_pays(invoice, 980, '2026-03-04').what, 'discount')
        self.assertEqual(self.collected('2026-03-04'), 980)

    def test_weeks(self):
        """Money of past weeks; what is expected of the rest of this one and the next, as the forecast has it."""
        self.ar_cash(300, '2026-03-18', partner=self.other_customer)
        self.ar_invoice(1_000, '2026-03-01', '2026-03-16')
        self.ar_invoice(500, '2026-03-01', '2026-04-02')
        self.ar_invoice(125, '2026-03-01', '2026-04-13', currency_id=self.eur.id)  # 200 at 0.625
        self.target('collected_week', 400, '2026-03-23')
        data, weeks = self.weeks('2026-03-31')
        self.assertEqual(len(data['weeks']), 22)
        self.assertEqual(weeks['2026-03-16'], {
            'week': '2026-03-16', 'collected': 300, 'expected': None, 'target': None})
        self.assertEqual(
            (weeks['2026-03-30']['collected'], weeks['2026-04-13']['collected'], weeks['2026-04-13']['target']),
            (0, None, 400))
        expected = [week['expected'] for week in data['weeks'] if week['expected'] is not None]
        self.assertEqual((len(expected), min(expected) > 0), (14, True))
        self.assertAlmostEqual(sum(expected) + data['doubtful'], 1_700, 2)
        data, weeks = self.weeks('2026-03-29')  # a Sunday: weeks of seven days each
        forecast = self.env['ar.cash.forecast'].get_data({
            'as_of': '2026-03-29', 'company_ids': self.company.ids, 'calendar': False})
        self.assertEqual(
            [week['expected'] for week in data['weeks'] if week['week'] >= '2026-03-30'],
            forecast['totals']['weeks'])
        action = self.env['ar.kpi.report'].get_drill('expected', {
            'as_of': '2026-03-29', 'partner_ids': self.customer.ids})
        self.assertEqual(
            (action['xml_id'], action['params']['model'], action['params']['options']),
            ('ar_coordinator.ar_cash_forecast_action', 'ar.cash.forecast',
             {'as_of': '2026-03-29', 'partner_ids': self.customer.ids}))

    def test_two_companies_three_currencies(self):
        """A second company keeps its books in EUR, and is paid in a third currency; the report is in the first's."""
        other = self.setup_other_company(name="Alder BV", currency_id=self.eur.id)
        gbp = self.setup_other_currency('GBP', rates=[('2026-01-01', 0.5)])
        self.env.user.company_ids |= other['company']
        env = self.env(context={**self.env.context, 'allowed_company_ids': [self.company.id, other['company'].id]})
        self.env['res.currency.rate'].create([
            {'currency_id': gbp.id, 'company_id': other['company'].id, 'name': '2026-01-01', 'rate': 0.8},
            {'currency_id': self.company.currency_id.id, 'company_id': other['company'].id, 'name': '2026-01-01',
             'rate': 1.6}])
        self.ar_invoice(160, '2026-03-02', '2026-03-10')
        self.ar_cash(16, '2026-03-31')
        cash = self.env['account.payment'].with_company(other['company']).create({
            'payment_type': 'inbound', 'partner_type': 'customer', 'partner_id': self.customer.id, 'amount': 80,
            'currency_id': gbp.id, 'date': '2026-03-31', 'company_id': other['company'].id,
            'journal_id': other['default_journal_bank'].id})
        cash.action_post()
        own = -sum(self.ar_lines(cash).mapped('balance'))
        self.assertEqual(own, 100, "80 GBP are 100 EUR in the second company's books")
        companies = [self.company.id, other['company'].id]
        data = env['ar.kpi.report'].get_data({'as_of': '2026-03-31', 'company_ids': companies})
        self.assertEqual(data['currency_id'], self.company.currency_id.id)
        self.assertEqual(data['collected_week'], 16 + 160, "100 EUR at 0.625 are 160")
        self.target('collected_week', 200, '2026-01-01')
        options = {'as_of': '2026-03-31', 'company_ids': companies}
        self.assertNotIn('collected_week', env['ar.kpi.report'].get_data(options)['targets'],
                         "the second company has no target yet")
        self.target('collected_week', 50, '2026-01-01', company=other['company'])
        self.target('cei', 80, '2026-01-01')
        self.target('cei', 80, '2026-01-01', company=other['company'])
        self.target('dso', 40, '2026-01-01')
        self.target('dso', 45, '2026-01-01', company=other['company'])
        targets = env['ar.kpi.report'].get_data(options)['targets']
        self.assertEqual(targets['collected_week'], 200 + 80)
        self.assertEqual(targets['cei'], 80)
        self.assertNotIn('dso', {key for key, value in targets.items() if value is not None}, "they do not agree")


@tagged('post_install', '-at_install')
class TestKpiTargets(KpiCase):

    def test_target_line(self):
        """Each point has the target of its day."""
        self.target('dso', 45, '2026-01-01')
        self.target('dso', 40, '2026-03-01')
        series = self.kpis('2026-03-31', months=4)['series']
        self.assertEqual([point['targets']['dso'] for point in series], [None, 45, 45, 40])
        self.assertNotIn('cei', series[-1]['targets'])

    def test_collectors(self):
        """The company's own target counts; without one, that of its collectors together."""
        first = self.ar_user('target_one', 'ar_coordinator.group_ar_user')
        second = self.ar_user('target_two', 'ar_coordinator.group_ar_user')
        self.target('collected_week', 300, '2026-01-01', first)
        self.target('collected_week', 200, '2026-01-01', second)
        self.assertEqual(self.kpis('2026-03-31')['targets'], {'collected_week': 500})
        self.target('collected_week', 450, '2026-01-01')
        self.assertEqual(self.kpis('2026-03-31')['targets'], {'collected_week': 450})
        self.assertEqual(self.kpis('2026-03-31', partner_ids=self.customer.ids)['targets'], {},
                         "targets are about whole companies")

    def test_filters(self):
        """By collector and risk class: the figures, the weeks, the collector's own target and the documents behind."""
        collector = self.ar_user('target_one', 'ar_coordinator.group_ar_user')
        risky = self.env['ar.credit.class'].create({'name': "C", 'mode': 'none'})
        self.customer.write({'ar_collector_id': collector.id, 'ar_credit_class_id': risky.id})
        for partner, amount in ((self.customer, 100), (self.other_customer, 40)):
            self.ar_invoice(amount, '2026-03-30', '2026-03-30', partner=partner)
            self.ar_cash(amount / 2, '2026-03-31', partner=partner)
        self.target('collected_week', 300, '2026-01-01')
        self.target('collected_week', 80, '2026-01-01', collector)
        for filters, sold, targets in (
                ({'collector_ids': collector.ids}, 100, {'collected_week': 80}),
                ({'collector_ids': [0]}, 40, {}),
                ({'risk_class_ids': risky.ids}, 100, {}),
                ({'risk_class_ids': [0]}, 40, {}),
                ({}, 140, {'collected_week': 300})):
            with self.subTest(filters=filters):
                data = self.kpis('2026-03-31', **filters)
                self.assertEqual((data['sales'], data['overdue'], data['collected']), (sold, sold, sold / 2))
                self.assertEqual(data['targets'], targets)
                self.assertEqual(self.weeks('2026-03-31', **filters)[1]['2026-03-30']['collected'], sold / 2)
                self.assertEqual(-sum(self.drilled('collected', '2026-03-31', **filters).mapped('balance')), sold / 2)
                self.assertEqual(
                    sum(self.drilled('sales', '2026-03-31', **filters).mapped('amount_total')), sold)

    def test_checks(self):
        user = self.ar_user('target_one', 'ar_coordinator.group_ar_user')
        with self.assertRaisesRegex(ValidationError, "per collector"):
            self.target('dso', 45, '2026-01-01', user)
        with self.assertRaisesRegex(ValidationError, "negative"):
            self.target('dso', -1, '2026-01-01')
        self.target('average_payment_delay', -2, '2026-01-01')
        form = Form(self.env['ar.kpi.target'])
        form.value = 10
        self.assertEqual(form.save().unit, self.company.currency_id.name)

    def test_roles(self):
        """Managers set targets, the desk reads them, a user of another company sees none of it."""
        target = self.target('dso', 45, '2026-01-01')
        clerk = self.ar_user('target_one', 'ar_coordinator.group_ar_user')
        reader = self.ar_user('target_two', 'ar_coordinator.group_ar_readonly')
        self.assertEqual(target.with_user(reader).value, 45)
        for user in (clerk, reader):
            with self.assertRaises(AccessError):
                target.with_user(user).value = 50
        other = self.setup_other_company(name="Elsewhere")['company']
        stranger = new_test_user(self.env, login='target_three', groups='ar_coordinator.group_ar_manager',
                                 company_id=other.id, company_ids=[Command.set(other.ids)])
        with self.assertRaises(AccessError):
            target.with_user(stranger).read(['value'])
        report = self.env['ar.kpi.report'].with_user(stranger)
        for call in (report.get_data, report.get_weeks, lambda options: report.get_drill('dso', options)):
            with self.assertRaises(AccessError):
                call({'company_ids': self.company.ids})

    def test_nobody_without_the_role(self):
        salesman = self.ar_user('target_one', 'base.group_user')
        report = self.env['ar.kpi.report'].with_user(salesman)
        for call in (report.get_data, report.get_weeks, lambda options: report.get_drill('collected', options)):
            with self.assertRaises(AccessError):
                call({})

    def test_drill_refuses_what_it_does_not_know(self):
        with self.assertRaises(UserError):
            self.env['ar.kpi.report'].get_drill('aged', {})

    def test_every_figure_leads_somewhere(self):
        """Each card opens an action whose domain the server understands, filtered as the dashboard is."""
        invoice = self.ar_invoice(100, '2026-03-01', '2026-03-10')
        self.ar_pay(invoice, '2026-03-20', amount=30)
        for definition in self.env['ar.kpi.report']._get_definitions():
            action = self.env['ar.kpi.report'].get_drill(
                definition['key'], {'as_of': '2026-03-31', 'partner_ids': self.customer.ids})
            if action['type'] == 'ir.actions.client':
                self.assertEqual(action['params']['options'], {
                    'as_of': '2026-03-31', 'partner_ids': self.customer.ids})
            else:
                self.env[action['res_model']].search(action['domain'])
        self.assertEqual(self.drilled('sales', '2026-03-31'), invoice)
        self.assertFalse(self.drilled('sales', '2026-03-31', partner_ids=self.other_customer.ids))
        self.assertEqual(self.drilled('average_payment_delay', '2026-03-31'), self.ar_lines(invoice))


@tagged('post_install', '-at_install')
class TestKpiPromises(PromiseCommon, KpiCase):

    def test_kept_rate(self):
        """One kept, one kept by a quarter, one broken: 125 / 3; what is open or withdrawn says nothing."""
        moves = [self.ar_invoice(1_000, '2026-05-01', '2026-05-15') for _number in range(5)]
        for move, day in zip(moves, ('2026-06-12', '2026-06-15', '2026-06-16', '2026-08-01', '2026-06-18'),
                             strict=True):
            self.ar_promise(move, day)
        self.ar_pay(moves[0], '2026-06-11')
        self.ar_pay(moves[1], '2026-06-15', amount=250)
        promise = self.env['ar.promise'].search([('line_ids.move_id', '=', moves[4].id)])
        promise.with_user(self.clerk).action_withdraw()
        self.ar_commit()
        self.ar_night('2026-06-20')
        data = self.kpis('2026-06-30', months=2)
        self.assertEqual(data['promises_judged'], 3)
        self.assertAlmostEqual(data['promise_kept_rate'], 125 / 3, 6)
        self.assertEqual((data['series'][0]['promises_judged'], data['series'][0]['promise_kept_rate']), (0, None))
        self.assertIsNone(self.kpis('2026-06-30', partner_ids=self.other_customer.ids)['promise_kept_rate'])
        self.assertEqual(len(self.drilled('promise_kept_rate', '2026-06-30')), 3)


@tagged('post_install', '-at_install')
class TestKpiLetters(DunningCommon, KpiCase):

    def test_dunning_success(self):
        """Of 1,000 + 600 asked on 31 March, 700 came by 14 April; what came on the 15th is not the letter's success."""
        first = self.ar_invoice(1_000, '2026-02-01', '2026-03-20')
        second = self.ar_invoice(600, '2026-02-01', '2026-03-20', partner=self.other_customer)
        run = self.ar_send()
        self.ar_deliver(run.letter_ids)
        self.assertEqual(set(run.letter_ids.mapped('state')), {'sent'})
        self.ar_pay(first, '2026-04-14', amount=700)
        self.ar_pay(second, '2026-04-15')
        note = self.ar_invoice(300, '2026-04-02', move_type='out_refund')
        self.ar_match(first, note)
        self.assertIsNone(self.kpis('2026-04-13')['dunning_success'], "its 14 days are not over")
        data = self.kpis('2026-04-14')
        self.assertAlmostEqual(data['dunning_success'], 700 / 1_600 * 100, 6)
        self.assertEqual(data['dunning_levels'], [{
            'level_id': self.level_1.id, 'name': self.level_1.name, 'asked': 1_600, 'paid': 700,
            'share': 700 / 1_600 * 100}])
        self.assertEqual(
            sum(self.drilled('dunning_success', '2026-04-30').mapped('amount_asked')), 1_600)
        self.assertEqual(
            self.kpis('2026-04-30', partner_ids=self.other_customer.ids)['dunning_success'], 0.0)

    def test_what_was_written_off_with_a_payment_is_no_success(self):
        """1,000 asked for, 600 paid, the rest written off with the payment: 60 %."""
        invoice = self.ar_invoice(1_000, '2026-02-01', '2026-03-20')
        run = self.ar_send()
        self.ar_deliver(run.letter_ids)
        self.ar_pay(invoice, '2026-04-02', amount=600, payment_difference_handling='reconcile',
                    writeoff_account_id=self.company_data['default_account_expense'].id)
        self.assertEqual(invoice.amount_residual, 0)
        [level] = self.kpis('2026-04-30')['dunning_levels']
        self.assertEqual((level['asked'], level['paid'], level['share']), (1_000, 600, 60))

    def test_letters_that_did_not_arrive_do_not_count(self):
        self.ar_invoice(1_000, '2026-02-01', '2026-03-20')
        run = self.ar_send()
        run.letter_ids.sudo().write({'state': 'failed'})
        self.assertIsNone(self.kpis('2026-04-30')['dunning_success'])

    def test_letters_in_another_currency(self):
        """Asked in EUR, counted in the books' currency: 400 EUR are 640 at 0.625, half of it came."""
        invoice = self.ar_invoice(400, '2026-03-01', '2026-03-20', currency_id=self.eur.id)
        run = self.ar_send()
        self.ar_deliver(run.letter_ids)
        self.ar_pay(invoice, '2026-04-01', amount=200, currency_id=self.eur.id)
        [level] = self.kpis('2026-04-30')['dunning_levels']
        self.assertEqual((level['asked'], level['paid'], level['share']), (640, 320, 50))
