"""ar.cash.forecast on hand-built ledgers: exact amounts, nothing lost, only what was known then."""
from datetime import date

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..engine import forecast as engine
from .promise_common import PromiseCommon


def general(*days):
    """The general curve by hand: half is unpaid after the due date, half of that 15 days later, ..."""
    return [1.0 if day < 0 else 7.5 / (15 + day) for day in days]


class ForecastCommon(PromiseCommon):

    def forecast(self, as_of='2026-06-10', **options):
        return self.env['ar.cash.forecast'].get_data({
            'as_of': as_of, 'company_ids': self.company.ids, 'calendar': False, **options})

    def check_ties(self, data):
        """Every row, the totals and every scenario add up; the total is the ledger's; best >= likely >= worst."""
        for row in (*data['rows'], data['totals'], *data['scenarios'].values()):
            self.assertAlmostEqual(
                sum(row['weeks']) + row['later'] + row['doubtful'] + row['disputed'] + row['credits'], row['total'], 6)
        for name in ('later', 'doubtful', 'disputed', 'credits', 'total'):
            self.assertAlmostEqual(sum(row[name] for row in data['rows']), data['totals'][name], 6)
        for week, amount in enumerate(data['totals']['weeks']):
            self.assertAlmostEqual(sum(row['weeks'][week] for row in data['rows']), amount, 6)
        self.assertEqual(data['difference_to_ledger'], 0)
        self.assertEqual(data['totals'], {
            name: value for name, value in data['scenarios'][data['scenario']].items() if name != 'cumulative'})
        best, likely, worst = (data['scenarios'][name]['cumulative'] for name in ('best', 'likely', 'worst'))
        for week in range(13):
            self.assertGreaterEqual(best[week], likely[week])
            self.assertGreaterEqual(likely[week], worst[week])

    def left(self, data, count=13):
        """What of the total has not come by the end of each week."""
        left, total = [], data['totals']['total']
        for amount in data['totals']['weeks'][:count]:
            total = round(total - amount, 2)
            left.append(total)
        return left


