"""Simulation of credit rules: orders that were confirmed, and what was ordered and not invoiced yet on a past day.

An order counts from the day it was confirmed with its total of today, less what was invoiced day by day; what was
cancelled since is not known any more.
"""
from collections import defaultdict

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.ar_coordinator.engine import credit
from odoo.addons.ar_coordinator.wizards.ar_credit_simulation import PastDocument


class ArCreditSimulation(models.TransientModel):
    _inherit = 'ar.credit.simulation'

    @api.model
    def _get_kinds(self):
        """Override: orders; invoices only where they are checked."""
        kinds = super()._get_kinds() | {credit.ORDER}
        return kinds if self.env.company.ar_credit_check_posting else kinds - {credit.POSTING}

    @api.model
    def _get_documents(self, date_from):
        """Override: confirmed orders, before the invoices of the same day."""
        orders = self.env['sale.order'].search([
            ('company_id', '=', self.env.company.id), ('state', '=', 'sale'), ('partner_invoice_id', '!=', False),
            ('date_order', '>=', fields.Datetime.to_datetime(date_from))], order='date_order, id')
        return [
            PastDocument(order, order._ar_get_payer().sudo(False), order._ar_get_confirmation_day(),
                         order._ar_get_size(), credit.ORDER, {order.id: order._ar_get_size()})
            for order in orders] + super()._get_documents(date_from)

    @api.model
    def _get_commitments_of(self, moves):
        """Override: what of an invoice is for which orders, in company currency."""
        of = defaultdict(lambda: defaultdict(float))
        for line in moves.invoice_line_ids.filtered('sale_line_ids'):
            order = line.sale_line_ids.order_id[:1]
            of[line.move_id.id][order.id] += line.price_total / (line.move_id.invoice_currency_rate or 1.0)
        return {**super()._get_commitments_of(moves), **of}

    @api.model
    def _get_commitments(self, customers, date_from):
        """Override: orders from their confirmation on, less their invoices; those that were done before are left out.
        """
        orders = self.env['sale.order'].search(Domain([
            ('company_id', '=', self.env.company.id), ('state', '=', 'sale'),
            ('partner_invoice_id.commercial_partner_id', 'in', customers.ids)]) & (
            Domain('invoice_status', 'in', ('to invoice', 'no'))
            | Domain('date_order', '>=', fields.Datetime.to_datetime(date_from))
            | Domain('order_line.invoice_lines.move_id.invoice_date', '>=', date_from)))
        moves = orders.order_line.invoice_lines.move_id.filtered(
            lambda move: move.state == 'posted' and move.invoice_date)
        changes = [
            (order._ar_get_confirmation_day(), order._ar_get_payer().id, order.id, order._ar_get_size())
            for order in orders]
        payers = {order.id: order._ar_get_payer().id for order in orders}
        of, last = self._get_commitments_of(moves), {}
        for move in moves:
            sign = 1 if move.move_type == 'out_refund' else -1
            for order_id, amount in of.get(move.id, {}).items():
                if order_id in payers:
                    changes.append((move.invoice_date, payers[order_id], order_id, sign * amount))
                    last[order_id] = max(last.get(order_id, move.invoice_date), move.invoice_date)
        ended = [
            (last[order.id], payers[order.id], order.id, None) for order in orders
            if order.id in last and order.invoice_status in ('invoiced', 'upselling')]
        # an end comes after the changes of its day
        return super()._get_commitments(customers, date_from) + sorted(
            changes + ended, key=lambda change: (change[0], change[3] is None))
