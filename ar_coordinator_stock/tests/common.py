"""Fixtures of the delivery tests: storable goods on stock, a storekeeper, short helpers for transfers."""
from odoo import Command

from odoo.addons.ar_coordinator_sale.tests.common import SaleCreditCommon


class StockCreditCommon(SaleCreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.warehouse = cls.env['stock.warehouse'].search([('company_id', '=', cls.company.id)], limit=1) \
            or cls.env['stock.warehouse'].create({'name': "Quay", 'code': "QUAY", 'company_id': cls.company.id})
        cls.storekeeper = cls.ar_user('credit_storekeeper', 'stock.group_stock_user')
        cls.stored = cls.env['product.product'].create({
            'name': "Cod", 'type': 'consu', 'is_storable': True, 'invoice_policy': 'delivery', 'list_price': 100,
            'taxes_id': []})
        cls.on_stock(cls.stored, 1_000)

    @classmethod
    def get_default_groups(cls):
        return super().get_default_groups() | cls.quick_ref('stock.group_stock_manager')

    @classmethod
    def on_stock(cls, product, quantity):
        """Put so many on stock."""
        cls.env['stock.quant'].with_context(inventory_mode=True).create({
            'product_id': product.id, 'inventory_quantity': quantity,
            'location_id': cls.warehouse.lot_stock_id.id}).action_apply_inventory()

    @classmethod
    def delivery(cls, order, quantity=None):
        """The transfer of an order that is still to be done, with so many picked."""
        picking = order.picking_ids.filtered(lambda picking: picking.state not in ('done', 'cancel'))
        picking.ensure_one()
        if quantity is not None:
            picking.move_ids.write({'quantity': quantity, 'picked': True})
        return picking

    @classmethod
    def done(cls, picking, backorder=True):
        """Validate a transfer and answer the question about the rest."""
        picking.with_context(
            skip_backorder=True, picking_ids_not_to_backorder=[] if backorder else picking.ids).button_validate()
        return picking

    @classmethod
    def transfer(cls, partner, source, destination, kind, quantity=1, **vals):
        """A transfer without an order, ready to be done."""
        picking = cls.env['stock.picking'].create({
            'partner_id': partner.id, 'picking_type_id': kind.id, 'location_id': source.id,
            'location_dest_id': destination.id, 'move_ids': [Command.create({
                'product_id': cls.stored.id, 'product_uom_qty': quantity,
                'location_id': source.id, 'location_dest_id': destination.id})], **vals})
        picking.action_confirm()
        picking.move_ids.write({'quantity': quantity, 'picked': True})
        return picking
