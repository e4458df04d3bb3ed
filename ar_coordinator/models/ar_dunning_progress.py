"""How far a run is: letters handed to the post while it sends, and what became of them afterwards."""
from odoo import api, fields, models


class ArDunningRun(models.Model):
    _inherit = 'ar.dunning.run'

    progress = fields.Json(
        compute='_compute_progress', help="{total, done, failed: number of letters}; done ones have left the run.")
    delivery_note = fields.Char(
        string="Delivery", compute='_compute_progress', help="What became of the letters so far.")

    @api.depends('letter_ids.state', 'letter_ids.channel')
    @api.depends_context('lang')
    def _compute_progress(self):
        counts = {}
        for run, state, channel, count in self.env['ar.dunning.letter']._read_group(
                [('run_id', 'in', self._origin.ids)], ['run_id', 'state', 'channel'], ['__count']):
            counts.setdefault(run.id, []).append((state, channel, count))
        for run in self:
            own = counts.get(run._origin.id, [])
            total = sum(count for _state, _channel, count in own)
            left = sum(count for state, _channel, count in own if state == 'draft')
            failed = sum(count for state, _channel, count in own if state in ('failed', 'bounced'))
            run.progress = {'total': total, 'done': total - left, 'failed': failed}
            run.delivery_note = ", ".join(run._describe_delivery(own)) if run.state in ('sending', 'done') else False

    def _describe_delivery(self, counts):
        """Return what became of the letters, in words: one part per kind that there is.

        :param counts: list of (state, channel, number of letters)
        """
        def count(*states, channels=('email', 'letter', 'sms', 'call')):
            return sum(number for state, channel, number in counts if state in states and channel in channels)

        parts = (
            (count('sent'), lambda number: self.env._("%(count)s delivered", count=number)),
            (count('queued', channels=('email', 'sms')), lambda number: self.env._(
                "%(count)s on their way", count=number)),
            (count('queued', channels=('letter',)), lambda number: self.env._(
                "%(count)s to print and post", count=number)),
            (count('queued', channels=('call',)), lambda number: self.env._("%(count)s to call", count=number)),
            (count('failed', 'bounced'), lambda number: self.env._("%(count)s not delivered", count=number)),
            (count('cancelled'), lambda number: self.env._("%(count)s withdrawn", count=number)),
            (count('draft'), lambda number: self.env._("%(count)s waiting", count=number)),
        )
        return [describe(number) for number, describe in parts if number]
