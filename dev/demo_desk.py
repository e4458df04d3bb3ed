"""What the desk did in the demo's story: promises, a payment plan, disputes by line, credit, customers' answers.

`play` needs the ledger of `demo_story.py`, `answer_letters` the letters that were sent since. Both go the way a user or
a customer would; only days in the past are written afterwards.
"""
from datetime import datetime, time, timedelta

from werkzeug.datastructures import MultiDict

from odoo.fields import Command

from .demo_story import PRICE_FACTOR, _receivable
from .demo_story_data import CREDIT_LIMITS, PORTAL_CUSTOMER, PRODUCTS

QUIET = ('tracking_disable', 'mail_create_nolog', 'mail_notrack', 'mail_auto_subscribe_no_notify',
         'mail_activity_quick_update', 'no_reset_password')
ADDRESS = '203.0.113.20'  # of a customer's phone; nobody's (RFC 5737)


def play(env, today):
    """Add the scenes of the desk to the story; the caller commits."""
    desk = Desk(env, today)
    desk.make_promises()
    desk.make_plan()
    desk.make_disputes()
    desk.make_portal_customer()
    desk.make_credit()
    desk.make_calls()
    env.flush_all()


def answer_letters(env, run_ids):
    """Let customers answer letters of these runs through the link: promise, dispute, payment, plan, contact."""
    letters = env['ar.dunning.letter'].search(
        [('run_id', 'in', run_ids), ('state', '=', 'sent'), ('lang', '=', 'en_US')], order='id')
    waiting = env['ar.dispute'].search([]).partner_id | env['ar.promise'].search([]).partner_id
    letters = letters.filtered(lambda letter: letter.partner_id not in waiting and any(
        not item.reconciled for item in letter._get_link_items()))
    for letter, (kind, words) in zip(letters, (
        ('promise', {'note': "Our payment run is on Thursday."}),
        ('dispute', {'note': "We ordered two of these, not three.", 'scope': 'part'}),
        ('paid', {'reference': "ACH 4471-0093", 'note': "Paid together with the freight bill."}),
        ('plan', {'instalments': "3", 'interval': 'month', 'note': "Our own customer is late. Can we pay in parts?"}),
        ('contact', {'contact_name': "Jo Abernathy", 'contact_email': "jo.abernathy@accounting.example",
                     'note': "Jo looks after our payables now."}),
    ), strict=False):
        now = letter.company_id._ar_today()
        items = letter._get_link_items().filtered(lambda item: not item.reconciled)
        item = items.sorted('amount_residual')[-1:]
        days = {'promise': 8, 'paid': -3, 'plan': 14}.get(kind, 0)
        letter.with_context(lang=letter.lang)._answer(kind, MultiDict([
            *(('item', str(item.id)) for item in items), *words.items(), ('date', (now + timedelta(days)).isoformat()),
            *((('move', str(item.move_id.id)), ('reason', str(env.ref('ar_coordinator.dispute_reason_short').id)),
               ('amount', str(round(item.amount_residual_currency / 4, 2)))) if kind == 'dispute' else ()),
        ]), [], ADDRESS)


def lead_team(env, today):
    """Let a manager lead: targets, a rule, a holiday, escalations by the path, a customer with an agency."""
    desk = Desk(env, today)
    desk.make_team()
    desk.make_hand_over()
    desk.make_escalations()
    desk.judge_holds()
    env.flush_all()


