"""The ledger that `make demo` shows when it is given none: fifteen months of two companies and sixty customers.

Everything is made through Odoo as people would make it (invoices, payments, matchings, credit notes, disputes), in
batches. The same day gives the same ledger: chance has a seed, dates count from `today`. Who is who is in
`demo_story_data.py`.
"""
import base64
import calendar
import io
import math
import random
import re
import unicodedata
from collections import defaultdict
from datetime import date, datetime, time, timedelta

from PIL import Image, ImageDraw, ImageFont

from odoo.fields import Command

from .demo_story_data import COMPANIES, CURRENCIES, CUSTOMERS, EU, LANGUAGES, PRODUCTS, US, USERS

MONTHS = 15
SEED = 1907
# Days a customer pays after the due date (None: never), by how far the story is (0 at its start, 1 today).
PAYERS = {
    'prompt': lambda chance, when: chance.gauss(-4, 3),
    'ontime': lambda chance, when: chance.gauss(1, 3),
    'late': lambda chance, when: chance.gauss(13, 6),
    'slow': lambda chance, when: chance.gauss(38, 11),
    'worse': lambda chance, when: chance.gauss(-2 + 55 * when ** 2, 4),
    'better': lambda chance, when: chance.gauss(42 * (1 - when), 4),
    'growing': lambda chance, when: chance.gauss(19, 4),  # late, and worth more every month
    'instalments': lambda chance, when: chance.gauss(6, 8),
    'parts': lambda chance, when: chance.gauss(10, 5),  # half of it, the rest five weeks later
    'newcomer': lambda chance, when: chance.gauss(4, 4),
    'stopped': lambda chance, when: chance.gauss(8, 5) if when < 0.6 else None,
    'gone': lambda chance, when: chance.gauss(12, 5) if when < 0.35 else None,
}
# When a payer buys (shares of the story's time), if not always.
BUYS = {'newcomer': (0.8, 1.0), 'stopped': (0.0, 0.8), 'gone': (0.0, 0.5)}
# Invoices that a scene needs, unpaid: days until due (negative: overdue).
SCENES = {
    'dispute_whole': (-24,), 'dispute_part': (-41,), 'dispute_investigating': (-16,), 'dispute_accepted': (-28,),
    'dispute_rejected': (-52,), 'short_payment': (-21,), 'overpaid': (-35,), 'unapplied_cash': (-19, -6),
    'credit_note_open': (-27,), 'credit_covers_all': (-18,), 'no_followup': (-33,), 'due_today': (0, -1), 'draft': (),
    'forgotten': (-17,), 'paused': (-22,),
}
PRICE_FACTOR = {'USD': 1.0, 'EUR': 0.93, 'GBP': 0.79}
PAST_RUNS = (26, 13)  # days ago a dunning run was sent
FEEL = {'USD': 1.0, 'EUR': 0.91, 'GBP': 0.78}  # rates around which the story's rates move


def build(env, today, progress=lambda text: None):
    """Make the story in an empty database with the addon installed.

    :param env: superuser's environment; the caller commits
    :param date today: the last day of the story
    :param progress: called with a line of text before each part
    """
    Story(env, today).build(progress)


def render_invoices(env, today):
    """Give every invoice overdue on `today` the PDF it was sent with; the web server must be running (styles)."""
    lines = env['account.move.line'].search([
        ('account_type', '=', 'asset_receivable'), ('parent_state', '=', 'posted'), ('reconciled', '=', False),
        ('date_maturity', '<', today), ('move_type', '=', 'out_invoice')])
    for move in lines.move_id:
        send = env['account.move.send'].with_company(move.company_id)
        send._generate_and_send_invoices(move, sending_methods=set(), extra_edis=set())


def date_letters(runs):
    """Make letters look as if they had been sent on the day of their run."""
    for run in runs:
        sent = datetime.combine(run.as_of, time(9, 30))
        run.letter_ids.filtered('date_sent').date_sent = sent
        run.letter_ids.mail_message_id.date = sent
        run.write({'date_previewed': sent, 'date_done': sent})


