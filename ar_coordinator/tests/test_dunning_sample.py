"""The sample letter of a policy: any language, any customer, nothing stored."""
from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .dunning_common import DunningCommon


@tagged('post_install', '-at_install')
class TestDunningSample(DunningCommon):

    def sample(self, user=None, **vals):
        """The sample's form, as the button of the policy opens it."""
        policy = self.policy.with_user(user or self.manager)
        context = policy.action_sample()['context']
        form = Form(self.env['ar.dunning.sample'].with_user(user or self.manager).with_context(**context))
        for name, value in vals.items():
            form[name] = value
        return form

    def test_sample_follows_its_fields(self):
        """Live: level, language and customer change the letter at once; letters and runs stay as they are."""
        self.env['res.lang']._activate_lang('de_DE')
        self.env['ir.module.module']._load_module_terms(['ar_coordinator'], ['de_DE'])
        counts = {name: self.env[name].search_count([]) for name in (
            'ar.dunning.letter', 'ar.dunning.letter.line', 'ar.dunning.run', 'mail.mail', 'mail.message')}
        form = self.sample(partner_id=self.customer)
        self.assertEqual(form.level_id, self.level_1.with_user(self.manager))
        for text in ("Payment reminder", "1,234.50", "480.00", "1,714.50", "03/28/2026", "04/10/2026"):
            self.assertIn(text, form.message)
        form.lang = 'de_DE'
        self.assertEqual(form.subject, f"{self.company.name}: Zahlungserinnerung")
        for text in ("Zahlungserinnerung", "1.714,50", "28.03.2026"):
            self.assertIn(text, form.message)
        form.level_id = self.level_3
        self.assertIn("Letzte Mahnung", form.message)
        self.assertNotIn("reminder", form.message)
        self.assertEqual({name: self.env[name].search_count([]) for name in counts}, counts)

    def test_sample_shows_the_fee(self):
        self.level_1.write({'fee_amount': 5, 'fee_percent': 1})
        form = self.sample(partner_id=self.customer)
        for text in ("Reminder fee", "22.15", "1,736.65"):  # 5 and 1 % of 1,714.50, rounded once
            self.assertIn(text, form.message)

    def test_sample_shows_the_interest_claim(self):
        """With the company's law, rates and points: 480.00 ten days late and 1,234.50 a month more, at 2.15 + 8 %."""
        self.level_1.write({'claim_interest': True, 'delay_days': 10})
        self.env.ref('base.EUR').active = True
        self.company.write({'ar_interest_scheme': 'eu', 'ar_interest_points': 8, 'ar_interest_compensation': False})
        form = self.sample(partner_id=self.customer)
        self.assertFalse(form.claim_note)
        # 480.00 * 10.15 % * 10 / 365 = 1.33; 1,234.50 * (10.15 % * 40) / 365 = 13.73
        for text in ("10.15", "1.33", "13.73", "15.06", "1,729.56", "directive 2011/7/EU"):
            self.assertIn(text, form.message)
        self.company.ar_interest_compensation = True
        form.lang = form.lang
        self.assertIn("Fixed compensation", self.sample(partner_id=self.customer).message)

    def test_sample_says_why_there_is_no_interest(self):
        self.level_1.claim_interest = True
        form = self.sample(partner_id=self.customer)
        self.assertIn("no law is set", form.claim_note)
        self.assertNotIn("interest", form.message)
        self.company.ar_interest_scheme = 'uk'
        self.env['ar.interest.rate'].search([('scheme', '=', 'uk'), ('date_from', '=', '2026-01-01')]).unlink()
        form = self.sample(partner_id=self.customer)
        self.assertIn("01/01/2026", form.claim_note)
        self.assertIn("1,714.50", form.message)

    def test_broken_template_says_so(self):
        self.level_1.mail_template_id.body_html = "<p><t t-out=\"object.no_such_field\"/></p>"
        with self.assertLogs('odoo.addons.mail.models.mail_render_mixin'):
            form = self.sample(partner_id=self.customer)
        self.assertIn("This letter cannot be shown", form.message)

    def test_roles(self):
        with self.assertRaises(AccessError):
            self.env['ar.dunning.sample'].with_user(self.clerk).create({'policy_id': self.policy.id})
        empty = self.env['ar.dunning.policy'].create({'name': "Empty"})
        with self.assertRaises(UserError):
            empty.action_sample()