class Desk:
    def __init__(self, env, today):
        self.env = env(context={**env.context, **dict.fromkeys(QUIET, True)})
        self.today = today
        self.clerk, self.manager = (
            self.env['res.users'].search([('login', '=', login)]) for login in ('clerk', 'manager'))
        self.products = self.env['product.product'].search(
            [('name', 'in', [name for name, _price in PRODUCTS])], order='id')

    def judge_holds(self):
        """What the job does after payments: the words of holds have today's figures. The demo's jobs are off."""
        holds = self.env['ar.credit.hold']
        for company in self.env['res.company'].search([]):
            held = self.env['res.partner'].browse(holds._get_held_ids(company))
            holds.with_company(company)._evaluate(company, held)

    # === WHAT SCENES ARE MADE OF === #

    def _customer(self, name):
        return self.env['res.partner'].search([('name', '=', name), ('parent_id', '=', False)])

    def _company_of(self, customer):
        """The company that sells most to a customer."""
        [(company, _count), *_others] = self.env['account.move']._read_group(
            [('commercial_partner_id', '=', customer.id), ('move_type', '=', 'out_invoice')], ['company_id'],
            ['__count'], order='__count desc')
        return company

    def _invoice(self, customer, due_in, quantities):
        """Post an invoice that is due in so many days, like the customer's latest, with other quantities."""
        company = self._company_of(customer)
        last = self.env['account.move'].search([
            ('commercial_partner_id', '=', customer.id), ('company_id', '=', company.id), ('state', '=', 'posted'),
            ('move_type', '=', 'out_invoice')], order='invoice_date desc, id desc', limit=1)
        due, factor = self.today + timedelta(days=due_in), PRICE_FACTOR[last.currency_id.name]
        move = self.env['account.move'].with_company(company).create({
            'move_type': 'out_invoice', 'partner_id': last.partner_id.id, 'currency_id': last.currency_id.id,
            'invoice_date': due - timedelta(days=30), 'invoice_payment_term_id': False, 'invoice_date_due': due,
            'invoice_user_id': customer.user_id.id,
            'invoice_line_ids': [Command.create({
                'product_id': product.id, 'quantity': quantity, 'price_unit': product.list_price * factor,
                'tax_ids': [Command.set(last.invoice_line_ids.tax_ids.ids)]})
                for product, quantity in zip(self.products, quantities, strict=False)]})
        move.action_post()
        return move

    def _pay(self, items, days_ago, amount):
        """Receive a payment and match it with items, the oldest first."""
        company = items.company_id
        payment = self.env['account.payment'].with_company(company).create({
            'payment_type': 'inbound', 'partner_type': 'customer', 'currency_id': items.currency_id.id,
            'partner_id': items.partner_id.commercial_partner_id.id, 'amount': amount,
            'date': self.today - timedelta(days=days_ago), 'memo': ", ".join(items.move_id.mapped('name')),
            'journal_id': self.env['account.journal'].search(
                [('company_id', '=', company.id), ('type', '=', 'bank')], limit=1).id})
        payment.action_post()
        (items | _receivable(payment.move_id)).reconcile()

    # === PROMISES === #

    def make_promises(self):
        """One promise was kept, one was not, two are open."""
        kept = self._promise("Cascadia Fine Optics", (-20,), 12, 8, "Approved, goes out with Friday's run.")
        items = kept.line_ids.move_line_id
        self._pay(items, 5, sum(items.mapped('amount_residual_currency')))
        self._promise("Oakhurst University", (-31,), 20, 11, "Their budget year starts next week.")
        self._promise("Peakdale Laboratories", (-12,), 2, 9, "Cheque needs a second signature.")
        self._promise("Boulangeries Fontbelle", (-19, -6), 1, 4, "Virement prévu en fin de semaine.")
        self.env['ar.promise'].search([])._judge()

    def _promise(self, name, due_in, days_ago, days, words):
        """The customer called some days ago and promised to pay invoices so many days after the call."""
        customer = self._customer(name)
        moves = self.env['account.move'].union(*(self._invoice(customer, due, (2, 1)) for due in due_in))
        given = self.today - timedelta(days=days_ago)
        return self.env['ar.promise'].with_company(moves.company_id).create({
            'company_id': moves.company_id.id, 'partner_id': customer.id, 'user_id': self.clerk.id, 'note': words,
            'date_made': given, 'date_promised': given + timedelta(days=days),
            'line_ids': [Command.create({'move_line_id': item.id}) for item in _receivable(moves)]})

    def make_plan(self):
        """Five invoices in four instalments; the first one is paid."""
        from odoo.addons.ar_coordinator.engine import promises  # found once Odoo knows its folders
        customer = self._customer("Ironbridge Fabrication")
        moves = self.env['account.move'].union(*(
            self._invoice(customer, due_in, (3, 2)) for due_in in (-75, -52, -48, -36, -29)))
        items, company = _receivable(moves), moves.company_id
        now = max(self.today, company._ar_today())
        currency = moves.currency_id
        series = promises.instalments(
            sum(items.mapped('amount_residual_currency')), 4, now - timedelta(days=9), 1, 'months',
            currency.decimal_places)
        plan = self.env['ar.promise.plan'].with_company(company).create({
            'company_id': company.id, 'partner_id': customer.id, 'currency_id': currency.id, 'user_id': self.clerk.id,
            'grace_days': company.ar_plan_grace_days, 'note': "They lost their largest customer in spring.",
            'item_ids': [Command.create({'move_line_id': item.id}) for item in items],
            'instalment_ids': [Command.create({'sequence': number, 'date': day, 'amount': amount})
                               for number, (day, amount) in enumerate(series, start=1)]})
        self._pay(items, 10, series[0][1])
        plan._accept()
        plan.date_accepted = now - timedelta(days=16)

    # === DISPUTES === #

    def make_disputes(self):
        """Lines of an invoice are disputed; another dispute waits for a manager's approval."""
        move = self._invoice(self._customer(PORTAL_CUSTOMER), -23, (4, 2, 3))
        first, _second, third = move.invoice_line_ids
        self._dispute(
            move, {first: 1, third: 2}, 'short', "One multimeter and two thermal cameras were not in the crate.")
        move = self._invoice(self._customer("Umber Creek Mining"), -14, (2, 6, 2))
        dispute = self._dispute(move, {move.invoice_line_ids[2]: 1}, 'quality', "A camera shows stripes from day one.")
        dispute = dispute.with_user(self.clerk).with_context(**self.env.context)
        dispute.action_investigate()
        dispute.outcome_note = "The sensor is broken. We credit the camera."
        dispute.action_accept()

    def _dispute(self, move, lines, reason, words):
        dispute = self.env['ar.dispute']._open(
            move, lines=lines, reason=self.env.ref(f'ar_coordinator.dispute_reason_{reason}'), note=words)
        dispute.write({'user_id': self.clerk.id, 'date_open': self.today - timedelta(days=4)})
        return dispute

    # === PORTAL AND CREDIT === #

    def make_portal_customer(self):
        """A customer who can log in, and whose promise is open."""
        customer = self._customer(PORTAL_CUSTOMER)
        self._promise(PORTAL_CUSTOMER, (-8,), 1, 9, "They pay every second Wednesday.")
        person = self.env['res.partner'].create({
            'name': "Nora Teixeira", 'parent_id': customer.id, 'type': 'other',
            'email': "nora@fairhaven-shipyard.example"})
        self.env['res.users'].create({
            'login': 'customer', 'password': 'customer', 'partner_id': person.id, 'lang': 'en_US',
            'company_id': self.env.ref('base.main_company').id,
            'company_ids': [Command.set(self.env.ref('base.main_company').ids)],
            'group_ids': [Command.set(self.env.ref('base.group_portal').ids)]})

    def make_calls(self):
        """Two calls of this morning: one customer looks into it, the other was not there."""
        for name, outcome, days, words in (
            ("Peakdale Laboratories", 'will_check', 3, "The second signature is with their director."),
            ("Oakhurst University", 'left_message', 1, "Left a message with the front desk."),
        ):
            customer = self._customer(name)
            company = self._company_of(customer)
            self.env['ar.call'].with_user(self.clerk)._log(
                customer, company, outcome, note=words, date_next=company._ar_today() + timedelta(days=days))

    # === THE TEAM === #

    def make_team(self):
        """What each collector is to bring in per week, who gets new customers, who is away next week."""
        main = self.env.ref('base.main_company')
        self.env['res.company'].search([]).ar_dispute_manager_id = self.manager
        self.env['ar.kpi.target'].create([{
            'company_id': main.id, 'kpi': 'collected_week', 'user_id': user.id, 'value': value,
            'date_from': self.today - timedelta(days=120)} for user, value in (
                (self.clerk, 40000), (self.manager, 15000))])
        self.env['ar.collector.rule'].create({
            'name': "New customers, the work shared", 'company_id': main.id, 'balance': 'overdue',
            'collector_ids': [Command.set((self.clerk + self.manager).ids)]})
        monday = self.today + timedelta(days=7 - self.today.weekday())
        self.env['ar.collector.absence'].create({
            'user_id': self.clerk.id, 'substitute_id': self.manager.id, 'date_from': monday,
            'date_to': monday + timedelta(days=4), 'note': "Lake district"})

    def make_escalations(self):
        """The usual path is in use since the day before yesterday; one was taken on, one was given back."""
        self.env.ref('ar_coordinator.ar_escalation_path_usual').active = True
        told = self.env['ar.escalation']
        for company in self.env['res.company'].search([], order='id'):
            inside = told.with_company(company).with_context(allowed_company_ids=company.ids)
            told |= inside._tell(company, inside._get_automatic(company)).with_env(self.env)
        told.date = self.today - timedelta(days=2)
        for records, button, words in (
            (told.filtered(lambda record: record.to == 'manager'), 'action_acknowledge',
             "I meet their finance director on Thursday."),
            (told.filtered(lambda record: record.to == 'salesperson'), 'action_return',
             "My contact has left. Please go on with the accounts department."),
        ):
            for record in records[:1]:
                record.answer = words
                getattr(record.with_user(record.user_id), button)()

    def make_hand_over(self):
        """Who has owed longest is with an agency, which got some of it back and charged a fee."""
        main, customer = self.env.ref('base.main_company'), self._customer("Redwood Coast Timber")
        agency = self.env['res.partner'].create({'name': "Meridian Collections", 'is_company': True})
        day = self.today - timedelta(days=24)
        hand_over = self.env['ar.hand.over'].create({
            'company_id': main.id, 'partner_id': customer.id, 'to': 'agency', 'user_id': self.manager.id, 'date': day,
            'reason': "Three reminders, no answer", 'agency_id': agency.id, 'agency_reference': "MC-20817"})
        amount = round(hand_over.amount_start / 4, 2)
        self.env['ar.hand.over.progress'].create([
            {'hand_over_id': hand_over.id, 'date': day + timedelta(days=6), 'note': "First letter, they called back"},
            {'hand_over_id': hand_over.id, 'date': day + timedelta(days=15), 'kind': 'recovered', 'amount': amount,
             'note': "First instalment"},
            {'hand_over_id': hand_over.id, 'date': day + timedelta(days=16), 'kind': 'fee',
             'amount': round(amount * .15, 2), 'note': "15 % of the first instalment"}])

    def make_credit(self):
        """Limits from what customers owe, holds by rules and by hand, a release and a limit that somebody asks for."""
        self.env.ref('ar_coordinator.ar_credit_rule_over_limit').action = 'hold'
        standard = self.env['ar.credit.class'].create(
            {'name': "B: standard", 'mode': 'limited', 'limit_amount': 25000, 'review_months': 12})
        for company in self.env['res.company'].search([], order='id'):
            company.ar_credit_approval_amount = 20000
            self._make_limits(company, standard)
        main = self.env.ref('base.main_company')
        newcomer = self._customer("Zephyr Drone Inspection")
        hold = self.env['ar.credit.hold'].with_company(main).create(
            {'partner_id': newcomer.id, 'company_id': main.id, 'reason': "Prepayment until the credit report is here",
             'user_id': self.manager.id})
        for company in self.env['res.company'].search([], order='id'):
            customers = self.env['res.partner'].search([('customer_rank', '>', 0), ('parent_id', '=', False)])
            hold |= hold.with_company(company)._evaluate(company, customers)[0]
        for number, placed in enumerate(hold):
            placed.date_start = datetime.combine(self.today - timedelta(days=2 + 3 * number % 17), time(7, 10))
        self._make_release(self._customer("Pinecrest Power Systems"))
        self.env['ar.credit.change'].with_user(self.env.ref('base.user_admin')).create({
            'partner_id': self._customer("Eastlake Medical Devices").id, 'limit_amount': 120000,
            'reason': "They buy more every month and pay, if late."}).action_request()
        self.env['ar.credit.queue'].search([]).unlink()  # all of it was judged just now

    def _make_limits(self, company, standard):
        """A limit is a share of what the customer owes, or nothing for whom nobody trusts any more."""
        customers = self.env['res.partner'].with_company(company).search([('name', 'in', list(CREDIT_LIMITS))])
        exposures = self.env['ar.ledger'].with_company(company).exposure(customers)
        for customer in customers:
            exposure = exposures.get(customer.id, {}).get('exposure', 0.0)
            share = CREDIT_LIMITS[customer.name]
            if exposure and not share:
                customer.ar_credit_mode = 'none'
            elif exposure:
                customer.write({
                    'credit_limit': max(500, round(exposure * share / 500) * 500),
                    'ar_credit_class_id': standard.id, 'ar_credit_review_date': self.today + timedelta(days=120)})

    def _make_release(self, customer):
        """An order waits behind a hold; the salesperson asks for a release. The page has an insurance and a report."""
        company = self._company_of(customer)
        self.env['ar.credit.report'].with_company(company).create({
            'partner_id': customer.id, 'company_id': company.id, 'source': "Northeast Business Reports",
            'rating': "BB-", 'limit_recommended': 20000, 'date': self.today - timedelta(days=40)})
        self.env['ar.credit.guarantee'].with_company(company).create({
            'partner_id': customer.id, 'company_id': company.id, 'name': "KP-20417", 'amount': 15000,
            'currency_id': company.currency_id.id, 'date_from': self.today - timedelta(days=200),
            'date_to': self.today + timedelta(days=165),
            'insurer_id': self.env['res.partner'].create({'name': "Harbor Credit Insurance", 'is_company': True}).id})
        seller = customer.user_id
        order = self.env['sale.order'].with_company(company).create({
            'partner_id': customer.id, 'user_id': seller.id, 'company_id': company.id,
            'order_line': [Command.create({'product_id': product.id, 'product_uom_qty': 2})
                           for product in self.products[:2]]})
        order.with_user(seller).with_company(company).action_ar_request_release()
