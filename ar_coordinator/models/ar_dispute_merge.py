"""Duplicates: the same objection, told twice. One dispute stays; it gets the others' words, files and tasks."""
from odoo import Command, fields, models
from odoo.exceptions import UserError

from .ar_dispute import UNDECIDED_STATES


class ArDispute(models.Model):
    _inherit = 'ar.dispute'

    merged_into_id = fields.Many2one(
        comodel_name='ar.dispute', string="Merged into", readonly=True, copy=False, index='btree_not_null',
        ondelete='set null')
    merged_ids = fields.One2many(
        comodel_name='ar.dispute', inverse_name='merged_into_id', string="Merged Disputes", readonly=True)

    def action_merge(self):
        """Open the dialog that merges the selected disputes."""
        return {
            'name': self.env._("Merge Disputes"),
            'type': 'ir.actions.act_window',
            'res_model': 'ar.dispute.merge.wizard',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_dispute_ids': self.ids},
        }

    def _get_merged_amount(self):
        """Return the amount of these disputes as one: what is disputed twice counts once.

        :return: (amount, dict of account.move.line -> quantity; empty when an amount without lines is the larger one)
        """
        quantities = {}
        for line in self.line_ids:
            known = quantities.get(line.move_line_id, 0)
            quantities[line.move_line_id] = max(known, line.quantity, key=abs)
        by_lines = sum(self.line_ids._compute_tax_included(quantities).values())
        largest = max(self.mapped('amount'))
        currency = self.currency_id[:1]
        if quantities and currency.compare_amounts(by_lines, largest) >= 0:
            return currency.round(by_lines), quantities
        return largest, {}

    def _check_mergeable(self, others):
        """:raise UserError: when disputes are not the same objection or are decided already."""
        self.ensure_one()
        everything = self | others
        if not others - self:
            raise UserError(self.env._("Choose at least two disputes to merge."))
        for dispute in everything:
            if dispute.state not in UNDECIDED_STATES or dispute.approval_state == 'requested':
                raise UserError(self.env._("%s is decided or waits for approval and cannot be merged.", dispute.name))
        # an e-mail whose invoice was not found goes into a dispute of the same customer
        if len(everything.move_id) > 1 or len(everything.company_id) > 1 or len(everything.partner_id) > 1:
            raise UserError(self.env._(
                "Only disputes on one invoice can be merged: %s.", ", ".join(everything.mapped('name'))))
        if everything.move_id and not self.move_id:
            raise UserError(self.env._("%s has no invoice: keep the dispute that has one.", self.name))

    def _merge(self, others, amount=None):
        """Merge `others` into this dispute: messages, files, tasks, followers and words come here.

        :param others: ar.dispute
        :param amount: disputed amount from now on; None: what is disputed twice counts once
        :raise UserError: for disputes on different invoices, or decided ones
        """
        others -= self
        self._check_mergeable(others)
        everything = self | others
        everything.check_access('write')
        merged, quantities = everything._get_merged_amount()
        if amount is not None and self.currency_id.compare_amounts(amount, merged):
            merged, quantities = amount, {}
        # sudo: write access was checked; messages and files are other people's, states are not for users to write
        target, sources = self.sudo(), others.sudo()
        held, opened = min(everything.mapped('date_held')), min(everything.mapped('date_open'))
        deadlines = [deadline for deadline in everything.mapped('date_deadline') if deadline]
        for source in sources:
            source.message_change_thread(target)
        self.env['ir.attachment'].sudo().search([
            ('res_model', '=', self._name), ('res_id', 'in', sources.ids)]).res_id = self.id
        self.env['mail.activity'].sudo().search([
            ('res_model', '=', self._name), ('res_id', 'in', sources.ids)]).res_id = self.id
        target.message_subscribe(sources.message_partner_ids.ids)
        target.write({
            'line_ids': [Command.clear(), *(
                Command.create({'move_line_id': line.id, 'quantity': quantity})
                for line, quantity in quantities.items())],
            'amount': merged,
            'date_open': opened,
            'date_held': held,
            'date_deadline': min(deadlines, default=False),
            'contact_id': (target | sources).contact_id[:1].id,
            'customer_note': "\n\n".join(
                dict.fromkeys(note.strip() for note in everything.mapped('customer_note') if note and note.strip())),
        })
        for source in sources:  # held nothing of its own: the dispute that stays holds since the earliest day
            source._transition(
                UNDECIDED_STATES, 'closed', date_closed=source.date_held, closed_by='merged', merged_into_id=self.id)
            source._message_log(body=self.env._("Merged into %s", self._get_html_link()))
        target._message_log(body=self.env._(
            "Merged with %s", ", ".join(f"{source.name} ({source.id})" for source in sources)))
