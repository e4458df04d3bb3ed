"""Who has no business with a customer learns nothing of it, whatever he calls: what methods return, what errors say.

`test_roles_everywhere.py` asks what readers and salespeople write; this asks what comes back, and what a manager of
another company and a user of the portal can do: with the ids of a customer who is known to one company only.
"""
from odoo import Command
from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from . import test_roles_everywhere as roles
from .desk_common import DeskCommon

SECRETS = ('SECRETX', '987654', '987,654', '987.654')
QUIET = ('odoo.sql_db', 'odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_model', 'odoo.models')
# these make something in the company of who calls
IN_HIS_OWN = {
    ('ar.first.run', 'set_closed'), ('ar.cash.desk', 'propose'), ('ar.cash.file', 'create_document_from_attachment')}
BOOKS = ('account.move', 'account.move.line', 'res.partner', 'account.payment', 'res.company')


@tagged('post_install', '-at_install')
class TestStrangers(DeskCommon):
    sample = classmethod(roles.TestRolesEverywhere.sample.__func__)
    guess = classmethod(roles.TestRolesEverywhere.guess.__func__)
    watch = roles.TestRolesEverywhere.watch
    get_methods = roles.TestRolesEverywhere.get_methods

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer.write({
            'name': "SECRETX Ltd", 'company_id': cls.company.id, 'email': 'SECRETX@example.com',
            'comment': "SECRETX", 'city': "SECRETX"})
        cls.invoice = cls.ar_invoice(987654.32, '2026-04-01', ref="SECRETX")
        cls.item = cls.ar_lines(cls.invoice)
        cls.ar_cash(9.87, '2026-04-02')
        cls.ar_promise(cls.ar_invoice(500, '2026-04-01'), '2026-06-20')
        cls.ar_late_dispute(cls.invoice, 100, customer_note="SECRETX", internal_note="SECRETX")
        cls.ar_answer(summary="SECRETX")
        cls.samples = {
            'res.partner': cls.customer, 'res.company': cls.company, 'res.users': cls.clerk,
            'res.currency': cls.company.currency_id, 'account.move': cls.invoice, 'account.move.line': cls.item}
        cls.making = set()
        run = cls.env['ar.dunning.run'].with_user(cls.clerk).create({'company_id': cls.company.id})
        run.action_preview()
        cls.other_company = cls.setup_other_company()['company']
        cls.stranger = cls.ar_user('strange_manager', 'ar_coordinator.group_ar_manager,account.group_account_manager')
        cls.stranger.write({'company_ids': [Command.set(cls.other_company.ids)], 'company_id': cls.other_company.id})
        cls.portal = new_test_user(cls.env, login='strange_portal', groups='base.group_portal')
        cls.models = [
            cls.env[name] for name, model in cls.env.registry.items()
            if model._module in roles.OURS and name.startswith('ar.')]
        with mute_logger(*QUIET):
            for model in cls.models:
                cls.sample(model._name)

    def call(self, user, record, name, *args):
        """Call a method as a user in his own company; return (tables written, all that comes back as text)."""
        company = user.company_id if user == self.stranger else self.company
        mine = record.with_user(user).with_context(allowed_company_ids=company.ids, active_test=False)
        answer, is_refused = "", False
        with self.watch() as written:
            try:
                answer = as_text(getattr(mine, name)(*args))
                self.env.flush_all()
            except Exception as error:  # a refusal is what is hoped for: what it says is looked at, too
                answer, is_refused = str(error), True
                self.env.invalidate_all(flush=False)
                raise roles._RollBack from error
        return set() if is_refused else written, answer

    def assert_no_secret(self, answer):
        self.assertFalse([secret for secret in SECRETS if secret in answer], answer[:400])

    def test_public_methods_tell_strangers_nothing(self):
        """A manager of another company and a portal user, with the ids of ours."""
        tried = 0
        with mute_logger(*QUIET):
            for model in [*self.models, *(self.env[name] for name in BOOKS)]:
                record = self.samples.get(model._name, model)
                for name, args in self.get_methods(model):
                    for user in (self.stranger, self.portal):
                        tried += 1
                        written, answer = self.call(user, record, name, *args)
                        with self.subTest(model=model._name, method=name, user=user.login):
                            self.assert_no_secret(answer)
                            if user == self.portal or (model._name, name) not in IN_HIS_OWN:
                                self.assertFalse(written)
        self.assertGreater(tried, 400)

    def test_records_and_dialogs_of_others_are_not_read(self):
        """Nor searched, nor named, nor exported; what another user has in a dialog neither, in one's own company."""
        colleague = self.ar_user('strange_colleague', 'ar_coordinator.group_ar_manager')
        with mute_logger(*QUIET):
            for model in self.models:
                if model._abstract:
                    continue
                record = self.samples[model._name]
                self.assertFalse(model.with_user(self.portal).has_access('read'), model._name)
                for name, args in (
                        ('search_read', ([],)), ('name_search', ("SECRETX",)), ('read', ()),
                        ('export_data', (['display_name'],))):
                    with self.subTest(model=model._name, method=name):
                        self.assert_no_secret(self.call(self.stranger, record, name, *args)[1])
                if model._transient and record:
                    with self.subTest(model=model._name, user='colleague'), self.assertRaises(AccessError):
                        record.with_user(colleague).read(['id'])


def as_text(result):
    """What a caller gets, as text in which secrets can be looked for."""
    return result.decode('latin-1') if isinstance(result, bytes) else repr(result)
