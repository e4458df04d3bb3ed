"""Who may only read changes nothing, whatever he calls; who sells sees nothing of the desk.

Goes through all our models as they are: what may be created, written and deleted; every button of our views; every
public method, on a record of each model. What comes back must be an error or nothing that was written. A model, button
or method that is added tomorrow is tried as well.
"""
import inspect
from contextlib import contextmanager, suppress
from unittest.mock import patch

from lxml import etree

from odoo import Command
from odoo.exceptions import AccessError
from odoo.models import BaseModel
from odoo.sql_db import Cursor
from odoo.tests import tagged
from odoo.tools import mute_logger

from .desk_common import DeskCommon

OURS = ('ar_coordinator', 'ar_coordinator_sale', 'ar_coordinator_stock')
# what readers keep for themselves: their filters of reports
OWN_OF_READERS = {'ar.report.filter', 'ar.report.filter.user'}
# what one was told of is answered by who was told (test_escalation.py); who sells asks for releases, and sees those he
# asked for (test_credit_hold.py)
OWN_OF_EVERYBODY = {'ar.escalation', 'ar.credit.release', 'ar.credit.release.use', 'ar.credit.reason.wizard'}
# a reader's look at the checksums of a pack stands in its chatter; nothing else does
NOTED = {('ar.month.end.pack', 'action_verify'): {'mail_message'}}
# answers with nothing instead of an error: the panel is on screens that others see, too
ANSWERS_NOTHING = {'ar.first.run': {'closed': True, 'text_completed': "", 'steps': []}}
# of a contact: that it gets letters
SALES_FIELDS = {'ar_is_receivables_contact'}
WRITES = ('INSERT', 'UPDATE', 'DELETE')
GUESSES = {'date': '2026-06-10', 'datetime': '2026-06-10 12:00:00', 'integer': 1, 'float': 1.0, 'monetary': 1.0,
           'char': "x", 'text': "x", 'html': "x"}


