"""Receivables in Odoo's digest mails, and our own one for managers on Mondays; it is off until it is switched on.

A digest looks back over spans that end now; money is that of the whole days in them, what is open that of the last one.
"""
from datetime import timedelta

from dateutil.relativedelta import MO, relativedelta

from odoo import fields, models

from ..engine import kpi

DIGEST = 'ar_coordinator.digest_ar'


class DigestDigest(models.Model):
    _inherit = 'digest.digest'

    kpi_ar_collected = fields.Boolean(string="Collected")
    kpi_ar_collected_value = fields.Monetary(compute='_compute_kpi_ar_collected_value')
    kpi_ar_receivable = fields.Boolean(string="Receivables")
    kpi_ar_receivable_value = fields.Monetary(compute='_compute_kpi_ar_receivable_value')
    kpi_ar_overdue = fields.Boolean(string="Overdue")
    kpi_ar_overdue_value = fields.Monetary(compute='_compute_kpi_ar_overdue_value')
    kpi_ar_overdue_share = fields.Boolean(string="Overdue share (%)")
    kpi_ar_overdue_share_value = fields.Float(compute='_compute_kpi_ar_overdue_share_value')

    # === COMPUTE METHODS === #

    def _ar_days(self):
        """Return (first, last) whole day of the span of the context; yesterday without one."""
        today = self.env.company._ar_today()
        start, end = (self.env.context.get(key) for key in ('start_datetime', 'end_datetime'))
        last = (end.date() if end else today) - timedelta(days=1)
        return min(start.date() if start else last, last), last

    def _compute_kpi_ar_collected_value(self):
        """:raise AccessError: for recipients without a role in receivables; Odoo leaves the figure out of their mail"""
        first, last = self._ar_days()
        for digest in self:
            company = digest.company_id or self.env.company
            digest.kpi_ar_collected_value = sum(amount for _day, amount in self.env['ar.ledger'].collected({
                'company_ids': company.ids, 'date_from': first, 'date_to': last}))

    # One method per figure: Odoo reads each for two spans and forgets that one only in between.

    def _compute_kpi_ar_receivable_value(self):
        """:raise AccessError: as above"""
        for digest in self:
            digest.kpi_ar_receivable_value = digest._ar_open()['total']

    def _compute_kpi_ar_overdue_value(self):
        """:raise AccessError: as above"""
        for digest in self:
            digest.kpi_ar_overdue_value = sum(digest._ar_open()['amounts'][1:])

    def _compute_kpi_ar_overdue_share_value(self):
        """:raise AccessError: as above"""
        for digest in self:
            amounts = digest._ar_open()['amounts']
            digest.kpi_ar_overdue_share_value = kpi.share(sum(amounts[1:]), sum(amounts)) or 0.0

    def _ar_open(self):
        """Return the totals of the aged receivables at the end of the span."""
        _first, last = self._ar_days()
        company = self.company_id or self.env.company
        return self.env['ar.ledger'].aged_balance({
            'company_ids': company.ids, 'as_of': last, 'bucket_limits': [90], 'limit': 1})['totals']

    def _compute_kpis_actions(self, company, user):
        """Override: our figures lead to our reports."""
        actions = super()._compute_kpis_actions(company, user)
        menu = self.env.ref('ar_coordinator.menu_ar_root').id
        reports = {
            'kpi_ar_collected': 'ar_collections_action', 'kpi_ar_receivable': 'ar_aging_action',
            'kpi_ar_overdue': 'ar_aging_action', 'kpi_ar_overdue_share': 'ar_kpi_action'}
        actions.update({
            name: f'{self.env.ref(f"ar_coordinator.{action}").id}?menu_id={menu}' for name, action in reports.items()})
        return actions

    # === ON MONDAYS === #

    def _is_ar_digest(self):
        return self == self.env.ref(DIGEST, raise_if_not_found=False)

    def _get_next_run_date(self):
        """Override: our weekly digest comes on Mondays."""
        date = super()._get_next_run_date()
        if self._is_ar_digest() and self.periodicity == 'weekly':
            date = fields.Date.today() + relativedelta(days=1, weekday=MO)
        return date

    def action_activate(self):
        """Override: our digest starts next Monday, for the managers when nobody else was chosen."""
        result = super().action_activate()
        for digest in self.filtered(lambda digest: digest._is_ar_digest()):
            digest.next_run_date = digest._get_next_run_date()
            if not digest.user_ids:
                group = self.env.ref('ar_coordinator.group_ar_manager')
                # sudo: whoever may activate a digest may name its recipients
                digest.user_ids = group.sudo().all_user_ids.filtered(
                    lambda user: user.active and not user.share and user.email and user.id != self.env.ref(
                        'base.user_root').id)
        return result
