"""What every test class begins with, made once: Odoo's test companies, charts of accounts, users and products.

Odoo's AccountTestInvoicingCommon and MailCommon make them for each class anew, with thousands of statements. `make
test` makes them once (`make`), in the database that the tests' databases are copies of, and each class finds them
there. In any other database, and with Odoo's own test runner, each class makes its own.
"""
import json
from datetime import date
from unittest.mock import patch

from odoo import api, models, modules
from odoo.modules.registry import Registry
from odoo.tests.common import get_db_name

from odoo.addons.account.tests.common import AccountTestInvoicingCommon
from odoo.addons.base.tests.common import DISABLED_MAIL_CONTEXT, BaseCommon
from odoo.addons.mail.tests.common import MailCommon

PARAMETER = 'ar_coordinator.test_world'  # the class attributes, as JSON
KEPT = (models.BaseModel, api.Environment, str, int, float, type(None), dict, list, tuple, date)
make_own = AccountTestInvoicingCommon.setUpClass.__func__
worlds = {}  # {database: JSON or False}


class WorldCommon(AccountTestInvoicingCommon):
    """AccountTestInvoicingCommon, which may have been there before."""

    @classmethod
    def setUpClass(cls):
        # between this class and that one there may be others, with data of their own on top of it
        with patch.object(AccountTestInvoicingCommon, 'setUpClass', classmethod(_find_or_make)):
            super().setUpClass()

    @classmethod
    def get_default_groups(cls):
        return super().get_default_groups() | cls.quick_ref('ar_coordinator.group_ar_manager')


def _find_or_make(cls):
    """AccountTestInvoicingCommon.setUpClass, with the data of this database if it has them."""
    name = get_db_name()
    if name not in worlds:
        with Registry(name).cursor() as cr:
            worlds[name] = api.Environment(cr, api.SUPERUSER_ID, {})['ir.config_parameter'].get_param(PARAMETER)
    if not worlds[name]:
        make_own(cls)
        return
    last = MailCommon if issubclass(cls, MailCommon) else BaseCommon
    super(last, cls).setUpClass()  # cursor, patches and all else that is no data
    for attribute, value in json.loads(worlds[name], object_hook=lambda found: _read(cls, found)).items():
        setattr(cls, attribute, value)


def make():
    """Make the world in the database of the tests, for good."""
    world = type('World', (WorldCommon, MailCommon), {})
    before = set(vars(world))
    try:
        with patch.object(modules.module, 'current_test', world):  # so that nothing is installed with companies
            world.setUpClass()
        values = {
            name: value for name, value in vars(world).items()
            if name not in before and isinstance(value, KEPT) and not name.startswith('registry')}
        world.env['ir.config_parameter'].sudo().set_param(PARAMETER, json.dumps(values, default=_write))
        world.env.flush_all()
        world.cr._cnx.commit()  # the cursor itself refuses to
    finally:
        world.doClassCleanups()


def _write(value):
    if isinstance(value, models.BaseModel):
        return {'__model__': value._name, 'ids': value._ids, **_write(value.env)}
    if isinstance(value, api.Environment):
        return {'__user__': value.uid, 'su': value.su, 'context': dict(value.context)}
    return {'__date__': value.isoformat()}


def _read(cls, found):
    """What `_write` wrote, for a class; its own context takes the place of the world's."""
    if '__date__' in found:
        return date.fromisoformat(found['__date__'])
    if '__user__' not in found:
        return found
    context = found['context']
    if DISABLED_MAIL_CONTEXT.items() <= context.items():
        context = {key: value for key, value in context.items() if key not in DISABLED_MAIL_CONTEXT}
        context.update(cls.default_env_context())
    env = api.Environment(cls.cr, found['__user__'], context, found['su'])
    return env[found['__model__']].browse(found['ids']) if '__model__' in found else env
