"""Mail templates compiled once for all letters of a batch, instead of once for each letter."""
from lxml import etree

from odoo import models

from .ar_batch import BATCH


class IrQweb(models.AbstractModel):
    _inherit = 'ir.qweb'

    def _generate_code_uncached(self, template):
        """Override: take templates given as etree from the context's dict, where there is one.

        The key is the template's text and what Odoo's own cache of views goes by: language, restrictions, ...
        """
        compiled = self.env.context.get(BATCH)
        if compiled is None or not isinstance(template, etree._Element):
            return super()._generate_code_uncached(template)
        options = tuple(self.env.context.get(key) or False for key in self._get_template_cache_keys())
        key = (etree.tostring(template), options)
        if key not in compiled:
            compiled[key] = super()._generate_code_uncached(template)
        return compiled[key]
