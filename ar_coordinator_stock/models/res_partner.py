"""The deliveries behind the exposure of a customer."""
from odoo import api, models


class ResPartner(models.Model):
    _inherit = 'res.partner'

    @api.model
    def _ar_get_waiting_labels(self):
        """Override: transfers."""
        return {**super()._ar_get_waiting_labels(), 'stock.picking': self.env._("Deliveries that wait")}

    def _ar_get_exposure_documents(self, part, company):
        """Override: what was delivered is shown as the deliveries of its orders; without any (services), the orders."""
        found = super()._ar_get_exposure_documents(part, company)
        if part != 'delivered':
            return found
        _model, [(_field, _operator, order_ids)], label = found
        domain = [
            ('move_ids.sale_line_id.order_id', 'in', order_ids), ('state', '=', 'done'),
            ('location_dest_id.usage', '=', 'customer')]
        # sudo: whether there are any; the list shows what the user may see
        return ('stock.picking', domain, label) if self.env['stock.picking'].sudo().search_count(
            domain, limit=1) else found
