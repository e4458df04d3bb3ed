"""Merging contacts: nobody gets rid of a hold or a limit by it, and two records that may not both be there become one.

Odoo points foreign keys to the contact that stays with plain SQL. Where our tables allow one record per customer, what
the others would double is ended before: it stays in the history, with a reason.
"""
from odoo import api, models

from ..engine import credit

STRICTEST_FIRST = (credit.NO_CREDIT, credit.LIMITED, credit.UNLIMITED)
# model, fields that may be the same for one record of a customer only, which records
ONCE = (
    ('ar.credit.hold', ('company_id', 'rule_id', 'level_id'), [('date_end', '=', False)]),
    ('ar.escalation', ('company_id', 'step_id'), [('date_ended', '=', False)]),
    ('ar.hand.over', ('company_id',), [('state', '=', 'open')]),
    ('ar.credit.application', ('company_id',), [('state', '=', 'submitted')]),
    ('ar.payer.habit', ('company_id', 'kind'), []),
    ('ar.deduction.code', ('company_id', 'code'), []),
    ('ar.provision.individual', ('provision_id',), [('is_merged', '=', False)]),
    ('ar.interest.waiver', ('run_id', 'currency_id'), [('is_merged', '=', False)]),
    ('ar.statement.run.line', ('run_id',), [('is_merged', '=', False)]),
    ('ar.statement.run.line', ('company_id', 'kind', 'date_to'), [
        ('state', 'in', ('queued', 'sent')), ('is_merged', '=', False)]),
)


class BasePartnerMerge(models.TransientModel):
    _inherit = 'base.partner.merge.automatic.wizard'

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Override: end what would be double."""
        self._ar_end_doubles(src_partners, dst_partner)
        return super()._update_foreign_keys(src_partners, dst_partner)

    @api.model
    def _update_values(self, src_partners, dst_partner):
        """Override: the strictest credit of those that are merged is the one that stays, in each company."""
        strictest = self._ar_get_strictest(src_partners | dst_partner)
        result = super()._update_values(src_partners, dst_partner)
        dst_partner.invalidate_recordset(['ar_credit_mode', 'credit_limit'])  # written in SQL by the merge
        # sudo: companies the user does not work in, too; nobody's credit becomes more by it
        for company, (mode, limit) in strictest.items():
            customer = dst_partner.sudo().with_company(company)
            if (customer.ar_credit_mode, customer.credit_limit) != (mode, limit):
                customer.write({'ar_credit_mode': mode, 'credit_limit': limit})
        self.env['ar.credit.queue']._put({(dst_partner.commercial_partner_id.id, company.id) for company in strictest})
        return result

    @api.model
    def _ar_get_strictest(self, partners):
        """Return {company: (mode, limit)} where anybody among `partners` was given a credit of his own or none."""
        strictest = {}
        customers = partners.sudo()  # sudo: every company's limits are compared, none is shown
        for company in customers.env['res.company'].search([('active', 'in', (True, False))]):
            own = [
                (partner.ar_credit_mode, partner.credit_limit) for partner in customers.with_company(company)
                if partner.ar_credit_mode and (partner.ar_credit_mode, partner.credit_limit) != (
                    partner._ar_get_credit_fallbacks())]
            if own:
                strictest[company] = min(own, key=lambda given: (STRICTEST_FIRST.index(given[0]), given[1]))
        return strictest

    @api.model
    def _ar_end_doubles(self, src_partners, dst_partner):
        """End, join or note what the database lets a customer have once, and the contacts have between them twice."""
        # sudo: bookkeeping of the merge, in companies the user does not work in, too
        self = self.sudo()
        reason = self.env._("Merged with %s", dst_partner.display_name)
        for model, names, domain in ONCE:
            records = self.env[model].with_context(active_test=False).search(
                [('partner_id', 'in', (src_partners | dst_partner).ids), *domain], order='id')
            records = records.sorted(lambda record: record.partner_id != dst_partner)  # those of who stays come first
            first, doubles = {}, {}
            for record in records:
                kept = first.setdefault(tuple(record[name] for name in names), record)
                if kept != record:
                    doubles[record] = kept
            if doubles:
                getattr(self, '_ar_end_' + model.replace('.', '_'))(doubles, dst_partner, reason)
        self.env.flush_all()  # what comes next is SQL

    @api.model
    def _ar_end_ar_credit_hold(self, doubles, dst_partner, reason):
        self.env['ar.credit.hold'].union(*doubles)._lift(reason)

    @api.model
    def _ar_end_ar_escalation(self, doubles, dst_partner, reason):
        self.env['ar.escalation'].union(*doubles)._end('merged')

    @api.model
    def _ar_end_ar_hand_over(self, doubles, dst_partner, reason):
        for record in doubles:
            record.write({'state': 'returned', 'date_returned': record.company_id._ar_today()})
            record._message_log(body=reason)

    @api.model
    def _ar_end_ar_credit_application(self, doubles, dst_partner, reason):
        """The other application waits; this one may be submitted again."""
        for application in doubles:
            application.state = 'draft'
            application._message_log(body=reason)

    @api.model
    def _ar_end_ar_payer_habit(self, doubles, dst_partner, reason):
        for habit, kept in doubles.items():
            if kept.percent == habit.percent:
                kept.write({'count': kept.count + habit.count, 'against': kept.against + habit.against})
        self.env['ar.payer.habit'].union(*doubles).unlink()

    @api.model
    def _ar_end_ar_deduction_code(self, doubles, dst_partner, reason):
        self.env['ar.deduction.code'].union(*doubles).unlink()

    @api.model
    def _ar_end_ar_provision_individual(self, doubles, dst_partner, reason):
        self.env['ar.provision.individual'].union(*doubles).is_merged = True  # what was provided stays

    @api.model
    def _ar_end_ar_interest_waiver(self, doubles, dst_partner, reason):
        self.env['ar.interest.waiver'].union(*doubles).is_merged = True  # what was waived stays

    @api.model
    def _ar_end_ar_statement_run_line(self, doubles, dst_partner, reason):
        self.env['ar.statement.run.line'].union(*doubles).is_merged = True  # what was sent stays