@tagged('post_install', '-at_install')
class TestCashForecast(ForecastCommon):

    def test_empty(self):
        data = self.forecast()
        self.assertEqual((data['rows'], data['row_count'], data['totals']['total']), ([], 0, 0))
        self.assertEqual([data['weeks'][0]['date_from'], data['weeks'][12]['date_to']], ['2026-06-11', '2026-09-09'])
        self.check_ties(data)

    def test_without_history_the_general_curve(self):
        """1,000 due in three days: half on the due date, half of the rest 15 days later, and so on."""
        self.ar_invoice(1000, '2026-06-10', '2026-06-13')
        data = self.forecast()
        self.assertEqual(self.left(data, 3), [round(1000 * share, 2) for share in general(4, 11, 18)])
        self.assertEqual(data['totals']['weeks'][0], 605.26)
        self.assertEqual((data['totals']['later'], data['totals']['doubtful']), (0, round(7500 / (15 + 88), 2)))
        self.check_ties(data)

    def test_long_overdue_is_given_that_it_is_unpaid(self):
        """A year late: what comes in a week is little, most of it is doubtful."""
        self.ar_invoice(1000, '2025-06-10')
        data = self.forecast()
        self.assertEqual(self.left(data, 2), [round(1000 * 380 / 387, 2), round(1000 * 380 / 394, 2)])
        self.assertEqual(data['totals']['doubtful'], round(1000 * 380 / 471, 2))
        self.check_ties(data)

    def test_not_due_in_these_weeks_is_later(self):
        self.ar_invoice(1000, '2026-06-10', '2026-12-31')
        totals = self.forecast()['totals']
        self.assertEqual((totals['later'], totals['doubtful'], sum(totals['weeks'])), (1000, 0, 0))

    def test_own_history_drawn_to_the_company(self):
        """The customer's own days count n / (n + 3) at each day, the company's all customers together."""
        paid = (('2026-01-01', 4), ('2026-02-01', 30), ('2026-03-01', 10))
        for day, late in paid:
            self.ar_pay(self.ar_invoice(100, day), date.fromordinal(date.fromisoformat(day).toordinal() + late))
        other = self.ar_invoice(100, '2026-02-01', partner=self.other_customer)
        self.ar_pay(other, '2026-02-01')
        self.ar_invoice(100, '2026-06-05', '2026-06-10')

        def curve(days, above, strength):
            """Day by day, as the docstring of engine/forecast.py has it; one item each is still open at day 0."""
            survival, shares = 1.0, {-1: 1.0}
            for day in range(120):
                at_risk = sum(own >= day for own in days) + (day == 0)
                chance = 1 - above(day) / above(day - 1)
                if day in days or day == 0:
                    survival *= 1 - (days.count(day) + strength * chance) / (at_risk + strength)
                else:
                    survival *= (1 - chance) ** (strength / (at_risk + strength))
                shares[day] = survival
            return shares.get
        company = curve([0, 4, 10, 30], engine.general_survival, engine.COMPANY_STRENGTH)
        own = curve([4, 10, 30], company, engine.CUSTOMER_STRENGTH)
        data = self.forecast()
        self.assertEqual(self.left(data), [round(100 * own(7 * week) / own(0), 2) for week in range(1, 14)])
        self.check_ties(data)

    def test_habits_are_of_money(self):
        """Two items of 100, due 2026-03-01: of each 50 came on day 10; the rest was written off with that payment, and
        by an entry of day 40. Written off is unpaid, not paid.
        """
        loss = self.company_data['default_account_expense']
        invoice = self.ar_invoice(100, '2026-02-01', '2026-03-01')
        self.ar_pay(invoice, '2026-03-11', 50, payment_difference_handling='reconcile', writeoff_account_id=loss.id)
        other = self.ar_invoice(100, '2026-02-01', '2026-03-01', partner=self.other_customer)
        self.ar_pay(other, '2026-03-11', 50)
        self.ar_match(other, self.ar_misc(-50, '2026-04-10', partner=self.other_customer))
        self.assertEqual((invoice.amount_residual, other.amount_residual), (0, 0))
        ledger = self.env['ar.ledger']
        days = ledger._payment_days(
            ledger._read_options({'as_of': '2026-06-10', 'company_ids': self.company.ids}),
            (self.customer | self.other_customer).ids)
        self.assertEqual(days[self.company.id, 'partner', self.customer.id], [(10, 50, 50, 10_000)])
        self.assertEqual(
            sorted(days[self.company.id, 'partner', self.other_customer.id]), [(10, 50, 0, 2_500), (40, 0, 50, 2_500)])
        self.assertEqual(
            sorted(days[self.company.id, 'company', 0]), [(10, 100, 50, 12_500), (40, 0, 50, 2_500)])

    def test_disputed_invoices_are_no_habit(self):
        """What was disputed was paid late for another reason: it says nothing of the others."""
        self.ar_pay(self.ar_invoice(100, '2026-02-01'), '2026-02-11')
        self.ar_invoice(100, '2026-06-10', '2026-06-11')
        before = self.forecast()['totals']['weeks']
        late = self.ar_invoice(100, '2026-02-01')
        self.env['ar.dispute'].create({
            'move_id': late.id, 'amount': 100, 'date_open': '2026-02-05',
            'reason_id': self.env.ref('ar_coordinator.dispute_reason_price').id,
        })._transition(('new',), 'rejected', date_closed='2026-05-01')
        self.ar_pay(late, '2026-05-20')
        self.assertEqual(self.forecast()['totals']['weeks'], before)

    def test_risk_class_stands_between(self):
        """Without a history of his own a customer pays like his risk class, not like the company."""
        slow = self.env['ar.credit.class'].create({'name': "Slow", 'mode': 'unlimited'})
        third = self.env['res.partner'].create({'name': "Newcomer", 'ar_credit_class_id': slow.id})
        self.other_customer.ar_credit_class_id = slow
        for month in range(1, 5):
            self.ar_pay(self.ar_invoice(100, f'2026-0{month}-01'), f'2026-0{month}-01')
            self.ar_pay(self.ar_invoice(100, f'2026-0{month}-01', partner=self.other_customer), f'2026-0{month}-28')
        self.ar_invoice(100, '2026-06-10', '2026-06-10', partner=third)
        with_class = self.forecast()['totals']['weeks']
        third.ar_credit_class_id = False
        without = self.forecast()['totals']['weeks']
        self.assertLess(sum(with_class[:3]), sum(without[:3]))
        self.assertGreater(with_class[3], 50, "27 days late, as his class")

    def test_promise_counts_as_often_as_promises_are_kept(self):
        """70 % without any experience on the day promised; the rest by habit."""
        self.ar_promise(self.ar_invoice(1000, '2026-06-01'), '2026-06-20')
        data = self.forecast()
        # 24 / 31: nine days late now, sixteen in a week
        self.assertEqual(self.left(data, 3), [
            round(700 + 300 * 24 / 31, 2), round(300 * 24 / 38, 2), round(300 * 24 / 45, 2)])
        self.check_ties(data)

    def test_kept_rate_of_the_customer(self):
        """Two promises broken: (0 + 3 * company's rate) / (2 + 3), the company's (0 + 3 * 0.7) / (2 + 3)."""
        invoice = self.ar_invoice(1000, '2026-06-01')
        for day in ('2026-06-10', '2026-06-20'):
            self.ar_promise(invoice, day).sudo()._move('broken', 'not_in_time', day)
        self.ar_promise(invoice, '2026-06-25')
        chance = 3 * (3 * 0.7 / 5) / 5
        data = self.forecast('2026-06-20')
        # promised in five days: the rest follows the curve from 19 days late on
        self.assertEqual(self.left(data, 1), [round(1000 * (1 - chance) * 34 / 41, 2)])
        self.assertEqual(self.left(self.forecast('2026-06-15'), 1), [round(1000 * (
            (chance := 3 * (3 * 0.7 / 4) / 4) + (1 - chance) * 29 / 36), 2)], "one of them was judged by then")

    def test_plan_by_its_instalments(self):
        """Four times 25; each as a promise, and when it is missed as late as others."""
        invoice = self.ar_invoice(100, '2026-06-10', '2026-06-25')
        plan = self.env['ar.promise.plan'].with_user(self.clerk)._propose(
            self.ar_lines(invoice).with_user(self.clerk), 4, '2026-06-30')
        plan.action_accept()
        data = self.forecast()

        def left(days, due):  # cents
            return round(2500 * 0.3 * 15 / (15 + days - due)) if days >= due else 2500
        self.assertEqual(self.left(data), [
            sum(left(7 * week, due) for due in (20, 50, 81, 112)) / 100 for week in range(1, 14)])
        self.assertEqual(data['totals']['later'], 25, "the last one is due after the weeks")
        self.check_ties(data)

    def test_plan_that_was_paid_in_part(self):
        """What was paid was for the first instalments."""
        invoice = self.ar_invoice(100, '2026-06-10', '2026-06-25')
        plan = self.env['ar.promise.plan'].with_user(self.clerk)._propose(
            self.ar_lines(invoice).with_user(self.clerk), 4, '2026-06-30')
        plan.action_accept()
        self.ar_pay(invoice, '2026-06-10', amount=60)
        self.ar_commit()
        data = self.forecast()
        self.assertEqual((data['totals']['total'], data['totals']['later']), (40, 25))
        self.assertEqual(self.left(data, 7), [40] * 7, "15 are left of the third, due on day 81")
        self.check_ties(data)

    def test_disputed_part_has_no_day(self):
        invoice = self.ar_invoice(1000, '2026-06-10', '2026-06-13')
        self.env['ar.dispute'].create({
            'move_id': invoice.id, 'amount': 300, 'date_open': '2026-06-10',
            'reason_id': self.env.ref('ar_coordinator.dispute_reason_price').id})
        data = self.forecast()
        self.assertEqual(data['totals']['disputed'], 300)
        self.assertEqual(data['totals']['weeks'][0], round(700 * (1 - general(4)[0]), 2))
        self.check_ties(data)

    def test_credits_cover_the_oldest_items(self):
        """Money on account will not come again; what is more than is owed is shown."""
        old, new = self.ar_invoice(1000, '2026-01-01'), self.ar_invoice(500, '2026-06-10', '2026-12-31')
        self.ar_cash(1200, '2026-06-05')
        data = self.forecast()
        self.assertEqual((data['totals']['later'], data['totals']['credits'], data['totals']['total']), (300, 0, 300))
        self.assertEqual(sum(data['totals']['weeks']), 0)
        self.ar_cash(400, '2026-06-08')
        data = self.forecast()
        self.assertEqual((data['totals']['later'], data['totals']['credits'], data['totals']['total']), (0, -100, -100))
        self.check_ties(data)
        self.assertEqual(self.forecast('2026-06-04')['totals']['total'], 1000, "the money was not there yet")
        self.assertTrue(old and new)

    def test_credits_of_others_cover_nothing(self):
        self.ar_invoice(1000, '2026-06-10', '2026-12-31')
        self.ar_cash(400, '2026-06-05', partner=self.other_customer)
        self.ar_cash(100, '2026-06-05', currency_id=self.eur.id)
        data = self.forecast()
        self.assertEqual((data['totals']['later'], data['totals']['credits']), (1000, -560))
        self.check_ties(data)

    def test_only_what_was_known_then(self):
        """Payments, promises and disputes of later days do not change what was to be expected before them."""
        invoice = self.ar_invoice(1000, '2026-05-01', '2026-05-10')
        before = self.forecast('2026-06-09')
        self.ar_promise(invoice, '2026-06-20')
        self.ar_pay(invoice, '2026-06-10', amount=400)
        self.env['ar.dispute'].create({
            'move_id': invoice.id, 'amount': 300, 'date_open': '2026-06-10',
            'reason_id': self.env.ref('ar_coordinator.dispute_reason_price').id})
        self.assertEqual(self.forecast('2026-06-09'), before)
        self.assertNotEqual(self.forecast('2026-06-10')['totals'], before['totals'])

    def test_groups_and_filters(self):
        self.ar_invoice(1000, '2026-06-10', '2026-06-13')
        self.ar_invoice(333.33, '2026-06-01', partner=self.other_customer)
        self.ar_invoice(77.77, '2026-06-01', currency_id=self.eur.id)
        whole = self.forecast()
        self.check_ties(whole)
        self.assertEqual([row['name'] for row in whole['rows']], ["Harbour Fish Ltd", "Alder & Sons"], "biggest first")
        for group_by in ('collector', 'company', 'currency', 'salesperson', 'country', 'parent', 'tag', 'risk_class',
                         'credit_group', 'account'):
            data = self.forecast(group_by=group_by)
            self.check_ties(data)
            self.assertEqual(data['totals'], whole['totals'], group_by)
        by_collector = self.forecast(group_by='collector')
        self.assertEqual([row['id'] for row in by_collector['rows']], [self.collector.id, False])
        mine = self.forecast(collector_ids=self.collector.ids)
        self.assertEqual([row['id'] for row in mine['rows']], self.customer.ids)
        self.check_ties(mine)
        euros = self.forecast(currency_ids=self.eur.ids)
        self.assertEqual(euros['totals']['total'], round(77.77 / 0.625, 2))
        self.check_ties(euros)
        page = self.forecast(limit=1, offset=1, order='name')
        self.assertEqual(([row['name'] for row in page['rows']], page['row_count']), (["Harbour Fish Ltd"], 2))
        self.assertEqual(page['totals'], whole['totals'])

    def test_scenarios(self):
        self.ar_invoice(1000, '2026-06-10', '2026-06-13')
        likely = self.forecast()
        for scenario in ('best', 'worst'):
            data = self.forecast(scenario=scenario)
            self.check_ties(data)
            self.assertEqual(data['scenarios'], likely['scenarios'])
        # one single payer: exp(1.2816 * sqrt(0.0625 + 1))
        power = engine.pace('best', 1)
        self.assertAlmostEqual(power, 3.747, 3)
        self.assertEqual(likely['scenarios']['best']['cumulative'][0], round(1000 - 1000 * (15 / 38) ** power, 2))

    def test_two_companies_three_currencies(self):
        """Each company to the cent in its own books, together in the current company's currency."""
        other = self.setup_other_company(name="Northern Branch", currency_id=self.eur.id)
        company = other['company']
        pounds = self.setup_other_currency('GBP', rates=[('1900-01-01', 0.8)])
        self.ar_invoice(1000.01, '2026-06-01', '2026-06-13')
        self.ar_invoice(99.99, '2026-06-01', '2026-06-13', currency_id=self.eur.id)
        self.ar_invoice(50.55, '2026-06-01', '2026-06-13', currency_id=pounds.id)
        for amount, day in ((333.33, '2026-05-13'), (0.07, '2026-06-20'), (66.6, '2026-02-01')):
            move = self.env['account.move'].with_company(company).create({
                'move_type': 'out_invoice', 'partner_id': self.customer.id, 'invoice_date': day, 'date': day,
                'invoice_date_due': day, 'company_id': company.id, 'invoice_line_ids': [(0, 0, {
                    'name': "Goods", 'quantity': 1, 'price_unit': amount, 'tax_ids': [],
                    'account_id': other['default_account_revenue'].id})]})
            move.action_post()
        both = (self.company + company).ids
        report = self.env['ar.cash.forecast'].with_context(allowed_company_ids=both)
        for group_by in ('partner', 'company', 'currency'):
            for as_of in ('2026-06-02', '2026-06-10', '2026-06-30'):
                data = report.get_data({'as_of': as_of, 'company_ids': both, 'group_by': group_by})
                self.check_ties(data)
                tie_out = self.env['ar.ledger'].with_context(allowed_company_ids=both).tie_out(
                    {'as_of': as_of, 'company_ids': both})
                self.assertEqual(data['totals']['total'], tie_out['ledger'])
        alone = report.get_data({'as_of': '2026-06-10', 'company_ids': company.ids})
        self.assertEqual((alone['currency_id'], alone['totals']['total']), (self.eur.id, 399.93))
        self.check_ties(alone)

    def test_calendar_weeks(self):
        """2026-06-10 is a Wednesday: the first week is what is left of it, in the user's language."""
        weeks = self.forecast(calendar=True)['weeks']
        self.assertEqual(weeks[0]['date_from'], '2026-06-11')
        self.assertEqual(weeks[0]['date_to'], '2026-06-13', "American weeks end on Saturday")
        self.assertEqual((weeks[1]['date_from'], weeks[1]['date_to']), ('2026-06-14', '2026-06-20'))
        self.assertEqual(len(weeks), 13)

    def test_options_are_checked(self):
        for options in ({'scenario': 'rosy'}, {'weeks': 5}, {'group_by': 'moon'}, {'group_by': ['partner', 'company']},
                        {'order': 'size'}, {'column': 'w14'}):
            with self.assertRaises(UserError):
                self.forecast(**options)

    def test_readers_only(self):
        outsider = self.ar_user('forecast_sales', 'base.group_user')
        for model in ('ar.cash.forecast', 'ar.cash.backtest'):
            with self.assertRaises(AccessError):
                self.env[model].with_user(outsider).get_data({})
        self.ar_invoice(1000, '2026-06-10', '2026-06-13')
        self.assertEqual(
            self.env['ar.cash.forecast'].with_user(self.reader).get_data(
                {'as_of': '2026-06-10', 'company_ids': self.company.ids})['totals']['total'], 1000)

    def test_queries_do_not_grow_with_customers(self):
        counts = []
        for number in range(2):
            partners = self.env['res.partner'].create([
                {'name': f"Customer {number} {customer}"} for customer in range(1 + 14 * number)])
            for partner in partners:
                self.ar_pay(self.ar_invoice(100, '2026-05-01', partner=partner), '2026-05-04')
                self.ar_promise(self.ar_invoice(100, '2026-06-01', partner=partner), '2026-06-20')
            self.env.flush_all()
            self.env.invalidate_all()
            self.forecast()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self.forecast()
            counts.append(self.env.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])


