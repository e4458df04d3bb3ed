"""Escalation paths: who is told about a customer that does not pay, and when; data, off until a company wants it.

A customer has one path: one it is named in, else one for its dunning policy, else one for everybody; a company's own
before the shared ones. What holds for whom is read set-based (`_get_facts`) and decided by engine/escalation.py; what
was told is kept by `ar.escalation`.
"""
from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command

from ..engine import escalation
from .ar_call import SPOKEN
from .ar_dispute import UNDECIDED_STATES
from .ar_outbox import COUNTED_STATES
from .ar_wording import counted

TELL = [
    ('collector', "Collector"),
    ('salesperson', "Salesperson"),
    ('sales_leader', "Salesperson's manager"),
    ('manager', "Receivables manager"),
    ('user', "A person"),
    ('role', "Somebody with a role"),
    ('management', "Management (hand over)"),
    ('agency', "Collection agency (hand over)"),
    ('legal', "Lawyers (hand over)"),
]
HAND_OVER = ('management', 'agency', 'legal')
NEVER_LARGE = 10 ** 15


class ArEscalationPath(models.Model):
    _name = 'ar.escalation.path'
    _description = "Escalation Path"
    _inherit = ['ar.guard']
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company', index=True, default=lambda self: self.env.company, help="Empty: all companies.")
    policy_ids = fields.Many2many(
        comodel_name='ar.dunning.policy', relation='ar_escalation_path_policy_rel', string="Dunning Policies",
        help="Only customers with one of these policies. Empty: all of them.")
    partner_ids = fields.Many2many(
        comodel_name='res.partner', relation='ar_escalation_path_partner_rel', string="Customers",
        domain=['|', ('is_company', '=', True), ('parent_id', '=', False)],
        help="Only these customers; for them this path comes before those for policies and for everybody.")
    is_automatic = fields.Boolean(
        string="By Itself", default=True,
        help="Every hour whoever is next is told. Off: the worklist says that a step is due, and a collector takes it.")
    step_ids = fields.One2many(
        comodel_name='ar.escalation.step', inverse_name='path_id', string="Steps", copy=True)

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        paths = super().create(vals_list)
        paths._keep_to_customers()
        return paths

    def write(self, vals):
        result = super().write(vals)
        if 'partner_ids' in vals:
            self._keep_to_customers()
        return result

    def _keep_to_customers(self):
        """Put customers in the place of contacts that were chosen."""
        for path in self:
            if path.partner_ids != path.partner_ids.commercial_partner_id:
                path.partner_ids = [Command.set(path.partner_ids.commercial_partner_id.ids)]

    # === ACTION METHODS === #

    def action_show_due(self):
        """Open the customers somebody would be told about by this path today, in the current company.

        :raise AccessError: unless the user works the desk
        """
        self.ensure_one()
        self.check_access('read')
        if not self.env.su and not self.env.user.has_group('ar_coordinator.group_ar_user'):
            raise AccessError(self.env._("Escalations are looked through by a Receivables: User."))
        due = self._get_due(self.env.company, paths=self)
        return {
            'type': 'ir.actions.act_window', 'name': self.env._("Due today: %s", self.name),
            'res_model': 'res.partner', 'views': [(False, 'list'), (False, 'form')],
            'domain': [('id', 'in', sorted(due))]}

    # === WHO IS DUE === #

    @api.model
    def _get_paths(self, company):
        """Return the paths in force in a company, its own first."""
        # sudo: what decides is the same for whoever asks
        paths = self.sudo().search([('company_id', 'in', (False, company.id)), ('step_ids', '!=', False)])
        return paths.sorted(lambda path: (not path.company_id, path.sequence, path.id))

    @api.model
    def _choose(self, paths, company, partner_ids):
        """Return {customer id: its path} of the customers that have one.

        :param paths: ar.escalation.path in order, as `_get_paths`
        """
        named = {}
        for path in reversed(paths):
            named.update(dict.fromkeys(path.partner_ids.ids, path))
        others = paths.filtered(lambda path: not path.partner_ids)
        general = others.filtered(lambda path: not path.policy_ids)[:1]
        chosen = {partner_id: named.get(partner_id, general) for partner_id in partner_ids}
        with_policy = others - others.filtered(lambda path: not path.policy_ids)
        rest = [partner_id for partner_id in partner_ids if partner_id not in named]
        if with_policy and rest:
            partners = self.env['res.partner'].sudo().browse(rest)  # sudo: which policy is theirs, whoever asks
            resolved = self.env['ar.dunning.policy'].sudo()._resolve(company, partners)
            for partner_id in rest:
                policy = resolved[partner_id].policy
                own = with_policy.filtered(lambda path, policy=policy: policy in path.policy_ids)[:1]
                chosen[partner_id] = own or general
        return {partner_id: path for partner_id, path in chosen.items() if path}

    @api.model
    def _get_due(self, company, figures=None, partner_ids=None, paths=None):
        """Return {customer id: (ar.escalation.step due today, its Facts)}. A fixed number of queries.

        :param company: res.company
        :param dict figures: {customer id: (chased, days)}; None: read from the ledger
        :param partner_ids: iterable of ids of customers; None: all
        :param paths: ar.escalation.path; None: those in force
        """
        paths = self._get_paths(company) if paths is None else paths
        if not paths:
            return {}
        facts = self._get_facts(company, paths.step_ids, figures, partner_ids)
        chosen = self._choose(paths, company, list(facts))
        told = self.env['ar.escalation']._get_told(company, list(facts))
        steps = {path: path.step_ids._make_steps() for path in paths}
        today, due = company._ar_today(), {}
        for partner_id, own in facts.items():
            path = chosen.get(partner_id)
            step = path and escalation.next_step(steps[path], own, told.get(partner_id, {}), today)
            if step:
                due[partner_id] = (self.env['ar.escalation.step'].browse(step.id), own)
        return due

    # === FACTS === #

    @api.model
    def _get_facts(self, company, steps, figures=None, partner_ids=None):
        """Return {customer id: engine Facts} of everybody a step could be about. Only what steps ask for is read.

        :param steps: ar.escalation.step
        """
        # sudo: decisions see every letter and dispute of a customer; what leaves here is shown to those who see them
        desk = self.sudo().with_company(company).with_context(allowed_company_ids=company.ids)
        if figures is None:
            figures = desk._read_figures(company, partner_ids)
        facts = {
            partner_id: escalation.Facts(chased=chased, days=days)
            for partner_id, (chased, days) in figures.items() if chased > 0}
        if any(steps.mapped('dispute_days')):
            desk._add_disputes(company, facts, partner_ids)
        if any(steps.mapped('broken')):
            desk._add_promises(company, facts)
        if any(steps.mapped('letters')) or any(steps.mapped('level')):
            desk._add_letters(company, facts, any(steps.mapped('letters')))
        return facts

    def _read_figures(self, company, partner_ids):
        """Return {customer id: (what is chased, days of its oldest item)}."""
        ledger = self.env['ar.ledger']
        opts = ledger._read_options({
            'company_ids': company.ids, **({'partner_ids': list(partner_ids)} if partner_ids is not None else {})})
        return {row[0]: (row[2], row[3]) for row in ledger._worklist_figures(
            opts, {company.id: (0.01, NEVER_LARGE, 0, 0)})}

    def _add_disputes(self, company, facts, partner_ids):
        """Add by how many days the oldest dispute nobody decided is late; not of customers who are left alone."""
        today = company._ar_today()
        domain = [('company_id', '=', company.id), ('state', 'in', UNDECIDED_STATES), ('date_deadline', '<', today),
                  ('partner_id', '!=', False)]
        if partner_ids is not None:
            domain.append(('partner_id', 'in', list(partner_ids)))
        late = {partner.id: deadline for partner, deadline in self.env['ar.dispute']._read_group(
            domain, ['partner_id'], ['date_deadline:min'])}
        away = self.env['ar.hand.over']._handed_over(company, late)
        away |= {partner.id for [partner] in self.env['ar.pause']._read_group([
            ('company_id', '=', company.id), ('partner_id', 'in', list(late)), ('move_id', '=', False),
            ('date_start', '<=', today), ('date_end', '>=', today)], ['partner_id'])}
        for partner_id, deadline in late.items():
            if partner_id not in away:
                facts.setdefault(partner_id, escalation.Facts()).dispute_days = (today - deadline).days

    def _add_promises(self, company, facts):
        """Add the number of promises that were not kept, with something of them still open."""
        for partner, count in self.env['ar.promise.line']._read_group([
                ('company_id', '=', company.id), ('partner_id', 'in', list(facts)),
                ('state', 'in', ('broken', 'partly_kept')), ('move_line_id.reconciled', '=', False)],
                ['partner_id'], ['promise_id:count_distinct']):
            facts[partner.id].broken = count

    def _add_letters(self, company, facts, with_answers):
        """Add the highest level sent about open items, and how old the reminders are that nobody answered."""
        domain = [('company_id', '=', company.id), ('partner_id', 'in', list(facts)), ('state', 'in', COUNTED_STATES),
                  ('move_line_id.reconciled', '=', False)]
        lines = self.env['ar.dunning.letter.line']
        groups = lines._read_group(domain, ['partner_id', 'level_id'])
        numbers = self._number_levels({level for _partner, level in groups})
        for partner, level in groups:
            facts[partner.id].level = max(facts[partner.id].level, numbers.get(level.id, 0))
        if not with_answers:
            return
        today, words, ages = company._ar_today(), self._get_last_words(company, list(facts)), defaultdict(list)
        for partner, day, letter_ids in lines._read_group(
                domain, ['partner_id', 'date:day'], ['letter_id:array_agg_distinct']):
            if partner.id not in words or day > words[partner.id]:
                ages[partner.id] += [(today - day).days] * len(letter_ids)
        for partner_id, own in ages.items():
            facts[partner_id].letters = tuple(own)

    def _number_levels(self, levels):
        """Return {level id: 1 for the first of its policy, ...}."""
        policies = self.env['ar.dunning.policy'].union(*(level.policy_id for level in levels))
        return {level.id: number for own in policies._engine_levels().values() for number, level in enumerate(own, 1)}

    def _get_last_words(self, company, partner_ids):
        """Hook: return {customer id: the last day on which it said something}: answers, replies, calls."""
        own = [('company_id', '=', company.id), ('partner_id', 'in', partner_ids)]
        words = {partner.id: said.date() for partner, said in self.env['ar.customer.answer']._read_group(
            own, ['partner_id'], ['create_date:max'])}
        letters = self.env['ar.dunning.letter'].search_fetch([*own, ('reply_state', '!=', False)], ['partner_id'])
        whose = {letter.id: letter.partner_id.id for letter in letters}
        found = [(whose[letter_id], said.date()) for letter_id, said in self.env['mail.message']._read_group(
            [('model', '=', letters._name), ('res_id', 'in', letters.ids), ('message_type', '=', 'email')],
            ['res_id'], ['date:max'])]
        found += [(partner.id, day) for partner, day in self.env['ar.call']._read_group(
            [*own, ('outcome', 'in', SPOKEN)], ['partner_id'], ['day:max'])]
        for partner_id, day in found:
            words[partner_id] = max(day, words.get(partner_id, day))
        return words


