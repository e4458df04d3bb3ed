"""What guarded records have in common.

They move by their buttons only: what a caller may not write he may not slip in as a default. Their customer is always
the commercial partner. And nobody gives a record to a company or an owner whose records he may not write.
"""
from odoo import api, models
from odoo.exceptions import AccessError

ALIAS_FIELDS = {'alias_id', 'alias_defaults'}


class ArGuard(models.AbstractModel):
    """Mixin of the models with record rules: the rules hold for a record as it is after a write as well.

    Odoo looks at them before a write only: a user might move his record to a company he has no access to, or take the
    name of a colleague, by writing the company, the owner or the parent.
    """
    _name = 'ar.guard'
    _description = "Guarded Record"

    @api.model_create_multi
    def create(self, vals_list):
        """Override: the company of a line is its parent's, whatever the caller says; Odoo's rules see that one."""
        if not self.env.su and self._has_company_of_parent():
            self = without_defaults(self, {'company_id'})
            vals_list = [_without_company(vals) for vals in vals_list]
        return super().create(vals_list)

    def write(self, vals):
        """Override: check record rules again when links were changed.

        :raise AccessError: when the user may not write what the records have become
        """
        if not self.env.su and self._has_company_of_parent():
            vals = _without_company(vals)
        result = super().write(vals)
        if not self.env.su and any(
                self._fields[name].type in ('many2one', 'many2many') for name in vals if name in self._fields):
            self.check_access('write')
        return result

    def _has_company_of_parent(self):
        """Whether the company is computed, and not chosen."""
        field = self._fields.get('company_id')
        return bool(field and field.compute and field.readonly)


class ArAliasGuard(models.AbstractModel):
    """Mixin of records with an e-mail address: what the address makes, and in which company, follows the record.

    Odoo writes aliases as superuser: a user could take over the address of another company's record, or let his own
    make records there.
    """
    _name = 'ar.alias.guard'
    _inherit = ['mail.alias.mixin.optional']
    _description = "Guarded Record with an E-mail Address"

    @api.model_create_multi
    def create(self, vals_list):
        self._check_alias_vals(*vals_list)
        return super(ArAliasGuard, without_defaults(self, ALIAS_FIELDS)).create(vals_list)

    def write(self, vals):
        self._check_alias_vals(vals)
        return super().write(vals)

    def _check_alias_vals(self, *vals_list):
        """:raise AccessError: for a user who chooses the alias itself, or its default values"""
        if not self.env.su and any(ALIAS_FIELDS & set(vals) for vals in vals_list):
            raise AccessError(self.env._("Of an e-mail address only its name and domain are chosen."))


def _without_company(vals):
    return {name: value for name, value in vals.items() if name != 'company_id'}


def without_defaults(records, names):
    """Return the records without `default_<name>` in their context; the context of a call is its caller's to choose.

    For the superuser as well: buttons create with sudo, in the context they were called in.

    :param records: recordset
    :param names: names of guarded fields
    """
    dropped = {f'default_{name}' for name in names} & records.env.context.keys()
    if not dropped:
        return records
    context = {key: value for key, value in records.env.context.items() if key not in dropped}
    return records.with_context(context)  # pylint: disable=context-overridden  # keys are taken out, not added


def of_customers(env, vals_list):
    """Return values for `create` with the commercial partner for the contact that was chosen.

    :param env: Environment
    :param vals_list: list of dict, those with `partner_id` are changed
    """
    partners = env['res.partner'].browse(vals['partner_id'] for vals in vals_list if vals.get('partner_id'))
    customers = {partner.id: partner.commercial_partner_id.id for partner in partners}
    return [
        {**vals, 'partner_id': customers[vals['partner_id']]} if vals.get('partner_id') else vals
        for vals in vals_list]
