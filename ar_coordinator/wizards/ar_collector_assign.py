"""Give customers to collectors: by the rules, or some of them to somebody; shown before anything changes."""
from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..models.ar_bulk import insert_rows
from ..models.ar_collector_rule import group_by_value
from ..models.ar_wording import counted

SCOPES = [
    ('new', "Customers without a collector"),
    ('rule', "Also those a rule gave to somebody"),
    ('all', "Also those a person gave to somebody"),
]


class ArCollectorAssign(models.TransientModel):
    _name = 'ar.collector.assign'
    _description = "Assign Collectors"

    company_id = fields.Many2one(
        comodel_name='res.company', required=True, default=lambda self: self.env.company, readonly=True)
    by = fields.Selection(
        selection=[('rules', "By the rules"), ('user', "To one collector")], required=True, default='rules')
    scope = fields.Selection(
        selection=SCOPES, string="Who", required=True, default='new',
        help="What a person decided stays as it is unless you ask for it here.")
    partner_ids = fields.Many2many(
        comodel_name='res.partner', string="Customers", help="Empty: all customers of the company.")
    user_id = fields.Many2one(comodel_name='res.users', string="Collector", domain=[('share', '=', False)])
    from_user_id = fields.Many2one(
        comodel_name='res.users', string="Only Customers of", domain=[('share', '=', False)])
    reason = fields.Char(help="Goes into the customers' history.")
    state = fields.Selection(selection=[('draft', "Choose"), ('shown', "Look")], default='draft', readonly=True)
    line_ids = fields.One2many(
        comodel_name='ar.collector.assign.line', inverse_name='wizard_id', string="Changes", readonly=True)
    load_ids = fields.One2many(
        comodel_name='ar.collector.assign.load', inverse_name='wizard_id', string="Work", readonly=True)
    line_count = fields.Integer(compute='_compute_line_count')

    @api.depends('line_ids')
    def _compute_line_count(self):
        for wizard in self:
            wizard.line_count = len(wizard.line_ids)

    @api.model
    def default_get(self, fields):
        """Override to begin with the customers chosen in a list."""
        values = super().default_get(fields)
        if self.env.context.get('active_model') == 'res.partner' and 'partner_ids' in fields:
            chosen = self.env['res.partner'].browse(self.env.context.get('active_ids', []))
            values.update(partner_ids=[(6, 0, chosen.commercial_partner_id.ids)], scope='all', by='user')
        return values

    def _check_manager(self):
        """:raise AccessError: for anybody but managers"""
        self.ensure_one()
        if not self.env.user.has_group('ar_coordinator.group_ar_manager'):
            raise AccessError(self.env._("Only managers of receivables give customers to other collectors."))

    def action_preview(self):
        """Show who would get whom, and how much work everybody would have. Nothing changes.

        :raise UserError: when it is not said to whom
        """
        self._check_manager()
        self.line_ids.unlink()
        self.load_ids.unlink()
        lines, loads = self._get_proposal()
        insert_rows(self.line_ids, lines)
        insert_rows(self.load_ids, loads)
        self.state = 'shown'
        self.invalidate_recordset()
        return self._reopen()

    def action_back(self):
        """Choose again."""
        self.state = 'draft'
        return self._reopen()

    def action_apply(self):
        """Give the customers out as shown; who changed in between is left alone.

        :raise UserError: when nothing was shown
        """
        self._check_manager()
        if self.state != 'shown':
            raise UserError(self.env._("Look at the changes before you apply them."))
        partners = self.line_ids.partner_id.with_company(self.company_id)
        current = {partner.id: partner.ar_collector_id for partner in partners.sudo()}  # sudo: ids, by the role above
        same = self.line_ids.filtered(lambda line: current[line.partner_id.id] == line.from_user_id)
        for (user, rule), own in group_by_value(
                {line.partner_id: (line.user_id, line.rule_id) for line in same}).items():
            own.with_company(self.company_id)._ar_assign(
                user, 'rule' if rule else 'hand', rule=rule or None, reason=self.reason or '')
        return {'type': 'ir.actions.client', 'tag': 'display_notification', 'params': {
            'type': 'success', 'message': counted(
                len(same), self.env._("1 customer has another collector now."),
                self.env._("%s customers have another collector now.", len(same))),
            'next': {'type': 'ir.actions.act_window_close'}}}

    def _get_proposal(self):
        """Return (values of lines, values of loads)."""
        if self.by == 'user' and not self.user_id:
            raise UserError(self.env._("Choose the collector who gets the customers."))
        # sudo: the role was checked; rules look at all customers of the company
        rules = self.env['ar.collector.rule'].sudo().with_company(self.company_id)
        partners = self.partner_ids.sudo().commercial_partner_id or rules._get_customers(self.company_id)
        partners = self._narrow(partners.with_company(self.company_id))
        if self.by == 'user':
            figures = self.env['ar.ledger'].sudo().exposure(company=self.company_id)
            proposed, loads = dict.fromkeys(partners, (self.user_id, rules)), {}
        else:
            proposed, figures, loads = rules._propose(self.company_id, partners)
        nothing = {'receivable': 0.0, 'overdue': 0.0}
        by_hand = self.env['ar.collector.assignment'].sudo()._get_made_by_hand(partners, self.company_id)
        lines = [{
            'wizard_id': self.id, 'partner_id': partner.id, 'from_user_id': partner.ar_collector_id.id,
            'user_id': user.id, 'rule_id': rule.id, 'is_by_hand': partner.id in by_hand,
            'currency_id': self.company_id.currency_id.id,
            'receivable': figures.get(partner.id, nothing)['receivable'],
            'overdue': figures.get(partner.id, nothing)['overdue'],
        } for partner, (user, rule) in proposed.items() if partner.ar_collector_id != user]
        return lines, self._get_load_values(rules, loads, figures)

    def _narrow(self, partners):
        """Leave out whom the scope does not allow to change."""
        if self.from_user_id:
            partners = partners.filtered(lambda partner: partner.ar_collector_id == self.from_user_id)
        if self.scope == 'all':
            return partners
        by_hand = self.env['ar.collector.assignment'].sudo()._get_made_by_hand(partners, self.company_id)
        partners = partners.filtered(lambda partner: partner.id not in by_hand)
        return partners if self.scope == 'rule' else partners.filtered(lambda partner: not partner.ar_collector_id)

    def _get_load_values(self, rules, loads, figures):
        """Return what each collector has now and would have."""
        collectors = self.env['res.users'].union(*loads)
        now = rules._get_loads(self.company_id, collectors, self.env['res.partner'], figures)
        return [{
            'wizard_id': self.id, 'user_id': user.id, 'currency_id': self.company_id.currency_id.id,
            'number_now': now[user.id].number, 'overdue_now': now[user.id].overdue,
            'number_then': load.number, 'overdue_then': load.overdue} for user, load in loads.items()]

    def _reopen(self):
        return {'type': 'ir.actions.act_window', 'res_model': self._name, 'res_id': self.id, 'target': 'new',
                'views': [(False, 'form')], 'name': self.env._("Assign Collectors")}