class ArEscalationStep(models.Model):
    _name = 'ar.escalation.step'
    _description = "Step of an Escalation Path"
    _inherit = ['ar.guard']
    _order = 'path_id, sequence, id'

    path_id = fields.Many2one(comodel_name='ar.escalation.path', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='path_id.company_id')
    currency_id = fields.Many2one(comodel_name='res.currency', compute='_compute_currency_id')
    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    days = fields.Integer(
        string="Days Overdue", help="The oldest item has been overdue for so many days. 0: not asked.")
    amount = fields.Float(
        string="Overdue from", digits='Account',
        help="So much is overdue, in the company's currency; credits, disputes and promises deducted. 0: not asked.")
    broken = fields.Integer(
        string="Promises Not Kept", help="So many, with something of them still open. 0: not asked.")
    letters = fields.Integer(
        string="Reminders without Answer",
        help="So many reminders about open items, and no reply, answer or call with the customer since. 0: not asked.")
    answer_days = fields.Integer(
        string="Days to Answer", default=7, help="A reminder counts as not answered after so many days.")
    level = fields.Integer(
        string="From Level",
        help="The customer got a reminder of this level about an open item; 1 is the first level of the policy. 0: not"
             " asked.")
    dispute_days = fields.Integer(
        string="Dispute Late by Days", help="A dispute is past its deadline by so many days. 0: not asked.")
    to = fields.Selection(selection=TELL, string="Tell", required=True, default='manager')
    user_id = fields.Many2one(
        comodel_name='res.users', string="Person", domain=[('share', '=', False)],
        help="Who is told; of a hand-over, the manager who decides it.")
    group_id = fields.Many2one(
        comodel_name='res.groups', string="Role", help="Of those with this role, the one with the least to answer.")
    wait_days = fields.Integer(
        string="Days after the Step Before", default=7, help="At least one: nobody climbs two steps on the same day.")
    repeat_days = fields.Integer(
        string="Repeat after Days", help="As long as it lasts and no further step was taken. 0: told once.")
    description = fields.Char(string="When", compute='_compute_description')

    _not_negative = models.Constraint(
        'CHECK (days >= 0 AND amount >= 0 AND broken >= 0 AND letters >= 0 AND answer_days >= 0 AND level >= 0'
        ' AND dispute_days >= 0 AND repeat_days >= 0 AND wait_days >= 1)',
        "Conditions of a step cannot be negative, and a step comes at least one day after the one before.")

    # === COMPUTE METHODS === #

    @api.depends('path_id.company_id')
    @api.depends_context('company')
    def _compute_currency_id(self):
        for step in self:
            step.currency_id = (step.path_id.company_id or self.env.company).currency_id

    @api.depends('days', 'amount', 'broken', 'letters', 'level', 'dispute_days', 'currency_id')
    @api.depends_context('company', 'lang')
    def _compute_description(self):
        for step in self:
            step.description = ", ".join(filter(None, (
                step.days and counted(
                    step.days, self.env._("1 day overdue"), self.env._("%s days overdue", step.days)),
                step.amount and self.env._("%s or more overdue", step.currency_id.format(step.amount)),
                step.broken and counted(
                    step.broken, self.env._("1 promise not kept"), self.env._("%s promises not kept", step.broken)),
                step.letters and counted(
                    step.letters, self.env._("1 reminder without answer"),
                    self.env._("%s reminders without answer", step.letters)),
                step.level and self.env._("from level %s on", step.level),
                step.dispute_days and counted(
                    step.dispute_days, self.env._("dispute late by one day"),
                    self.env._("dispute late by %s days", step.dispute_days)))))

    # === CONSTRAINT METHODS === #

    @api.constrains('days', 'amount', 'broken', 'letters', 'level', 'dispute_days', 'to', 'user_id', 'group_id')
    def _check_step(self):
        for step in self:
            name = f"{step.path_id.name}, {step.name}"
            if not any((step.days, step.amount, step.broken, step.letters, step.level, step.dispute_days)):
                raise ValidationError(self.env._(
                    "%s: say when this step is due, by at least one condition.", name))
            if step.to == 'user' and not step.user_id:
                raise ValidationError(self.env._("%s: choose the person who is told.", name))
            if step.to == 'role' and not step.group_id:
                raise ValidationError(self.env._("%s: choose the role that is told.", name))

    @api.ondelete(at_uninstall=False)
    def _unlink_only_unused(self):
        # sudo: escalations of other companies count as well
        used = self.env['ar.escalation'].sudo()._read_group([('step_id', 'in', self.ids)], ['step_id'])
        if used:
            raise ValidationError(self.env._(
                "Somebody was told by step %s: archive its path, and make another one.", used[0][0].name))

    # === BUSINESS METHODS === #

    def _make_steps(self):
        """Return the engine's steps, in order."""
        return [escalation.Step(
            id=step.id, days=step.days, amount=step.amount, broken=step.broken, letters=step.letters,
            answer_days=step.answer_days, level=step.level, dispute_days=step.dispute_days, wait_days=step.wait_days,
            repeat_days=step.repeat_days) for step in self]

    def _find_user(self, partner, company):
        """Return (who is told, whether it is somebody in the place of whom the step names).

        :param partner: res.partner, a customer
        :param company: res.company
        :return: (res.users or empty when the company has nobody, bool)
        """
        self.ensure_one()
        # sudo: who is in charge, whatever the caller may see of colleagues
        partner = partner.sudo().with_company(company)
        user = self.sudo()._get_candidate(partner, company)._ar_on_duty(company)
        if user and user.active and not user.share and company in user.company_ids:
            return user, False
        return self.sudo()._get_manager(company), True

    def _get_candidate(self, partner, company):
        """Hook: return whom the step names, for a customer; may be empty."""
        return {
            'collector': lambda: partner.ar_collector_id,
            'salesperson': lambda: partner.user_id,
            'sales_leader': lambda: self._get_sales_leader(partner.user_id, company),
            'user': lambda: self.user_id,
            'role': lambda: self._get_least_busy(company),
        }.get(self.to, lambda: self.user_id or self._get_manager(company))()

    def _get_sales_leader(self, salesperson, company):
        """Hook: return the manager of a salesperson; an addon that knows sales teams or employees says who that is."""
        return self.env['res.users']

    def _get_least_busy(self, company):
        """Return the user of the step's role who has the fewest escalations to answer."""
        users = self.group_id.all_user_ids.filtered(
            lambda user: user.active and not user.share and company in user.company_ids).sorted('id')
        counts = {user.id: count for user, count in self.env['ar.escalation']._read_group(
            [('user_id', 'in', users.ids), ('state', '=', 'open')], ['user_id'], ['__count'])}
        return min(users, key=lambda user: counts.get(user.id, 0), default=users)

    def _get_manager(self, company):
        """Return the receivables manager of a company who is there today; empty when there is none."""
        managers = self.env.ref('ar_coordinator.group_ar_manager').all_user_ids.filtered(
            lambda user: user.active and not user.share and company in user.company_ids).sorted('id')
        named = company.ar_dispute_manager_id
        return (named if named in managers else managers[:1])._ar_on_duty(company)
