"""Posting an invoice costs nothing more because of us: it does not look into our tables."""
import re
from unittest.mock import patch

from odoo.sql_db import Cursor
from odoo.tests import tagged

from .common import ArCommon

# stored fields that follow the invoice would make every posting look for them
FOLLOWERS = re.compile(r'FROM "(ar_(?:dispute|pause|promise|dunning|customer_answer|hand_over)\w*)"')


@tagged('post_install', '-at_install')
class TestPostingCost(ArCommon):

    def test_posting_looks_for_nothing_of_ours(self):
        posted = self.ar_invoice(100, '2026-03-01', due='2026-03-20')
        self.env['ar.pause'].create({
            'move_id': posted.id, 'reason': "Waiting for a credit note", 'date_start': '2026-03-01',
            'date_end': '2026-12-31'})
        draft = self.ar_invoice(100, '2026-03-01', due='2026-03-20', post=False)
        self.env.flush_all()
        self.env.invalidate_all()
        found, execute = [], Cursor.execute

        def note(cursor, query, params=None, log_exceptions=True):
            found.extend(FOLLOWERS.findall(str(getattr(query, 'code', query))))
            return execute(cursor, query, params, log_exceptions)
        with patch.object(Cursor, 'execute', note):
            self.env['ar.pause'].search_count([('move_id', '=', posted.id)])
            self.assertEqual(found, ['ar_pause'], "queries are noted")
            draft.action_post()
            self.env.flush_all()
        self.assertEqual(draft.state, 'posted')
        self.assertEqual(found, ['ar_pause'])
