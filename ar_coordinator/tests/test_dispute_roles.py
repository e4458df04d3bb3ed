"""Who may do what with disputes; and what the next dunning run makes of them."""
from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .dispute_common import DisputeCommon
from .dunning_common import DunningCommon


@tagged('post_install', '-at_install')
class TestDisputeRoles(DisputeCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.invoice = cls.goods((100, 10, cls.tax_19, 0))
        other = cls.setup_other_company()['company']
        cls.stranger = cls.env['res.users'].create({
            'name': "Clerk of another company", 'login': 'dispute_stranger', 'company_id': other.id,
            'company_ids': [Command.set(other.ids)],
            'group_ids': [Command.set(cls.env.ref('ar_coordinator.group_ar_user').ids)]})
        cls.other_portal = new_test_user(cls.env, login='dispute_other_portal', groups='base.group_portal')
        cls.other_portal.partner_id.parent_id = cls.other_customer

    def setUp(self):
        super().setUp()
        self.dispute = self.open_dispute(self.invoice, lines={self.invoice.invoice_line_ids: 3})
        self.dispute.outcome_note = "No."

    ACTIONS = (
        'action_investigate', 'action_accept', 'action_reject', 'action_withdraw', 'action_acknowledge',
        'action_reopen', 'action_take_back_request', 'action_approve', 'action_refuse_approval', 'action_close')

    def test_who_reads(self):
        models = ('ar.dispute', 'ar.dispute.line', 'ar.dispute.period', 'ar.dispute.report')
        for user in (self.clerk, self.manager, self.reader):
            self.assertEqual(self.as_user(self.dispute, user).amount, 357)
            for model in models:
                self.env[model].with_user(user).search([]).mapped('display_name')
        for user in (self.seller, self.portal, self.other_portal):
            with self.assertRaises(AccessError, msg=user.login):
                self.as_user(self.dispute, user).read(['amount'])
            for model in models:
                with self.assertRaises(AccessError, msg=(user.login, model)):
                    self.env[model].with_user(user).search([])

    def test_who_acts(self):
        """Readers, salespeople, portal users and another company's clerk change nothing, whatever they call."""
        for user in (self.reader, self.seller, self.portal, self.other_portal, self.stranger):
            dispute = self.as_user(self.dispute, user)
            for action in self.ACTIONS:
                with self.assertRaises(UserError, msg=(user.login, action)):  # or AccessError, which is one
                    getattr(dispute, action)()
            for vals in ({'amount': 1}, {'state': 'withdrawn'}, {'customer_note': "x"}):
                with self.assertRaises(AccessError, msg=(user.login, vals)):
                    dispute.write(vals)
            with self.assertRaises(AccessError, msg=user.login):
                dispute.line_ids.with_user(user).write({'quantity': 1})
            with self.assertRaises(AccessError, msg=user.login):
                dispute.create({'move_id': self.invoice.id, 'amount': 1, 'reason_id': self.reason.id})
        self.assertEqual((self.dispute.state, self.dispute.amount), ('new', 357))
        self.assertFalse(self.dispute.credit_move_ids)

    def test_another_companys_clerk(self):
        disputes = self.env['ar.dispute'].with_user(self.stranger)
        self.assertFalse(disputes.search([('id', '=', self.dispute.id)]))
        for model, domain in (('ar.dispute.line', [('dispute_id', '=', self.dispute.id)]),
                              ('ar.dispute.report', [('dispute_id', '=', self.dispute.id)])):
            self.assertFalse(self.env[model].with_user(self.stranger).search(domain), model)
        with self.assertRaises(AccessError):
            self.as_user(self.dispute, self.stranger).read(['amount'])
        with self.assertRaises(AccessError):
            disputes._open(self.invoice.with_user(self.stranger))

    def test_lines_of_a_decided_dispute(self):
        """Lines cannot be changed past the dispute: not when it is decided, not while it waits for approval."""
        self.company.ar_dispute_limit = 0
        self.dispute.action_accept()
        line = self.dispute.line_ids
        for change in (lambda: line.write({'quantity': 10}), line.unlink, lambda: line.create({
                'dispute_id': self.dispute.id, 'move_line_id': self.invoice.invoice_line_ids.id, 'quantity': 1})):
            with self.assertRaisesRegex(UserError, "waits for approval"):
                change()
        self.as_user(self.dispute, self.manager).action_approve()
        with self.assertRaisesRegex(UserError, "is decided"):
            line.write({'quantity': 10})
        with self.assertRaisesRegex(AccessError, "not by hand"):
            self.as_user(line, self.clerk).write({'quantity_accepted': 10})

    def test_settings_are_the_managers(self):
        for model, vals in (
            ('ar.dispute.reason', {'name': "x"}), ('ar.dispute.department', {'name': "x"}),
        ):
            with self.assertRaises(AccessError, msg=model):
                self.env[model].with_user(self.clerk).create(vals)
            self.env[model].with_user(self.manager).create(vals)

    def test_nothing_is_deleted_once_worked_on(self):
        with self.assertRaises(AccessError):
            self.dispute.unlink()
        self.dispute.action_investigate()
        with self.assertRaisesRegex(UserError, "withdraw it instead"):
            self.as_user(self.dispute, self.manager).unlink()


@tagged('post_install', '-at_install')
class TestDisputeDunning(DunningCommon):
    """The next run asks for what is not disputed, and goes on at the next level when a dispute ends."""

    def setUp(self):
        super().setUp()
        self.company.write({'ar_dunning_quiet_days': 0, 'ar_dispute_limit': 10_000})
        self.invoice = self.ar_invoice(1_000, '2026-01-01', '2026-02-01')
        self.ar_send('2026-03-30')  # the first level

    def test_only_the_disputed_part_waits(self):
        self.ar_dispute(self.invoice, 400)
        self.assertOutcome(self.ar_run(), self.invoice, 'sent', 'due', 600)

    def test_rejected_goes_on_at_the_next_level(self):
        dispute = self.ar_dispute(self.invoice, 1_000)
        self.assertOutcome(self.ar_run(), self.invoice, 'skipped', 'disputed')
        dispute.outcome_note = "No."
        dispute.action_reject()
        run = self.ar_run()
        self.assertOutcome(run, self.invoice, 'sent', 'due', 1_000)
        self.assertEqual(run.outcome_ids.level_id, self.level_2, "not the first again, not the last")

    def test_accepted_stays_out_until_it_is_credited_and_the_rest_is_asked(self):
        dispute = self.ar_dispute(self.invoice, 400)
        dispute._accept(amount=250)
        self.assertOutcome(self.ar_run(), self.invoice, 'sent', 'due', 750)
        dispute.credit_move_ids.action_post()
        self.assertFalse(dispute.is_open)
        self.assertOutcome(self.ar_run(), self.invoice, 'sent', 'due', 750)

    def test_taken_up_again_waits_again(self):
        dispute = self.ar_dispute(self.invoice, 1_000)
        dispute.action_withdraw()
        self.assertOutcome(self.ar_run(), self.invoice, 'sent', 'due', 1_000)
        dispute.action_reopen()
        self.assertOutcome(self.ar_run(), self.invoice, 'skipped', 'disputed')
