"""How customers pay: learned from what users confirm, or agreed with the customer; to be looked at and switched off.

A habit that was confirmed often enough makes readings that follow it likelier. Oldest items are paid first only where
that is agreed: what is seen of it is counted, so that a manager may ask the customer.
"""
from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError

from .ar_guard import of_customers, without_defaults

KINDS = [
    ('statement', "Pays all that is due up to a day"),
    ('oldest', "Pays the oldest items first"),
    ('several', "Pays several invoices with one transfer"),
    ('less', "Always keeps back a share"),
]
COUNTED = {'count', 'against', 'date_last'}
TIMES = 3  # confirmations after which a habit counts
MOST_AGAINST = 0.25  # of the confirmations may have said otherwise
LARGEST_SHARE = 10  # % kept back that is taken for a habit


class ArPayerHabit(models.Model):
    _name = 'ar.payer.habit'
    _description = "Payer Habit"
    _inherit = ['ar.guard']
    _order = 'partner_id, kind, id'

    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company)
    kind = fields.Selection(selection=KINDS, string="Habit", required=True)
    percent = fields.Float(string="Share (%)", digits=(5, 2), help="Kept back of every invoice.")
    is_agreement = fields.Boolean(
        string="Agreed", default=True, help="Agreed with the customer: counts without having been seen.")
    count = fields.Integer(
        string="Confirmed", readonly=True, copy=False, help="How often users confirmed a payment that follows it.")
    against = fields.Integer(
        string="Otherwise", readonly=True, copy=False, help="How often the customer paid otherwise since.")
    date_last = fields.Date(string="Last Seen", readonly=True, copy=False)
    active = fields.Boolean(default=True, help="Switched off, payments are no longer read by it.")
    is_in_effect = fields.Boolean(string="In Effect", compute='_compute_is_in_effect')

    _unique_kind = models.UniqueIndex("(company_id, partner_id, kind)", "This habit of the customer is in the list.")

    @api.depends('kind', 'is_agreement', 'count', 'against', 'active')
    def _compute_is_in_effect(self):
        for habit in self:
            habit.is_in_effect = habit.active and (habit.is_agreement or (
                habit.kind != 'oldest' and habit.count >= TIMES and habit.against <= MOST_AGAINST * habit.count))

    @api.constrains('kind', 'percent')
    def _check_percent(self):
        for habit in self:
            if habit.kind == 'less' and not 0 < habit.percent < 50:
                raise ValidationError(self.env._(
                    "%s: say which share is kept back, above 0 and below 50 %%.", habit.partner_id.display_name))

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su and any(COUNTED & set(vals) for vals in vals_list):
            raise AccessError(self.env._("How often a habit was seen is counted, not written."))
        return super(ArPayerHabit, without_defaults(self, COUNTED)).create(of_customers(self.env, vals_list))

    def write(self, vals):
        if COUNTED & set(vals) and not self.env.su:
            raise AccessError(self.env._("How often a habit was seen is counted, not written."))
        return super().write(*of_customers(self.env, [vals]))

    @api.depends('kind', 'partner_id')
    def _compute_display_name(self):
        labels = dict(self._fields['kind']._description_selection(self.env))
        for habit in self:
            habit.display_name = f"{habit.partner_id.name}: {labels.get(habit.kind, '')}"

    @api.model
    def _get_rules(self, company):
        """Return what the engine's `Rules` take of the habits in effect: sets of customers, {customer: share}."""
        habits = self.search([('company_id', '=', company.id)]).filtered('is_in_effect').grouped('kind')
        names = {'statement': 'by_statement', 'oldest': 'oldest_first', 'several': 'several'}
        rules = {
            name: frozenset(habits[kind].partner_id.ids) for kind, name in names.items() if kind in habits}
        if 'less' in habits:
            rules['less'] = {habit.partner_id.id: round(habit.percent * 100) for habit in habits['less']}
        return rules

    @api.model
    def _learn(self, company, partner, seen):
        """Count what a confirmed payment shows.

        :param dict seen: {kind: share in percent, or 0}
        :return: {'for': ids, 'against': ids} of the habits counted, for `_unlearn`
        """
        known = self.search([('company_id', '=', company.id), ('partner_id', '=', partner.id)]).grouped('kind')
        today, learned = company._ar_today(), {'for': [], 'against': []}
        for kind, percent in seen.items():
            habit = known.get(kind)
            if not habit:
                habit = self.create({
                    'company_id': company.id, 'partner_id': partner.id, 'kind': kind, 'percent': percent,
                    'is_agreement': False})
            elif percent and percent != habit.percent:
                if habit.is_agreement:
                    continue
                habit.write({'percent': percent, 'count': 0, 'against': 0})
            habit.write({'count': habit.count + 1, 'date_last': today})
            learned['for'].append(habit.id)
        for kind, habit in known.items():
            if kind in ('statement', 'less') and kind not in seen:
                habit.against += 1
                learned['against'].append(habit.id)
        return learned

    @api.model
    def _unlearn(self, learned):
        """Take back what `_learn` counted."""
        for name, counter in (('for', 'count'), ('against', 'against')):
            for habit in self.browse(learned.get(name) or []).exists():
                habit[counter] = max(habit[counter] - 1, 0)