@tagged('post_install', '-at_install')
class TestRolesEverywhere(DeskCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.accountant = cls.ar_user('roles_accountant', 'account.group_account_readonly')
        cls.invoice = cls.ar_invoice(900, '2026-04-01')
        cls.item = cls.ar_lines(cls.invoice)
        cls.samples = {
            'res.partner': cls.customer, 'res.company': cls.company, 'res.users': cls.clerk,
            'res.currency': cls.company.currency_id, 'account.move': cls.invoice, 'account.move.line': cls.item}
        cls.making = set()
        cls.other = cls.ar_invoice(500, '2026-04-01', partner=cls.other_customer)
        cls.ar_promise(cls.other, '2026-06-20')
        cls.ar_late_dispute(cls.invoice, 100)
        run = cls.env['ar.dunning.run'].with_user(cls.clerk).create({'company_id': cls.company.id})
        run.action_preview()
        cls.models = [
            cls.env[name] for name, model in cls.env.registry.items()
            if model._module in OURS and name.startswith('ar.')]
        with mute_logger('odoo.sql_db', 'odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_model'):
            for model in cls.models:
                cls.sample(model._name)

    # === RECORDS === #

    @classmethod
    def sample(cls, name):
        """A record of a model: one that is there, or one with a guess for each field that has to be filled; or none."""
        model = cls.env[name].sudo().with_context(active_test=False)
        if name in cls.samples or model._abstract or name in cls.making:
            return cls.samples.get(name, model)
        cls.making.add(name)
        company = [('company_id', '=', cls.company.id)] if 'company_id' in model._fields and \
            model._fields['company_id'].store else []
        record = model.browse() if model._transient else model.search(company, limit=1)
        if not record:
            try:
                with cls.env.cr.savepoint():
                    record = model.create(cls.guess(model))
                    cls.env.flush_all()
            except Exception:  # a model that refuses a guess has no sample; how many have is asserted
                record = model.browse()
                cls.env.invalidate_all()
        cls.samples[name] = record.sudo(False)
        return cls.samples[name]

    @classmethod
    def guess(cls, model):
        vals = {}
        known = model.default_get(list(model._fields))
        for name, field in model._fields.items():
            if not field.store or field.compute or field.related or name in known or (
                    not field.required and name not in ('partner_id', 'company_id', 'move_id')):
                continue
            if field.type == 'many2one':
                vals[name] = cls.sample(field.comodel_name).id if field.comodel_name in cls.samples \
                    or field.comodel_name.startswith('ar.') else cls.env[field.comodel_name].search([], limit=1).id
            elif field.type == 'many2many':
                vals[name] = [Command.set(cls.sample(field.comodel_name).ids)]
            elif field.type == 'selection':
                vals[name] = field.get_values(cls.env)[0]
            elif field.type in GUESSES:
                vals[name] = GUESSES[field.type]
        return vals

    # === WHAT IS WRITTEN === #

    @contextmanager
    def watch(self):
        """Collect the tables that are written inside, wizards' own apart; everything is rolled back."""
        written, execute = set(), Cursor.execute
        free = {model._table for model in self.env.values() if model._transient}

        def watched(cursor, query, *args, **kwargs):
            text = str(getattr(query, 'code', query)).lstrip()
            if text.upper().startswith(WRITES):
                table = next((word.strip('"') for word in text.split()[1:] if word.upper() not in (
                    'INTO', 'FROM', 'ONLY')), '')
                if table not in free:
                    written.add(table)
            return execute(cursor, query, *args, **kwargs)
        try:
            with suppress(_RollBack), self.env.cr.savepoint(), patch.object(Cursor, 'execute', watched):
                yield written
                self.env.flush_all()
                raise _RollBack
        finally:
            self.env.invalidate_all()

    def call(self, user, record, name, *args):
        """Call a method as a user; return (tables written, error or None)."""
        error, written = None, set()
        try:
            with self.watch() as written, mute_logger('odoo.sql_db', 'odoo.addons.base.models.ir_rule'):
                getattr(record.with_user(user).with_context(allowed_company_ids=self.company.ids), name)(*args)
        except Exception as refused:  # whatever it says, it did nothing; AccessErrors are told apart by the caller
            error = refused
            written = set()
        return written, error

    def test_the_watch_sees(self):
        """What these tests look at: a manager's write is seen, a reader's is refused."""
        rule = self.rules['days']
        written, error = self.call(self.manager, rule, 'write', {'weight': 7})
        self.assertEqual((written, error), ({'ar_worklist_rule'}, None))
        self.assertEqual(rule.weight, 20.0, "rolled back")
        written, error = self.call(self.reader, rule, 'write', {'weight': 7})
        self.assertIsInstance(error, AccessError)

    # === RIGHTS === #

    def test_rights_of_readers(self):
        for user in (self.reader, self.accountant, self.sales):
            wrong = [
                (model._name, operation) for model in self.models if not model._abstract
                for operation in ('create', 'write', 'unlink')
                if model.with_user(user).has_access(operation)
                and model._name not in OWN_OF_EVERYBODY | OWN_OF_READERS]
            self.assertEqual(wrong, [], user.login)

    def test_who_sells_reads_nothing(self):
        readable = {model._name for model in self.models if not model._abstract
                    and model.with_user(self.sales).has_access('read')}
        self.assertEqual(readable - OWN_OF_EVERYBODY - OWN_OF_READERS, set())

    def test_records_are_there(self):
        concrete = [model for model in self.models if not model._abstract and not model._transient]
        missing = [model._name for model in concrete if not self.samples[model._name]]
        self.assertLess(len(missing), len(concrete) / 3, missing)

    # === BUTTONS === #

    def get_buttons(self):
        """{(model, method)} of all object buttons in our views."""
        views = self.env['ir.ui.view'].search([
            ('model', '!=', False), ('id', 'in', self.env['ir.model.data'].search([
                ('module', 'in', OURS), ('model', '=', 'ir.ui.view')]).mapped('res_id'))])
        found = set()
        for view in views:
            tree = view._get_combined_arch() if view.mode == 'primary' else None
            nodes = (etree.fromstring(view.arch) if tree is None else tree).iter('button')
            model = view.model
            found |= {
                (model, node.get('name')) for node in nodes
                if node.get('type') == 'object' and model in self.env and hasattr(self.env[model], node.get('name'))}
        return found

    def test_buttons(self):
        """No button writes for a reader or a salesperson."""
        buttons = self.get_buttons()
        self.assertGreater(len(buttons), 100)
        tried = 0
        for model, name in sorted(buttons):
            record = self.samples.get(model)
            if record is None or not _is_ours(self.env[model], name):
                continue
            tried += bool(record)
            for user in (self.accountant, self.sales):
                written, _error = self.call(user, record, name)
                with self.subTest(model=model, button=name, user=user.login):
                    self.assertEqual(written - self.allowed(self.env[model], name, user), set())
        self.assertGreater(tried, 80)

    # === METHODS === #

    def get_methods(self, model):
        """[(name, arguments)] of the public methods we wrote, with a guess for what they ask for."""
        guesses = {
            'partner_id': self.customer.id, 'partner_ids': self.customer.ids, 'company_id': self.company.id,
            'options': {}, 'action': 'call', 'line_ids': self.item.ids, 'partner': self.customer,
            'company': self.company, 'vals': {}, 'values': {}, 'key': 'dso', 'name': "x", 'note': "x", 'ids': [],
            'lines': [], 'reason': "x"}
        for name in dir(type(model)):
            method = getattr(type(model), name, None)
            if name.startswith('_') or not callable(method) or getattr(method, '_api_private', False) \
                    or hasattr(BaseModel, name) or not _is_ours(model, name):
                continue
            wanted = [
                parameter for parameter in list(inspect.signature(method).parameters.values())[1:]
                if parameter.default is parameter.empty and parameter.kind in (
                    parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)]
            yield name, [guesses.get(parameter.name, 1) for parameter in wanted]

    def test_methods(self):
        """No public method writes for a reader; those of the desk refuse a salesperson or tell nothing."""
        tried, buttons = 0, self.get_buttons()
        for model in self.models:
            record = self.samples.get(model._name, model)
            for name, args in self.get_methods(model):
                tried += 1
                if (model._name, name) in buttons and not args:
                    continue  # tried as a button
                for user in (self.accountant, self.sales):
                    written, error = self.call(user, record, name, *args)
                    with self.subTest(model=model._name, method=name, user=user.login):
                        self.assertEqual(written - self.allowed(model, name, user), set())
                        if user == self.sales and model._abstract and name.startswith('get_') and not error:
                            self.assertEqual(model.with_user(user).get_data(), ANSWERS_NOTHING.get(model._name))
        self.assertGreater(tried, 250)

    def allowed(self, model, name, user):
        """The tables that a method may write for a user."""
        if user == self.sales:
            return set()
        own = {model._table} if model._name in OWN_OF_READERS else set()
        return own | NOTED.get((model._name, name), set())

    def test_the_books_customers_and_companies(self):
        """What we added to Odoo's own models: no method writes for a reader or a salesperson."""
        for name in ('account.move', 'account.move.line', 'res.partner', 'account.payment', 'res.company'):
            record = self.samples.get(name, self.env[name])
            for method, args in self.get_methods(self.env[name]):
                for user in (self.accountant, self.sales):
                    written, _error = self.call(user, record, method, *args)
                    with self.subTest(model=name, method=method, user=user.login):
                        self.assertEqual(written, set())

    def test_what_a_salesperson_sees_of_a_customer(self):
        """The banner of a hold says that there is one; none of our other fields is readable."""
        customer = self.customer.with_user(self.sales)
        ours = [name for name, field in customer._fields.items() if name.startswith('ar_') and field._module in OURS]
        readable = []
        for name in ours:
            try:
                customer.read([name])
            except AccessError:
                continue
            readable.append(name)
        self.assertEqual(set(readable) - SALES_FIELDS, set())


class _RollBack(Exception):
    """Nothing of what was tried stays."""


def _is_ours(model, name):
    """Whether a method is defined in one of our addons."""
    for base in type(model).__mro__:
        if name in vars(base):
            return base.__module__.split('.')[2:3] and base.__module__.split('.')[2] in OURS
    return False
