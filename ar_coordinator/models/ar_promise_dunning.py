"""What promises and plans mean for reminders; the company's days of tolerance and grace."""
from odoo import fields, models

from ..engine import dunning


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    def _get_stops(self, rows):
        """Override: items with an open promise, or in a plan that is offered or agreed, wait; the others do not."""
        stops = super()._get_stops(rows)
        item_ids, move_ids = [row['id'] for row in rows], [row['move_id'] for row in rows]
        promised, promised_moves = self.env['ar.promise']._get_waiting(self.company_id, item_ids, move_ids)
        for row in rows:
            if row['id'] in promised or row['move_id'] in promised_moves:
                stops.setdefault(row['id'], {})[dunning.PROMISED] = True
        return stops


class ArPromise(models.Model):
    _inherit = 'ar.promise'

    def _get_waiting(self, company, item_ids, move_ids):
        """Return what waits for a promise or a plan: (set of item ids, set of ids of invoices that lost their items).

        An offer waits until its last day, even if nobody has ended it yet.
        """
        today = company._ar_today()
        items, moves = set(), set()
        for model, domain in (
            ('ar.promise.line', []),
            ('ar.promise.plan.item', [
                '|', ('plan_id.state', '!=', 'proposed'), ('plan_id.date_valid', '>=', today)]),
        ):
            for line in self.env[model].search_fetch([
                    *domain, ('is_open', '=', True), ('company_id', '=', company.id),
                    '|', ('move_line_id', 'in', item_ids), '&', ('move_line_id', '=', False),
                    ('move_id', 'in', move_ids)], ['move_line_id', 'move_id']):
                if line.move_line_id:
                    items.add(line.move_line_id.id)
                else:
                    moves.add(line.move_id.id)
        return items, moves


class ResCompany(models.Model):
    _inherit = 'res.company'

    ar_promise_tolerance_days = fields.Integer(
        string="Tolerance of Promises", default=3,
        help="So many days after the promised one, the money may still come.")
    ar_plan_grace_days = fields.Integer(
        string="Grace of Payment Plans", default=7,
        help="When an instalment is missing so many days after its date, the plan ends and everything is due again.")
    ar_plan_offer_days = fields.Integer(
        string="Offer of Payment Plans", default=14,
        help="So many days a customer has to accept a plan; until then its items get no reminders.")

    _ar_promise_days = models.Constraint(
        'CHECK (ar_promise_tolerance_days >= 0 AND ar_plan_grace_days >= 0 AND ar_plan_offer_days > 0)',
        "Days of promises and payment plans cannot be negative.")


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    ar_promise_tolerance_days = fields.Integer(related='company_id.ar_promise_tolerance_days', readonly=False)
    ar_plan_grace_days = fields.Integer(related='company_id.ar_plan_grace_days', readonly=False)
    ar_plan_offer_days = fields.Integer(related='company_id.ar_plan_offer_days', readonly=False)
