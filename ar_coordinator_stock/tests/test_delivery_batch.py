"""Batch transfers (stock_picking_batch): none of a batch leaves when one is held; where that module is installed."""
import unittest

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import StockCreditCommon


@tagged('post_install', '-at_install')
class TestDeliveryBatch(StockCreditCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if 'stock.picking.batch' not in cls.env:
            raise unittest.SkipTest("stock_picking_batch is not installed in this database")
        cls.held = cls.delivery(cls.order(100, product=cls.stored, confirm=True), 1)
        cls.free = cls.delivery(cls.order(100, product=cls.stored, confirm=True, partner=cls.other_customer), 1)
        cls.batch = cls.env['stock.picking.batch'].create({
            'picking_ids': [Command.set((cls.held + cls.free).ids)], 'company_id': cls.company.id,
            'picking_type_id': cls.free.picking_type_id.id})
        cls.batch.action_confirm()
        cls.hold(cls, reason="Rumours")

    def test_a_batch_with_a_held_delivery(self):
        for context in ({}, {'skip_backorder': True, 'bypass_credit': True, 'skip_immediate': True}):
            with self.assertRaisesRegex(UserError, "Rumours") as caught, self.env.cr.savepoint():
                self.batch.with_user(self.storekeeper).with_context(**context).action_done()
            self.assertIn(self.held.name, str(caught.exception))
            self.assertNotIn(self.free.name, str(caught.exception))
            self.env.invalidate_all()
            self.assertEqual({self.held.state, self.free.state}, {'assigned'})

    def test_without_it_the_batch_leaves(self):
        self.batch.picking_ids = [Command.unlink(self.held.id)]
        self.batch.with_user(self.storekeeper).action_done()
        self.assertEqual((self.free.state, self.batch.state, self.held.state), ('done', 'done', 'assigned'))

    def test_a_release_lets_the_batch_leave(self):
        self.held.with_user(self.storekeeper).action_ar_request_release()
        self.held.ar_release_id.with_user(self.manager).action_approve("They pay")
        self.batch.with_user(self.storekeeper).action_done()
        self.assertEqual(set((self.held + self.free).mapped('state')), {'done'})