def dress_company(env, company, key):
    """Give a company the name, address, currency and looks of one of the story's; without any entries yet."""
    data = COMPANIES[key]
    # this context keeps Odoo from installing the localisation of the country: half a minute, and nothing of it is shown
    company.with_context(chart_template_load=True).write({
        **{name: data[name] for name in ('name', 'street', 'city', 'zip', 'phone')},
        'country_id': env.ref(f"base.{data['country']}").id,
        'state_id': data['state'] and env.ref(f"base.{data['state']}").id,
        'currency_id': env.ref(f"base.{data['currency']}").id,
        'email': f"receivables@{data['domain']}", 'website': f"https://www.{data['domain']}",
        'iap_enrich_auto_done': True,  # else Odoo asks a service on the internet who this is
        'logo': _logo(data['name'].split(",")[0].replace(" GmbH", ""), data['color']),
        'primary_color': data['color'], 'secondary_color': "#5C6B73",
        'external_report_layout_id': env.ref('web.external_layout_standard').id})
    company.partner_id.write({'tz': data['tz'], 'lang': data['lang']})
    env['res.partner.bank'].create({
        'acc_number': data['account'], 'partner_id': company.partner_id.id, 'company_id': company.id,
        'allow_out_payment': True})
    return company


class Story:
    def __init__(self, env, today):
        quiet = ('tracking_disable', 'mail_create_nolog', 'mail_create_nosubscribe', 'mail_notrack',
                 'mail_auto_subscribe_no_notify', 'no_reset_password')
        self.env = env(context={**env.context, **dict.fromkeys(quiet, True)})
        self.today = today
        self.start = _months_before(today, MONTHS)
        self.chance = random.Random(SEED)
        self.partners = {}  # Customer -> commercial partner
        self.recipients = {}  # Customer -> who gets the invoices
        self.plans = []  # what to invoice, see _plan
        self.moves = {}  # number of a plan -> invoice

    def build(self, progress):
        for text, part in (
            ("companies, currencies, languages, people", self._make_companies),
            ("products and customers", self._make_customers),
            ("invoices", self._make_invoices),
            ("payments", self._make_payments),
            ("disputes, credit notes and other scenes", self._play_scenes),
            ("disputes of the past", self._make_past_disputes),
        ):
            progress(text)
            part()
            self.env.flush_all()

    # === COMPANIES AND PEOPLE === #

    def _make_companies(self):
        env = self.env
        languages = env['res.lang'].with_context(active_test=False).search([('code', 'in', LANGUAGES)])
        env['base.language.install'].create({'lang_ids': [Command.set(languages.ids)]}).lang_install()
        self.currencies = env['res.currency'].with_context(active_test=False).search([('name', 'in', CURRENCIES)])
        self.currencies.active = True
        self.currencies = {currency.name: currency for currency in self.currencies}
        self._make_rates()
        first = dress_company(env, env.ref('base.main_company'), US)
        second = env['res.company'].create({'name': COMPANIES[EU]['name'], 'iap_enrich_auto_done': True})
        env['account.chart.template'].try_loading('generic_coa', company=second, install_demo=False)
        dress_company(env, second, EU)
        self.companies = {US: first, EU: second}
        self._make_users()
        self.taxes, self.journals = {}, {}
        for key, company in self.companies.items():
            name, amount = COMPANIES[key]['tax']
            tax = company.account_sale_tax_id
            tax.write({'name': name, 'amount': amount, 'invoice_label': name.rpartition(" ")[2]})
            self.taxes[key] = tax
            self.journals[key] = env['account.journal'].search(
                [('company_id', '=', company.id), ('type', '=', 'bank')], limit=1)
        self.terms = {days: env.ref(f'account.account_payment_term_{days}days') for days in (15, 30, 45)}
        self.terms[0] = env['account.payment.term'].create({
            'name': "30 % in 10 days, 70 % in 40 days", 'note': "30 % in 10 days, 70 % in 40 days",
            'line_ids': [
                Command.create({'value': 'percent', 'value_amount': 30, 'nb_days': 10}),
                Command.create({'value': 'percent', 'value_amount': 70, 'nb_days': 40})]})

    def _make_rates(self):
        """One rate a month for every currency against the dollar, up and down a little."""
        rates = self.env['res.currency.rate']
        values, month = [], date(self.start.year, self.start.month, 1)
        number = 0
        while month <= self.today:
            for phase, (name, middle) in enumerate(FEEL.items()):
                rate = middle if name == 'USD' else middle * (1 + 0.045 * math.sin(number / 2.3 + phase))
                values.append({'currency_id': self.currencies[name].id, 'name': month, 'rate': round(rate, 5),
                               'company_id': False})
            month = (month + timedelta(days=32)).replace(day=1)
            number += 1
        rates.search([('currency_id.name', 'in', CURRENCIES)]).unlink()
        rates.create(values)

    def _make_users(self):
        companies = [company.id for company in self.companies.values()]
        self.users = {}
        for login, name, groups in USERS:
            user = self.env['res.users'].search([('login', '=', login)])
            email = f"{login}@{COMPANIES[US]['domain']}"
            values = {'name': name, 'email': email, 'company_ids': [Command.set(companies)]}
            if not user:
                user = self.env['res.users'].create({**values, 'login': login, 'password': login, 'group_ids': [
                    Command.link(self.env.ref(group).id) for group in ('base.group_user', *groups)]})
            else:
                user.write({**values, 'password': login})
            self.users[login] = user
        # what the admin of a demo wants to see: everything
        for group in ('account.group_account_manager', 'account.group_account_readonly', 'base.group_multi_company',
                      'base.group_multi_currency'):
            self.env.ref(group).user_ids |= self.users['admin']
        self.env.ref('base.group_user').implied_ids |= self.env.ref('base.group_multi_currency')

    # === PRODUCTS AND CUSTOMERS === #

    def _make_customers(self):
        self.products = self.env['product.product'].create([
            {'name': name, 'type': 'service', 'list_price': price, 'taxes_id': [Command.clear()]}
            for name, price in PRODUCTS])
        sellers = ['sales', 'marcus', 'elena']
        values = []
        for number, customer in enumerate(CUSTOMERS):
            domain = f"{_slug(customer.name)}.example"
            values.append({
                'name': customer.name, 'is_company': True, 'customer_rank': 1, 'ref': f"C{1001 + number}",
                'street': customer.street, 'zip': customer.zip, 'city': customer.city, 'lang': customer.lang,
                'country_id': self.env.ref(f'base.{customer.country}' if customer.country != 'gb' else 'base.uk').id,
                'email': f"accounts@{domain}" if customer.email else False,
                'user_id': self.users[sellers[number % 3]].id})
        partners = self.env['res.partner'].create(values)
        self.partners = dict(zip(CUSTOMERS, partners, strict=True))
        billed = [customer for customer in CUSTOMERS if customer.billing]
        contacts = self.env['res.partner'].create([{
            'parent_id': self.partners[customer].id, 'type': 'invoice', 'name': customer.billing, 'lang': customer.lang,
            'email': f"invoices@{_slug(customer.name)}.example", 'street': customer.street, 'zip': customer.zip,
            'city': customer.city, 'country_id': self.partners[customer].country_id.id} for customer in billed])
        self.recipients = {**self.partners, **dict(zip(billed, contacts, strict=True))}
        for key, company in self.companies.items():
            for login in ('clerk', 'manager'):
                mine = [self.partners[customer].id for number, customer in enumerate(CUSTOMERS)
                        if key in _companies(customer) and (number % 3 == 0) == (login == 'manager')]
                self.env['res.partner'].browse(mine).with_company(company).ar_collector_id = self.users[login]
            for days, term in self.terms.items():
                mine = [self.partners[customer].id for customer in CUSTOMERS if customer.terms == days]
                self.env['res.partner'].browse(mine).with_company(company).property_payment_term_id = term

    # === INVOICES === #

    def _make_invoices(self):
        for customer in CUSTOMERS:
            for key in _companies(customer):
                self._plan(customer, key)
        for key, company in self.companies.items():
            plans = sorted((plan for plan in self.plans if plan['company'] == key), key=lambda plan: plan['date'])
            moves = self.env['account.move'].with_company(company).create(list(map(self._invoice_values, plans)))
            drafts = moves.browse()
            for plan, move in zip(plans, moves, strict=True):
                self.moves[plan['number']] = move
                drafts |= move if plan['scene'] == 'draft' else drafts
            (moves - drafts).action_post()

    def _plan(self, customer, key):
        """Decide when and what a customer buys from a company (appends to `plans`, see `_add_plan`)."""
        first, last = BUYS.get(customer.payer, (0.0, 1.0))
        span = (self.today - self.start).days
        day = first * span + self.chance.uniform(0, 36 / customer.monthly)
        while day <= last * span:
            self._add_plan(customer, key, self.start + timedelta(days=int(day)), day / span)
            day += self.chance.uniform(0.55, 1.45) * 36 / customer.monthly
        for due_in in SCENES.get(customer.scene, ()):
            days = customer.terms or 40
            self._add_plan(customer, key, self.today + timedelta(days=due_in - days), 1.0, scene=customer.scene)
        if customer.scene == 'draft':
            for ago in (2, 1):
                self._add_plan(customer, key, self.today - timedelta(days=ago), 1.0, scene='draft')

    def _add_plan(self, customer, key, day, when, scene=''):
        growth = 0.4 + 2.2 * when if customer.payer == 'growing' else 1.0
        lines = [(product, max(1, round(growth * self.chance.uniform(0.5, 1.5) * customer.size)))
                 for product in self.chance.sample(range(len(PRODUCTS)), self.chance.choice((1, 2, 2)))]
        self.plans.append({'number': len(self.plans), 'customer': customer, 'company': key, 'date': day, 'when': when,
                           'lines': lines, 'scene': scene})

    def _invoice_values(self, plan):
        customer, key = plan['customer'], plan['company']
        currency = customer.currency or COMPANIES[key]['currency']
        # goods sold abroad leave untaxed; at home the company's own tax
        tax = self.taxes[key].ids if customer.country == COMPANIES[key]['country'] else []
        return {
            'move_type': 'out_invoice', 'partner_id': self.recipients[customer].id, 'invoice_date': plan['date'],
            'currency_id': self.currencies[currency].id, 'invoice_payment_term_id': self.terms[customer.terms].id,
            'invoice_user_id': self.partners[customer].user_id.id,
            'invoice_line_ids': [Command.create({
                'product_id': self.products[product].id, 'quantity': quantity, 'tax_ids': [Command.set(tax)],
                'price_unit': round(PRODUCTS[product][1] * PRICE_FACTOR[currency], 2),
            }) for product, quantity in plan['lines']],
        }

    # === PAYMENTS === #

    def _make_payments(self):
        for key, company in self.companies.items():
            payments = [payment for plan in self.plans if plan['company'] == key and not plan['scene']
                        for payment in self._payments_of(plan)]
            self._pay(company, sorted(payments, key=lambda payment: (payment[1], payment[0].id)))

    def _payments_of(self, plan):
        """When the instalments of an invoice are paid: [(receivable item, day, amount)], none after today."""
        result, payer = [], plan['customer'].payer
        for line in _receivable(self.moves[plan['number']]).sorted('date_maturity'):
            delay = PAYERS[payer](self.chance, plan['when'])
            if delay is None:
                continue
            day = _working_day(max(line.date_maturity + timedelta(days=round(delay)), plan['date'] + timedelta(days=1)))
            rest = line.amount_residual_currency
            if payer == 'parts':
                half = line.currency_id.round(rest / 2)
                result.append((line, day, half))
                day, rest = _working_day(day + timedelta(days=35)), rest - half
            result.append((line, day, rest))
        return [payment for payment in result if payment[1] <= self.today]

    def _pay(self, company, payments):
        """Receive [(receivable item, day, amount in its currency)] and match each payment with its item."""
        paid = self._receive(company, [
            (line.partner_id, line.currency_id, day, amount, line.move_id.name) for line, day, amount in payments])
        plan = defaultdict(lambda: self.env['account.move.line'])
        for (line, _day, _amount), payment in zip(payments, paid, strict=True):
            plan[line] |= line | _receivable(payment.move_id)
        self.env['account.move.line']._reconcile_plan(list(plan.values()))

    def _receive(self, company, receipts):
        """Post payments [(partner, currency, day, amount, memo)]; matched with nothing."""
        journal = self.journals[next(key for key, value in self.companies.items() if value == company)]
        payments = self.env['account.payment'].with_company(company).create([{
            'payment_type': 'inbound', 'partner_type': 'customer', 'partner_id': partner.commercial_partner_id.id,
            'journal_id': journal.id, 'currency_id': currency.id, 'amount': amount, 'date': day, 'memo': memo,
        } for partner, currency, day, amount, memo in receipts])
        payments.action_post()
        return payments

    # === SCENES === #

    def _play_scenes(self):
        for customer in CUSTOMERS:
            if customer.scene and customer.scene != 'draft':
                for key in _companies(customer):
                    moves = [self.moves[plan['number']] for plan in self.plans
                             if plan['customer'] == customer and plan['company'] == key and plan['scene']]
                    getattr(self, f'_scene_{customer.scene}')(*moves)

    def _scene_dispute_whole(self, move):
        self._dispute(
            move, 'not_received', move.amount_total, 12, "We have no delivery note for this. Please send proof.")

    def _scene_dispute_part(self, move):
        self._dispute(
            move, 'price', 0.35 * move.amount_total, 25, "The framework agreement has lower prices for these items.")

    def _scene_dispute_investigating(self, move):
        dispute = self._dispute(
            move, 'quality', 0.5 * move.amount_total, 9, "Two instruments arrived out of tolerance.")
        dispute.action_investigate()

    def _scene_dispute_accepted(self, move):
        dispute = self._dispute(move, 'short', 0.4 * move.amount_total, 18, "Two boxes are missing.")
        dispute.action_investigate()
        dispute.amount_accepted = move.currency_id.round(0.25 * move.amount_total)
        dispute.outcome_note = "One box was found in our warehouse; the other one was delivered on the 9th."
        dispute.action_accept_partly()
        if dispute.approval_state == 'requested':
            dispute.with_user(self.users['manager']).action_approve()

    def _scene_dispute_rejected(self, move):
        dispute = self._dispute(move, 'terms', 0.1 * move.amount_total, 40, "We took our usual 10 % discount.")
        dispute.action_investigate()
        day = self.today - timedelta(days=20)
        dispute.outcome_note = "The discount was agreed for payment within ten days only."
        dispute._transition(('investigating',), 'rejected', date_closed=day, date_decided=day)

    def _scene_short_payment(self, move):
        """The bank kept its charges: a small rest stays open."""
        self._pay(move.company_id, [(_receivable(move), self.today - timedelta(days=15), move.amount_total - 18.50)])

    def _scene_overpaid(self, move):
        self._pay(move.company_id, [(_receivable(move), self.today - timedelta(days=14), move.amount_total + 260.0)])

    def _scene_unapplied_cash(self, older, newer):
        """Money came without a word about what it is for; it covers the older invoice and part of the newer one."""
        amount = older.currency_id.round(older.amount_total + 0.4 * newer.amount_total)
        day = self.today - timedelta(days=4)
        self._receive(older.company_id, [(older.partner_id, older.currency_id, day, amount, "Payment on account")])

    def _scene_credit_note_open(self, move):
        self._credit(move, 0.3, 8, match=False)

    def _scene_credit_covers_all(self, move):
        self._credit(move, 1.0, 5, match=False)

    def _scene_no_followup(self, move):
        move.no_followup = True

    def _scene_forgotten(self, move):
        """A customer without any excuse. Nothing to do."""

    def _scene_paused(self, move):
        self.env['ar.pause'].create({
            'move_id': move.id, 'company_id': move.company_id.id, 'user_id': self.users['manager'].id,
            'reason': "Their warehouse burnt down; asked for two weeks", 'date_start': self.today - timedelta(days=5),
            'date_end': self.today + timedelta(days=9)})

    def _scene_due_today(self, today, yesterday):
        """One invoice is due today, one was yesterday: neither is for a reminder yet. Nothing to do."""

    def _dispute(self, move, reason, amount, days_ago, words):
        return self.env['ar.dispute'].create({
            'move_id': move.id, 'amount': move.currency_id.round(amount), 'user_id': self.users['clerk'].id,
            'reason_id': self.env.ref(f'ar_coordinator.dispute_reason_{reason}').id,
            'date_open': self.today - timedelta(days=days_ago), 'customer_note': words})

    def _credit(self, move, share, days_ago, match):
        """A credit note for a share of an invoice, matched with it or left open."""
        day = self.today - timedelta(days=days_ago)
        note = self.env['account.move'].with_company(move.company_id).create({
            'move_type': 'out_refund', 'partner_id': move.partner_id.id, 'currency_id': move.currency_id.id,
            'invoice_date': day, 'ref': f"Credit for {move.name}", 'invoice_user_id': move.invoice_user_id.id,
            'invoice_payment_term_id': False, 'invoice_date_due': day,
            'invoice_line_ids': [Command.create({
                'name': f"Credit for {move.name}", 'quantity': 1, 'tax_ids': [Command.clear()],
                'price_unit': move.currency_id.round(share * move.amount_total)})]})
        note.action_post()
        if match:
            (_receivable(note) | _receivable(move)).reconcile()
        return note

    def _make_past_disputes(self):
        """Disputes that were settled long ago, one a month, so that the analysis has something to count."""
        reasons = ('price', 'short', 'billing', 'quality', 'duplicate', 'terms', 'not_received')
        ends = (('rejected', 'new'), ('withdrawn', 'new'), ('closed', 'accepted'))
        paid = [self.moves[plan['number']] for plan in self.plans if not plan['scene'] and 0.05 < plan['when'] < 0.85]
        paid = [move for move in paid if not any(line.amount_residual for line in _receivable(move))]
        for number, move in enumerate(self.chance.sample(paid, 14)):
            opened = move.invoice_date + timedelta(days=self.chance.randint(5, 18))
            dispute = self._dispute(
                move, reasons[number % len(reasons)], self.chance.choice((0.1, 0.25, 0.5)) * move.amount_total,
                (self.today - opened).days, "Please check this invoice.")
            end, before = ends[number % len(ends)]
            closed = opened + timedelta(days=self.chance.randint(3, 20))
            values = {'date_decided': closed}
            if before == 'accepted':
                dispute._transition(('new',), before, date_decided=closed, amount_accepted=dispute.amount)
                values['closed_by'] = 'credited'
            dispute._transition((before,), end, date_closed=closed, **values)


def _receivable(move):
    return move.line_ids.filtered(lambda line: line.account_type == 'asset_receivable')


def _companies(customer):
    return (US, EU) if customer.company == 'both' else (customer.company,)


def _working_day(day):
    return day + timedelta(days=max(0, 7 - day.weekday()) if day.weekday() > 4 else 0)


def _months_before(day, months):
    number = day.year * 12 + day.month - 1 - months
    year, month = number // 12, number % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _slug(name):
    plain = unicodedata.normalize('NFKD', name.replace("ø", "o")).encode('ascii', 'ignore').decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def _logo(name, color):
    """A plain logo as Odoo wants it (base64 PNG): a mark and the name."""
    font = ImageFont.load_default(size=44)
    width = int(font.getlength(name)) + 110
    image = Image.new('RGB', (width, 90), "white")
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((4, 9, 76, 81), radius=14, fill=color)
    draw.arc((20, 25, 60, 65), start=180, end=360, fill="white", width=6)
    draw.line((40, 46, 52, 32), fill="white", width=5)
    draw.line((18, 62, 62, 62), fill="white", width=5)
    draw.text((94, 20), name, font=font, fill=color)
    data = io.BytesIO()
    image.save(data, format='PNG')
    return base64.b64encode(data.getvalue())