class ArCashProposal(models.Model):
    _inherit = 'ar.cash.proposal'

    learned = fields.Json(help="The habits that its confirmation was counted for: what undoing takes back.")

    def write(self, vals):
        if 'learned' in vals and not self.env.su:
            raise AccessError(self.env._("What a payment teaches is noted by itself."))
        return super().write(vals)

    def _learn(self):
        """Override: note the customer's habits."""
        result = super()._learn()
        for proposal in self.sudo():  # sudo: clerks teach by confirming, managers manage the list
            if proposal.line_ids and proposal.partner_id:
                proposal.learned = self.env['ar.payer.habit'].sudo().with_context(active_test=False)._learn(
                    proposal.company_id, proposal.partner_id, proposal._get_seen())
        return result

    def _unlearn(self):
        """Override: take the habits back."""
        result = super()._unlearn()
        for proposal in self.sudo().filtered('learned'):  # sudo: as _learn
            self.env['ar.payer.habit'].sudo().with_context(active_test=False)._unlearn(proposal.learned)
            proposal.learned = False
        return result

    def _get_seen(self):
        """Return {kind of habit: share in percent, or 0} of what an applied proposal shows."""
        self.ensure_one()
        seen = {}
        if self.line_ids.item_currency_id:
            return seen  # a rate is no habit
        paid = self.line_ids.filtered(lambda line: line.amount > 0)
        if len(paid) > 1:
            seen['several'] = 0
        in_part = paid.filtered(lambda line: self.currency_id.compare_amounts(
            line.amount + line.discount, line.residual) < 0)
        percent = self._get_share(paid) if in_part else 0
        if percent:
            seen['less'] = percent
        elif len(paid) > 1 and self._is_up_to_a_day(paid):
            if not in_part:
                seen['statement'] = 0
            elif len(in_part) == 1 and in_part == paid.sorted(lambda line: (line.date_maturity, line.id))[-1:]:
                seen['oldest'] = 0
        return seen

    def _get_share(self, paid):
        """Return the share that was kept back of all items together, in percent with one decimal; 0 for another one."""
        gross, net = sum(paid.mapped('residual')), sum(paid.mapped('amount'))
        percent = round(100 * (gross - net) / gross, 1)
        off = abs(gross * percent / 100 - (gross - net))
        return percent if 0 < percent <= LARGEST_SHARE and off <= len(paid) * self.currency_id.rounding else 0

    def _is_up_to_a_day(self, paid):
        """Return whether nothing older than the youngest of the paid items is open beside them."""
        last = max(line.date_maturity or line.move_line_id.date for line in paid)
        return not self.env['account.move.line'].search_count([
            ('account_type', '=', 'asset_receivable'), ('parent_state', '=', 'posted'), ('reconciled', '=', False),
            ('company_id', '=', self.company_id.id), ('currency_id', '=', self.currency_id.id),
            ('partner_id', '=', self.partner_id.id), ('amount_residual_currency', '>', 0),
            ('date_maturity', '<', last), ('id', 'not in', paid.move_line_id.ids)], limit=1)

    def _get_reasons(self):
        """Override: the habit that the reading follows."""
        sentences = super()._get_reasons()
        habit = (self.reading or {}).get('habit')
        labels = dict(self.env['ar.payer.habit']._fields['kind']._description_selection(self.env))
        if habit in labels:
            sentences.append(self.env._("The customer's habit: %s.", labels[habit]))
        return sentences