@tagged('post_install', '-at_install')
class TestCashBacktest(ForecastCommon):

    def backtest(self, **options):
        return self.env['ar.cash.backtest'].get_data({
            'as_of': '2026-06-10', 'company_ids': self.company.ids, 'count': 1, **options})

    def test_one_forecast(self):
        """On 2026-03-11 100 were due in four days; they came in the second week."""
        invoice = self.ar_invoice(100, '2026-02-01', '2026-03-15')
        self.ar_pay(invoice, '2026-03-20')
        data = self.backtest()
        [record] = data['forecasts']
        self.assertEqual((record['as_of'], record['open']), ('2026-03-11', 100))
        self.assertEqual(record['actual'], [0, 100, *[0] * 11])
        self.assertEqual(record['due_date'], [100, *[0] * 12])
        self.assertEqual(record['thirty_days'], [100, *[0] * 12], "03-03 is over: tomorrow")
        self.assertEqual(record['forecast'][:2], [58.33, 11.67])
        self.assertEqual(data['weeks'][0]['error'], {'forecast': 58.33, 'due_date': 100, 'thirty_days': 100})
        self.assertAlmostEqual(data['weeks'][1]['error']['forecast'], 88.33, 6)
        self.assertEqual(data['totals']['weeks_13']['actual'], 100)
        self.assertEqual(data['totals']['weeks_13']['error']['due_date'], 0)
        self.assertAlmostEqual(data['totals']['weeks_4']['error']['forecast'], 100 * general(24)[0], 2)

    def test_what_is_no_cash(self):
        """Credit notes, money that was there before, and invoices written later are no receipts of the forecast."""
        invoice = self.ar_invoice(100, '2026-02-01', '2026-03-15')
        note = self.ar_invoice(30, '2026-03-20', move_type='out_refund')
        self.ar_match(invoice, note)
        self.ar_pay(self.ar_invoice(500, '2026-04-01'), '2026-04-02')
        self.ar_pay(invoice, '2026-04-01')
        self.assertEqual(self.backtest()['forecasts'][0]['actual'], [0, 0, 70, *[0] * 10])

    def test_what_a_payment_wrote_off_is_no_cash(self):
        """Of an item of 100, 50 came and 50 were written off with that payment: 50 are a receipt."""
        invoice = self.ar_invoice(100, '2026-02-01', '2026-03-15')
        self.ar_pay(
            invoice, '2026-04-01', 50, payment_difference_handling='reconcile',
            writeoff_account_id=self.company_data['default_account_expense'].id)
        self.assertEqual(invoice.amount_residual, 0)
        self.assertEqual(self.backtest()['forecasts'][0]['actual'], [0, 0, 50, *[0] * 10])

    def test_disputed_items_are_no_part_of_it(self):
        """What was disputed had no day then; what came on it is shown."""
        invoice = self.ar_invoice(100, '2026-02-01', '2026-03-15')
        dispute = self.env['ar.dispute'].create({
            'move_id': invoice.id, 'amount': 25, 'date_open': '2026-03-01',
            'reason_id': self.env.ref('ar_coordinator.dispute_reason_price').id})
        dispute._transition(('new',), 'rejected', date_closed='2026-03-25')
        self.ar_pay(invoice, '2026-04-01')
        [record] = self.backtest()['forecasts']
        self.assertEqual((record['open'], record['actual'][2], record['on_disputed']), (75, 75, 25))

    def test_days(self):
        self.ar_invoice(100, '2026-02-01', '2026-03-15')
        data = self.backtest(count=3, every_days=14)
        self.assertEqual([record['as_of'] for record in data['forecasts']], ['2026-02-11', '2026-02-25', '2026-03-11'])
        nothing = self.backtest(as_of='2025-06-10')
        self.assertEqual(
            (nothing['weeks'], nothing['totals'], nothing['inside'], nothing['forecasts']), ([], {}, None, []))
        for options in ({'count': 0}, {'count': 99}, {'every_days': 'x'}, {'colour': 1}):
            with self.assertRaises(UserError):
                self.backtest(**options)

    def test_never_sees_the_future(self):
        """The forecast of a past day is what was forecast on it."""
        self.ar_invoice(100, '2026-02-01', '2026-03-15')
        then = self.forecast('2026-03-11')['totals']['weeks']
        self.ar_pay(self.ar_invoice(1000, '2026-03-12'), '2026-03-12')
        self.assertEqual(self.backtest()['forecasts'][0]['forecast'], then)
