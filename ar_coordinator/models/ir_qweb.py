"""What all letters of a batch share is made once: compiled mail templates, formatted dates and amounts, the sender."""
from lxml import etree

from odoo import models

COMPILED = 'ar_compiled_templates'  # context key: a dict that lives as long as the batch, see also `shared`


def shared(env, key, make):
    """Return `make()`, called once for all letters of a batch; `key` says what it depends on, the language included."""
    batch = env.context.get(COMPILED)
    if batch is None:
        return make()
    if key not in batch:
        batch[key] = make()
    return batch[key]


class IrQweb(models.AbstractModel):
    _inherit = 'ir.qweb'

    def _generate_code_uncached(self, template):
        """Override: take templates given as etree from the context's dict, where there is one.

        The key is the template's text and what Odoo's own cache of views goes by: language, restrictions, ...
        """
        compiled = self.env.context.get(COMPILED)
        if compiled is None or not isinstance(template, etree._Element):
            return super()._generate_code_uncached(template)
        options = tuple(self.env.context.get(key) or False for key in self._get_template_cache_keys())
        key = (etree.tostring(template), options)
        if key not in compiled:
            compiled[key] = super()._generate_code_uncached(template)
        return compiled[key]
