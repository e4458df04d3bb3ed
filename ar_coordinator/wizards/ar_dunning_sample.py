"""A sample letter of a dunning level: in any language, for any customer, with made-up items. Nothing is stored or sent.
"""
from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools.misc import format_date

from ..engine import interest
from ..models.ar_dunning_claim import to_decimal
from ..models.ar_outbox import describe

SAMPLE_AMOUNTS = (1234.5, 480.0)


class ArDunningSample(models.TransientModel):
    _name = 'ar.dunning.sample'
    _description = "Sample Dunning Letter"

    company_id = fields.Many2one(comodel_name='res.company', required=True, default=lambda self: self.env.company)
    policy_id = fields.Many2one(comodel_name='ar.dunning.policy', required=True, ondelete='cascade')
    level_id = fields.Many2one(
        comodel_name='ar.dunning.level', required=True, ondelete='cascade', domain="[('policy_id', '=', policy_id)]",
        compute='_compute_level_id', store=True, readonly=False, precompute=True)
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", required=True, default=lambda self: self.env.company.partner_id,
        domain=['|', ('is_company', '=', True), ('parent_id', '=', False)])
    lang = fields.Selection(
        selection='_get_languages', string="Language", required=True, compute='_compute_lang', store=True,
        readonly=False, precompute=True)
    subject = fields.Char(compute='_compute_message')
    message = fields.Html(compute='_compute_message', sanitize=False)
    claim_note = fields.Char(compute='_compute_message')

    @api.model
    def _get_languages(self):
        return self.env['res.lang'].get_installed()

    @api.depends('policy_id')
    def _compute_level_id(self):
        for sample in self:
            sample.level_id = sample.level_id or sample.policy_id.level_ids[:1]

    @api.depends('partner_id')
    def _compute_lang(self):
        for sample in self:
            sample.lang = sample.partner_id.lang or self.env.lang or 'en_US'

    @api.depends('level_id', 'partner_id', 'lang', 'company_id')
    def _compute_message(self):
        for sample in self:
            sample.subject = sample.message = sample.claim_note = False
            if sample.level_id.claim_interest and sample.company_id.ar_interest_scheme == 'none':
                sample.claim_note = self.env._(
                    "No interest is shown: no law is set for late-payment interest (Settings, Receivables).")
            if not (sample.level_id and sample.partner_id and sample.lang):
                continue
            try:
                sample.subject, sample.message = sample._render()
            except UserError as error:  # a broken template: said here, where it can be mended
                sample.message = self.env._("This letter cannot be shown: %s", describe(error))

    def _render(self):
        """Return (subject, body) of the sample."""
        letter = self._make_letter()
        # sudo: wording is managed by managers, and this is shown to them; the letter exists in memory only
        template = self.level_id.mail_template_id._origin.sudo()
        subject, body = (
            template._render_field(name, letter._ids, set_lang=self.lang)[letter._ids[0]]
            for name in ('subject', 'body_html'))
        return subject, body

    def _make_letter(self):
        """Return a letter that is nowhere stored, two items late by the level's days and a month more."""
        level, company = self.level_id._origin, self.company_id
        today = company._ar_today()
        currency = company.currency_id
        lines = []
        for number, amount in enumerate(SAMPLE_AMOUNTS, start=1):
            late = level.delay_days + 30 * (len(SAMPLE_AMOUNTS) - number)
            lines.append(fields.Command.create({
                'name': f'INV/{today.year}/{number:05}', 'level_id': level.id,
                'date_invoice': today - timedelta(days=late + 30), 'date_due': today - timedelta(days=late),
                'days_overdue': late, 'amount_original': amount, 'amount_open': amount, 'amount_asked': amount,
            }))
        letter = self.env['ar.dunning.letter'].new({
            'company_id': company.id, 'date': today, 'partner_id': self.partner_id.id,
            'recipient_id': self.partner_id.id, 'lang': self.lang, 'level_id': level.id, 'currency_id': currency.id,
            'line_ids': lines, 'line_count': len(lines), 'amount_total': sum(SAMPLE_AMOUNTS), 'state': 'draft',
        })
        letter.update(letter._prepare_fee(level))
        self._add_claim(letter)
        return letter

    def _add_claim(self, letter):
        """Work out what a letter of the level claims for late payment, under the law and with the rates of the company.

        Whether the customer is one the law protects from it is not looked at: the items are not theirs either.
        """
        company, scheme = self.company_id, self.company_id.ar_interest_scheme
        if not letter.level_id.claim_interest or scheme == 'none':
            return
        rates = self.env['ar.interest.rate']._get_rates(company, scheme)
        terms = interest.Terms(scheme, Decimal(f'{company.ar_interest_points:.3f}'), rates)
        law_currency = self.env['res.currency'].with_context(active_test=False).search(
            [('name', '=', interest.CURRENCIES[scheme])])
        for number, line in enumerate(letter.line_ids):
            amount = to_decimal(line.amount_open, letter.currency_id.decimal_places)
            debt = interest.Debt(number, amount, line.date_due, ())
            try:
                rows = interest.work_out([debt], [], letter.date, terms)[number]
            except interest.MissingRate as error:
                self.claim_note = self.env._(
                    "No interest is shown: there is no reference rate for the half-year from %(day)s.",
                    day=format_date(self.env, error.date_from))
                return
            if not rows:
                continue
            claim = line._prepare_interest(rows)
            if company.ar_interest_compensation and letter._can_convert(law_currency):
                line._add_compensation(claim, scheme, law_currency, line.amount_open)
            line.update(claim)
        amounts = {name: sum(letter.line_ids.mapped(name)) for name in ('amount_interest', 'amount_compensation')}
        letter.update({**amounts, 'amount_claim': sum(amounts.values()), 'claim_scheme': scheme})


class ArDunningPolicy(models.Model):
    _inherit = 'ar.dunning.policy'

    def action_sample(self):
        """Open a sample letter of the policy."""
        self.ensure_one()
        if not self.level_ids:
            raise UserError(self.env._("%s has no level yet: add one to see its letter.", self.display_name))
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Sample Letter"),
            'res_model': 'ar.dunning.sample',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_policy_id': self.id, 'dialog_size': 'extra-large'},
        }
