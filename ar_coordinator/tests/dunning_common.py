"""Fixtures of the dunning tests: Tuesday 2026-03-31, a clerk, short helpers around runs."""
from freezegun import freeze_time

from odoo import Command
from odoo.tests import RecordCapturer

from odoo.addons.mail.tests.common import MailCommon

from .common import ArCommon

TODAY = '2026-03-31'


class DunningCommon(ArCommon, MailCommon):

    @classmethod
    def default_env_context(cls):
        return {}  # mail features on

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time('2026-03-31 12:00:00'))
        cls.policy = cls.env.ref('ar_coordinator.ar_dunning_policy_default')
        cls.level_1, cls.level_2, cls.level_3 = cls.policy.level_ids
        cls.policy.level_ids.attach_invoices = 'no'
        cls.company.write({
            'ar_dunning_policy_id': cls.policy.id, 'ar_dunning_quiet_days': 7, 'email': 'ar@company.example.com',
            'ar_dunning_minimum_amount': 0})
        (cls.customer + cls.other_customer).write({'lang': 'en_US', 'street': "Quay 1", 'city': "Harbourtown"})
        cls.clerk = cls.ar_user('dunning_clerk', 'ar_coordinator.group_ar_user')
        cls.manager = cls.ar_user('dunning_manager', 'ar_coordinator.group_ar_manager')
        cls.reader = cls.ar_user('dunning_reader', 'ar_coordinator.group_ar_readonly')

    def ar_run(self, as_of=TODAY, user=None, company=None, preview=True):
        """A run started (and previewed) by the clerk."""
        run = self.env['ar.dunning.run'].with_user(user or self.clerk).create(
            {'as_of': as_of, 'company_id': (company or self.company).id})
        if preview:
            run.action_preview()
        return run

    def ar_send(self, as_of=TODAY, **kwargs):
        """A run previewed and sent by the clerk; no mail leaves Odoo's queue."""
        run = self.ar_run(as_of, **kwargs)
        with self.mock_mail_gateway():
            run.action_send()
        return run

    def ar_deliver(self, letters):
        """Let the mail queue send what is in it for these letters; return the e-mails that left."""
        mails = self.env['mail.mail'].sudo().search([('mail_message_id', 'in', letters.mail_message_id.ids)])
        with self.mock_mail_gateway():
            mails.send()
        return list(self._mails)

    def ar_notification(self, letter):
        """The delivery status of a letter's e-mail, as the mail queue writes it."""
        return self.env['mail.notification'].sudo().search([('mail_message_id', '=', letter.mail_message_id.id)])

    def ar_outcomes(self, run):
        """{invoice name: (result, reason, asked)} of a run; instalments get #2, #3 appended."""
        outcomes = {}
        for outcome in run.outcome_ids.sudo().sorted(lambda outcome: (outcome.date_due, outcome.id)):
            name, number = outcome.move_id.name, 1
            while (key := name if number == 1 else f'{name}#{number}') in outcomes:
                number += 1
            outcomes[key] = (outcome.result, outcome.reason, outcome.amount_asked)
        return outcomes

    def assertOutcome(self, run, move, result, reason, asked=None):
        """One item of `move` ended like this."""
        outcome = run.outcome_ids.sudo().filtered(lambda outcome: outcome.move_id == move)
        self.assertEqual(len(outcome), 1, "one outcome per item")
        self.assertEqual((outcome.result, outcome.reason), (result, reason))
        if asked is not None:
            self.assertEqual(outcome.amount_asked, asked)

    @classmethod
    def ar_dispute(cls, move, amount, **vals):
        """An open dispute over part of an invoice."""
        return cls.env['ar.dispute'].create({
            'move_id': move.id, 'amount': amount, 'date_open': '2026-03-01',
            'reason_id': cls.env['ar.dispute.reason'].search([], limit=1).id, **vals})

    def new_mails(self):
        """Capture the mail.mail records created in the block."""
        return RecordCapturer(self.env['mail.mail'].sudo(), [('model', '=', 'ar.dunning.letter')])


def contact(env, parent, name, **vals):
    """A contact of a customer."""
    return env['res.partner'].create({'name': name, 'parent_id': parent.id, **vals})


def instalment_terms(env):
    """30 % after 10 days, the rest after 60 days."""
    return env['account.payment.term'].create({
        'name': "30 % in 10 days, 70 % in 60 days",
        'line_ids': [
            Command.create({'value': 'percent', 'value_amount': 30, 'nb_days': 10}),
            Command.create({'value': 'percent', 'value_amount': 70, 'nb_days': 60}),
        ]})
