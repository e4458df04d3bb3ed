"""The worklist: who needs something now, why, and what to do next; live from the ledger, a page at a time.

Facts are read set-based, in a number of queries that does not grow with the customers: the books in one
(ar_ledger_worklist.py), one for each of the other reasons. engine/worklist.py scores them. Only the customers of the
page are named and explained, and only for these a run is asked whether a reminder is due.
"""
import heapq
from collections import defaultdict
from datetime import timedelta

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools.misc import format_amount, format_date

from ..engine import assignment, worklist
from .ar_dispute import UNDECIDED_STATES
from .ar_dunning_letter import COUNTED_STATES
from .ar_wording import counted
from .ar_worklist_rule import KINDS

PAGE_SIZE = 40
KEYS = 500  # customers one can step through on the sheet
OPTIONS = {'collector', 'kinds', 'minimum', 'class_ids', 'snoozed', 'search', 'company_ids', 'limit', 'offset'}
FIGURES = (
    'partner_id', 'company_id', 'chased', 'days', 'class_id', 'broken', 'broken_on', 'promise_due', 'promise_on',
    'coming', 'coming_on')
BESIDE = ('receivable', 'overdue', 'disputed', 'promised')


class ArWorklist(models.AbstractModel):
    _name = 'ar.worklist'
    _description = "Worklist"

    # === PUBLIC === #

    @api.model
    @api.readonly
    def get_page(self, options=None):
        """Return a page of the worklist.

        :param dict options: collector ('me', 'none', a user's id; nothing: everybody's), kinds (list of reasons),
            minimum (amount chased, in company currency), class_ids (risk classes), snoozed (True: those put off),
            search (name, reference or tax number), company_ids, limit, offset; all optional
        :return: dict: as_of; row_count; counts {kind: customers, before `kinds`}; totals [{currency_id, chased}];
            keys [[customer id, company id]] in order, at most KEYS from the page on; can_work; and rows, each with
            partner_id, company_id, currency_id, name, company, collector, risk_class, score, parts [{kind, label,
            points}], reasons [text], chased, days, receivable, overdue, disputed, promised (company currency), phone,
            email, contact, best (action), actions [action], snooze {id, until, reason, user} or False
        :raise AccessError: when the user may not read receivables, or not the companies'
        :raise UserError: when an option makes no sense
        """
        wanted, opts = self._read_options(options)
        companies = self.env['res.company'].browse(opts['company_ids'])
        rules = self.env['ar.worklist.rule']._get_rules(companies)
        events = self._get_events(companies, rules)
        facts, beside = self._get_facts(companies, opts, wanted, rules, events)
        self._add_judgements(companies, facts, events)
        today = opts['as_of']
        snoozes = self.env['ar.worklist.snooze']._get_in_force(companies)
        scored, counts = [], defaultdict(int)
        for own in facts:
            parts = worklist.score(own, rules[own.company_id], today)
            if not parts:
                continue
            snooze = snoozes and snoozes.get((own.partner_id, own.company_id))
            if bool(snooze and not self._is_heard(snooze, own, events)) != wanted['snoozed']:
                continue
            kinds = {kind for kind, _points in parts}
            for kind in kinds:
                counts[kind] += 1
            if wanted['kinds'] and not kinds & wanted['kinds']:
                continue
            scored.append((worklist.total(parts), own.chased, own, parts))
        end = wanted['offset'] + max(wanted['limit'], KEYS)
        ordered = heapq.nsmallest(
            end, scored, key=lambda one: (-one[0], -one[1], one[2].partner_id, one[2].company_id))
        page = ordered[wanted['offset']:wanted['offset'] + wanted['limit']]
        totals = defaultdict(float)
        for _score, chased, own, _parts in scored:
            totals[own.company_id] += chased
        return {
            'as_of': today.isoformat(), 'row_count': len(scored), 'counts': dict(counts),
            'totals': self._get_totals(totals), 'can_work': self._can_work(),
            'keys': [[own.partner_id, own.company_id] for _score, _chased, own, _parts in ordered[wanted['offset']:]],
            'rows': self._get_rows(page, beside, snoozes, events, today),
        }

    @api.model
    @api.readonly
    def get_filters(self):
        """Return what the screen offers to filter by.

        :return: dict: kinds [{key, label}], collectors and classes [{id, name}], has_customers (whether the user looks
            after customers, or stands in for somebody who does)
        :raise AccessError: when the user may not read receivables
        """
        self.env['ar.ledger']._check_reader()
        # sudo: names of those who look after customers
        users = self.env['res.users'].sudo().browse(self.env['ar.ledger']._get_collector_ids()).exists()
        classes = self.env['ar.credit.class'].search([('active', '=', True)])
        labels = self._get_labels()
        return {
            'kinds': [{'key': kind, 'label': labels[kind]} for kind in worklist.REASONS],
            'collectors': [{'id': user.id, 'name': user.name} for user in users.sorted('name')],
            'classes': [{'id': risk_class.id, 'name': risk_class.name} for risk_class in classes],
            'has_customers': any(
                set(self._get_stood_in_for(self.env.uid, company)) & set(users.ids) for company in self.env.companies),
        }

    # === OPTIONS === #

    def _read_options(self, options):
        """Return (what is wanted, the ledger's options), checked; see `get_page`."""
        options = dict(options or {})
        if unknown := set(options) - OPTIONS:
            raise UserError(self.env._("Unknown option: %s", ", ".join(sorted(unknown))))
        ledger = self.env['ar.ledger']
        opts = ledger._read_options({
            'company_ids': options.get('company_ids'), 'limit': options.get('limit'), 'offset': options.get('offset')})
        kinds = set(options.get('kinds') or ())
        if kinds - set(worklist.REASONS):
            raise UserError(self.env._(
                "The worklist has no reason of this kind: %s", ", ".join(sorted(map(str, kinds)))))
        minimum = options.get('minimum') or 0.0
        if isinstance(minimum, bool) or not isinstance(minimum, int | float) or minimum < 0:
            raise UserError(self.env._("The least amount must be a number from 0 up, not %s.", minimum))
        collector = options.get('collector') or None
        if collector not in (None, 'me', 'none') and (isinstance(collector, bool) or not isinstance(collector, int)):
            raise UserError(self.env._("A collector is 'me', 'none' or the id of a user, not %s.", collector))
        return {
            'kinds': kinds, 'minimum': minimum, 'collector': collector, 'search': (options.get('search') or '').strip(),
            'class_ids': set(ledger._read_ids('class_ids', options.get('class_ids')) or ()),
            'snoozed': bool(options.get('snoozed')), 'limit': opts['limit'] or PAGE_SIZE, 'offset': opts['offset'],
            'company_ids': opts['company_ids'],
        }, {**opts, 'limit': None, 'offset': 0}

    def _can_work(self):
        """Return whether the user may do something about it."""
        return self.env.su or self.env.user.has_group('ar_coordinator.group_ar_user')

    def _get_whose(self, wanted):
        """Return (collectors wanted, domain of the customers or None).

        Collectors are {company id: ids of users}, [False] for customers without, None for all.
        """
        collectors, domain = None, None
        if wanted['collector'] == 'none':
            collectors = [False]
        elif wanted['collector']:
            user_id = self.env.uid if wanted['collector'] == 'me' else wanted['collector']
            collectors = {
                company.id: self._get_stood_in_for(user_id, company)
                for company in self.env['res.company'].browse(wanted['company_ids'])}
        if wanted['search']:
            domain = Domain.OR([(name, 'ilike', wanted['search'])] for name in ('complete_name', 'ref', 'vat'))
        return collectors, domain

    def _get_stood_in_for(self, user_id, company):
        """Hook: return the ids of the users whose customers are a user's today: his own, and those of colleagues he
        stands in for in the company.
        """
        substitutes = self.env['ar.collector.absence']._get_substitutes(company)
        return sorted({user_id, *(
            away for away in substitutes if assignment.on_duty(away, substitutes) == user_id)})

    # === FACTS === #

    def _get_facts(self, companies, opts, wanted, rules, events):
        """Return ([engine Facts], {(customer id, company id): {receivable, overdue, disputed, promised}})."""
        needs = {}
        for company_id, own in rules.items():
            overdue, big, promised = (
                (own.get(kind) or [worklist.Rule(kind)])[0]
                for kind in (worklist.OVERDUE, worklist.BIG_DUE, worklist.PROMISE_DUE))
            large = max(big.minimum, 0.01) if big.weight else 10 ** 15  # nothing is as large
            needs[company_id] = (max(overdue.minimum, 0.01), large, big.days, promised.days)
        rows = self.env['ar.ledger']._worklist_figures(opts, needs, events, *self._get_whose(wanted))
        contacts = self._get_contacts(companies, rules)
        facts, beside = [], {}
        for row in rows:
            own = worklist.Facts(*row[:len(FIGURES)])
            if own.chased < wanted['minimum'] or (wanted['class_ids'] and own.class_id not in wanted['class_ids']):
                continue
            key = (own.partner_id, own.company_id)
            for name, value in (events[key].items() if key in events else ()):
                if name in worklist.Facts.__slots__:
                    setattr(own, name, value)
            own.contacted_on = contacts.get(key)
            facts.append(own)
            beside[key] = row[len(FIGURES):]
        return facts, beside

    @api.model
    def _get_events(self, companies, rules):
        """Return what other records say: {(customer id, company id): {name: value}}.

        Hook: others add their own. Names are those of engine Facts; what else is there is for the words on the screen.

        :param companies: res.company
        :param dict rules: company id -> {kind: [engine Rule]}
        """
        events = defaultdict(dict)
        for partner, company, count, latest in self.env['ar.customer.answer']._read_group(
                [('company_id', 'in', companies.ids), ('state', '=', 'waiting')],
                ['partner_id', 'company_id'], ['__count', 'create_date:max']):
            events[partner.id, company.id].update(answers=count, answered_at=latest)
        for partner, company, count in self.env['ar.dunning.letter']._read_group(
                [('company_id', 'in', companies.ids), ('reply_state', '=', 'waiting')],
                ['partner_id', 'company_id'], ['__count']):
            own = events[partner.id, company.id]
            own.update(answers=own.get('answers', 0) + count, replies=count)
        for partner, company, count, deadline in self.env['ar.dispute']._read_group(
                [('company_id', 'in', companies.ids), ('state', 'in', UNDECIDED_STATES),
                 ('date_deadline', '<', self.env.company._ar_today()), ('partner_id', '!=', False)],
                ['partner_id', 'company_id'], ['__count', 'date_deadline:min']):
            events[partner.id, company.id].update(disputes_late=count, deadline=deadline)
        for company in companies:
            self._add_company_events(company, events)
        return events

    def _add_judgements(self, companies, facts, events):
        """Hook: complete the facts by what can be said only when the books were read.

        :param list facts: engine Facts, changed in place
        :param dict events: as `_get_events` returns them
        """

    def _add_company_events(self, company, events):
        """Add letters that did not arrive, and documents that a hold stops."""
        letters = defaultdict(set)
        for line in self.env['ar.dunning.history']._failed(company):
            letters[line.partner_id.id].add(line.letter_id.id)
        for partner_id, own in letters.items():
            events[partner_id, company.id].update(failed=len(own), letter_ids=sorted(own))
        holds = self.env['ar.credit.hold'].with_company(company)
        held = self.env['res.partner'].browse(holds._get_held_ids(company))
        for partner_id, documents in (holds._get_waiting(company, held) if held else {}).items():
            events[partner_id, company.id].update(
                waiting=len(documents), waiting_amount=sum(amount for _document, amount in documents))

    def _get_contacts(self, companies, rules):
        """Return {(customer id, company id): day of the last contact}, as far back as the rules look. Hook: others
        know of other contacts.
        """
        contacts = {}
        for company in companies:
            for partner, last in self.env['ar.dunning.letter']._read_group([
                    ('company_id', '=', company.id), ('state', 'in', COUNTED_STATES),
                    ('date', '>', self._get_rest_start(company, rules))], ['partner_id'], ['date:max']):
                contacts[partner.id, company.id] = last
        return contacts

    def _get_rest_start(self, company, rules):
        """Return the last day on which a contact no longer counts."""
        rest = rules[company.id].get(worklist.REST)
        return company._ar_today() - timedelta(days=max(rest[0].days if rest else 0, 1))

    def _is_heard(self, snooze, own, events):
        """Return whether a customer who was put off has written since."""
        answered = events.get((own.partner_id, own.company_id), {}).get('answered_at')
        return bool(answered and answered > snooze.create_date)

    # === ROWS OF THE PAGE === #

    def _get_totals(self, totals):
        """Return [{currency_id, chased}] of amounts by company, one per currency."""
        by_currency = defaultdict(float)
        for company in self.env['res.company'].browse(totals):
            by_currency[company.currency_id] += totals[company.id]
        return [
            {'currency_id': currency.id, 'chased': currency.round(amount)}
            for currency, amount in sorted(by_currency.items(), key=lambda item: item[0].name)]

    def _get_rows(self, page, beside, snoozes, events, today):
        """Name and explain the customers of the page, in a fixed number of queries per company."""
        rows, labels = {}, self._get_labels()
        by_company = defaultdict(list)
        for score, _chased, own, parts in page:
            by_company[own.company_id].append((score, own, parts))
        for company_id, group in by_company.items():
            company = self.env['res.company'].browse(company_id)
            self_company = self.with_company(company)
            partners = self_company.env['res.partner'].browse([own.partner_id for _score, own, _parts in group])
            contacts = partners._ar_receivables_contacts(partners, company)
            due = self_company._get_letter_due(company, group)
            named = {partner.id: partner for partner in partners}
            for score, own, parts in group:
                key = (own.partner_id, own.company_id)
                partner, event = named[own.partner_id], events.get(key, {})
                row = self_company._describe_customer(partner, contacts[partner.id])
                actions = self._get_actions(own, event, own.partner_id in due)
                rows[key] = {
                    'company_id': company_id, 'company': company.name, 'currency_id': company.currency_id.id,
                    'score': score, 'chased': own.chased, 'days': own.days,
                    'parts': [{'kind': kind, 'label': labels[kind], 'points': round(points, 1)}
                              for kind, points in parts],
                    'reasons': self_company._get_reasons(own, event, parts, company, beside[key]),
                    **dict(zip(BESIDE, beside[key], strict=True)), **row,
                    'best': worklist.next_action(
                        parts, own.partner_id in due, bool(row['phone']), bool(row['email'])),
                    'actions': actions, 'snooze': self._get_snooze(snoozes.get(key), today),
                }
        return [rows[own.partner_id, own.company_id] for _score, _chased, own, _parts in page]

    def _describe_customer(self, partner, contact):
        """Return what identifies a customer and how to reach it."""
        collector = partner.ar_collector_id
        return {
            'partner_id': partner.id, 'name': partner.display_name, 'ref': partner.ref or "",
            'collector': {'id': collector.id, 'name': collector.sudo().name} if collector else False,  # sudo: a name
            'risk_class': partner.ar_credit_class_id.name or "",
            'contact': contact.name if contact != partner else "",
            'phone': contact.phone or partner.phone or "", 'email': contact.email or partner.email or "",
        }

    def _get_letter_due(self, company, group):
        """Return the ids of those customers a run of today would write to; asked only for what is overdue."""
        overdue = [own.partner_id for _score, own, _parts in group if own.chased > 0]
        return self.env['ar.dunning.history']._due(company, overdue)[1] if overdue and self._can_work() else set()

    def _get_actions(self, own, event, letter_due):
        """Return what may be done for a customer, besides the next best action."""
        actions = [worklist.CALL, worklist.WRITE]
        if own.chased > 0:
            actions += [worklist.LETTER] if letter_due else []
            actions += [worklist.PROMISE, worklist.DISPUTE]
        elif event.get('disputes_late'):
            actions.append(worklist.DISPUTE)
        for name, action in (('answers', worklist.LOOK), ('failed', worklist.FIX), ('waiting', worklist.RELEASE),
                             ('escalation', worklist.ESCALATE)):
            if event.get(name):
                actions.append(action)
        return actions

    def _get_snooze(self, snooze, today):
        if not snooze:
            return False
        return {'id': snooze.id, 'until': snooze.date_until.isoformat(), 'reason': snooze.reason,
                'user': snooze.user_id.sudo().name or ""}  # sudo: a colleague's name

    # === WORDS === #

    def _get_labels(self):
        """Return {kind: what it is called}."""
        return {kind: dict(self.env['ar.worklist.rule']._fields['kind']._description_selection(self.env))[kind]
                for kind, _label in KINDS}

    def _get_reasons(self, own, event, parts, company, beside):
        """Return why a customer is here, in words, the reason that decides what to do first."""
        currency = company.currency_id
        kinds = {kind for kind, _points in parts}
        texts = [
            self._get_reason(kind, own, event, lambda amount: format_amount(self.env, amount, currency))
            for kind in worklist.REASONS if kind in kinds]
        _receivable, _overdue, disputed, promised = beside
        alone = []
        if disputed > 0:
            alone.append(self.env._("%(amount)s disputed", amount=format_amount(self.env, disputed, currency)))
        if promised > 0:
            alone.append(self.env._("%(amount)s promised", amount=format_amount(self.env, promised, currency)))
        if alone:
            texts.append(self.env._("left alone: %(what)s", what=", ".join(alone)))
        return texts + event.get('notes', [])

    def _get_reason(self, kind, own, event, money):
        """Return a reason in words."""
        def day(date):
            return format_date(self.env, date) if date else ""
        return {
            worklist.ANSWER: lambda: self.env._("%(count)s unread answers of the customer", count=own.answers)
            if own.answers > 1 else self.env._("The customer has answered"),
            worklist.FAILED: lambda: self.env._("A letter did not arrive"),
            worklist.ESCALATION: lambda: self._describe_escalation(event),
            worklist.FOLLOW_UP: lambda: self.env._("To be contacted again on %(day)s", day=day(own.follow_up_on)),
            worklist.BROKEN: lambda: self.env._(
                "Promise not kept on %(day)s, %(amount)s open", day=day(own.broken_on), amount=money(own.broken)),
            worklist.DISPUTE_LATE: lambda: self.env._(
                "%(count)s disputes past their deadline, the first since %(day)s", count=own.disputes_late,
                day=day(event.get('deadline'))) if own.disputes_late > 1 else self.env._(
                "Dispute past its deadline of %(day)s", day=day(event.get('deadline'))),
            worklist.HELD: lambda: counted(
                own.waiting,
                self.env._("On hold, 1 document of %(amount)s waiting", amount=money(own.waiting_amount)),
                self.env._("On hold, %(count)s documents of %(amount)s waiting", count=own.waiting,
                           amount=money(own.waiting_amount))),
            worklist.UNAPPLIED: lambda: self.env._(
                "%(amount)s paid and not applied: %(count)s payments", amount=money(own.unapplied_amount),
                count=own.unapplied) if own.unapplied > 1 else self.env._(
                "%(amount)s paid and not applied", amount=money(own.unapplied_amount)),
            worklist.PROMISE_DUE: lambda: self.env._(
                "%(amount)s promised for %(day)s, not paid yet", amount=money(own.promise_due),
                day=day(own.promise_on)),
            worklist.OVERDUE: lambda: counted(
                own.days, self.env._("%(amount)s overdue since yesterday", amount=money(own.chased)),
                self.env._("%(amount)s overdue, for up to %(days)s days", amount=money(own.chased), days=own.days)),
            worklist.BIG_DUE: lambda: self.env._(
                "%(amount)s due on %(day)s", amount=money(own.coming), day=day(own.coming_on)),
        }[kind]()