class ArCollectorAssignLine(models.TransientModel):
    _name = 'ar.collector.assign.line'
    _description = "Change of Collector"
    _order = 'overdue desc, receivable desc, id'

    wizard_id = fields.Many2one(comodel_name='ar.collector.assign', required=True, index=True, ondelete='cascade')
    partner_id = fields.Many2one(comodel_name='res.partner', string="Customer")
    from_user_id = fields.Many2one(comodel_name='res.users', string="Now")
    user_id = fields.Many2one(comodel_name='res.users', string="Then")
    rule_id = fields.Many2one(comodel_name='ar.collector.rule')
    is_by_hand = fields.Boolean(string="By Hand", help="The present collector is a person's decision.")
    currency_id = fields.Many2one(comodel_name='res.currency')
    receivable = fields.Monetary(string="Owes")
    overdue = fields.Monetary()


class ArCollectorAssignLoad(models.TransientModel):
    _name = 'ar.collector.assign.load'
    _description = "Work of a Collector"
    _order = 'user_id'

    wizard_id = fields.Many2one(comodel_name='ar.collector.assign', required=True, index=True, ondelete='cascade')
    user_id = fields.Many2one(comodel_name='res.users', string="Collector")
    currency_id = fields.Many2one(comodel_name='res.currency')
    number_now = fields.Integer(string="Customers Now")
    number_then = fields.Integer(string="Customers Then")
    overdue_now = fields.Monetary()
    overdue_then = fields.Monetary()
