"""Whether invoices reached their customers: read from what Odoo did and heard, nothing is stored for it.

What is known of an invoice, the strongest first:

    opened      somebody who is no user of ours opened it online, the customer answered on it, or the image of its
                e-mail was fetched (where a company tracks that; a sign, so that the others name the channel first)
    delivered   a user says that it was delivered otherwise; or it came with an imported history
    sent        the latest e-mail with an attachment, letter or e-invoice left and did not come back
    sending     it is in a queue
    bounced     the latest e-mail came back from all its addresses
    failed      the latest e-mail, letter or e-invoice could not be sent
    untraced    Odoo made the invoice and marks it as sent, but nothing left by Odoo: no address, or sent by hand
    not_sent    nothing was done with it since it was posted

Each channel counts with its latest attempt, and the best channel counts.
"""
from odoo import api, models
from odoo.tools import SQL

from .ar_import_loader import NUMBER_REGEX
from .ar_invoice_delivery import OPENED

SENT_TYPES = ('out_invoice', 'out_refund', 'out_receipt')
EMAIL, LETTER, EINVOICE = 'email', 'snail', 'einvoice'


class ArLedger(models.AbstractModel):
    _inherit = 'ar.ledger'

    @api.model
    def _delivery_of(self, move_ids):
        """Return {move id: {state, channel, day, reason}} of posted customer documents. One query.

        :param move_ids: ids the user may read
        """
        self._flush_delivery()
        return {row.pop('id'): row for row in self.env.execute_query_dict(SQL(
            """SELECT account_move.id, delivery.state, delivery.channel, delivery.day, delivery.reason
                 FROM account_move JOIN LATERAL (%s) AS delivery ON TRUE
                WHERE account_move.id = ANY(%s) AND delivery.state IS NOT NULL""",
            self._sql_delivery('account_move'), list(move_ids)))}

    def _sql_delivery_column(self, alias, column):
        """SQL expression over account_move `alias`: one column of `_sql_delivery`."""
        self._flush_delivery()
        return SQL("(SELECT %s FROM (%s) AS delivery)", SQL.identifier(column), self._sql_delivery(alias))

    def _flush_delivery(self):
        """Flush what `_sql_delivery` reads."""
        self.env['account.move'].flush_model([
            'commercial_partner_id', 'company_id', 'is_move_sent', 'journal_id', 'move_type', 'sending_data', 'state'])
        for model in ('account.journal', 'ar.invoice.delivery', 'mail.message', 'mail.notification'):
            self.env[model].flush_model()
        self.env['res.partner'].flush_model(['commercial_partner_id', 'invoice_sending_method', 'partner_share'])

    def _sql_delivery(self, alias):
        """SQL of one row about the invoice `alias` (account_move): state, channel, day, reason.

        The state is NULL for what is not sent to customers.
        """
        move = SQL.identifier(alias)
        return SQL(
            """SELECT CASE WHEN %(move)s.state != 'posted' OR %(move)s.move_type NOT IN %(types)s THEN NULL
                           WHEN seen.day IS NOT NULL THEN 'opened'
                           WHEN told.day IS NOT NULL THEN 'delivered'
                           WHEN attempt.status = 'sent' THEN 'sent'
                           WHEN jsonb_typeof(%(move)s.sending_data) = 'object' THEN 'sending'
                           WHEN attempt.status IS NOT NULL THEN attempt.status
                           WHEN journal.sequence_override_regex = %(imported)s THEN 'delivered'
                           WHEN %(move)s.is_move_sent AND %(method)s = 'manual' THEN 'sent'
                           WHEN %(move)s.is_move_sent THEN 'untraced'
                           ELSE 'not_sent' END AS state,
                      CASE WHEN seen.day IS NOT NULL THEN seen.channel
                           WHEN told.day IS NOT NULL THEN told.kind
                           WHEN attempt.status IS NOT NULL THEN attempt.channel
                           WHEN journal.sequence_override_regex = %(imported)s THEN 'imported'
                           WHEN %(move)s.is_move_sent AND %(method)s = 'manual' THEN 'manual' END AS channel,
                      COALESCE(seen.day, told.day, attempt.day) AS day,
                      CASE WHEN seen.day IS NULL AND told.day IS NULL THEN attempt.reason END AS reason
                 FROM account_journal journal
                 JOIN res_partner customer ON customer.id = %(move)s.commercial_partner_id
            LEFT JOIN LATERAL (%(seen)s) AS seen ON TRUE
            LEFT JOIN LATERAL (%(told)s) AS told ON TRUE
            LEFT JOIN LATERAL (%(attempt)s) AS attempt ON TRUE
                WHERE journal.id = %(move)s.journal_id""",
            move=move, types=SENT_TYPES, imported=NUMBER_REGEX, method=self._sql_sending_method(alias),
            seen=self._sql_seen(alias), told=self._sql_told(alias), attempt=self._sql_attempt(alias))

    def _sql_sending_method(self, alias):
        """SQL of the customer's way to get invoices, in the invoice's company; `customer` is joined."""
        partners = self.env['res.partner']
        field = partners._fields['invoice_sending_method']
        company = SQL("%s.company_id", SQL.identifier(alias))
        fallbacks = {
            record.id: field.get_company_dependent_fallback(partners.with_company(record)) or EMAIL
            for record in self.env.companies}
        cases = SQL(" ").join(SQL("WHEN %s THEN %s", key, value) for key, value in fallbacks.items())
        return SQL(
            "COALESCE(customer.invoice_sending_method ->> %s::text, CASE %s %s ELSE 'email' END)",
            company, company, cases)

    def _sql_day(self, alias, moment):
        """SQL of the day of a UTC moment in the company's time zone."""
        cases = SQL(" ").join(
            SQL("WHEN %s THEN %s", company.id, company._ar_timezone()) for company in self.env.companies.sudo())
        return SQL(
            "(%(moment)s AT TIME ZONE 'UTC' AT TIME ZONE CASE %(move)s.company_id %(cases)s ELSE 'UTC' END)::date",
            moment=moment, move=SQL.identifier(alias), cases=cases)

    def _sql_seen(self, alias):
        """The first time the customer opened it or answered on it; else the first time that its e-mail seems opened."""
        return SQL(
            """SELECT day, channel FROM (
                   SELECT delivery.date AS day,
                          CASE delivery.kind WHEN 'opened' THEN 'online' ELSE delivery.kind END AS channel
                     FROM ar_invoice_delivery delivery
                    WHERE delivery.move_id = %(move)s.id AND delivery.kind IN %(opened)s AND delivery.active
                UNION ALL
                   SELECT %(day)s, 'answer'
                     FROM mail_message message
                     JOIN res_partner author ON author.id = message.author_id AND author.partner_share
                          AND author.commercial_partner_id = %(move)s.commercial_partner_id
                    WHERE message.model = 'account.move' AND message.res_id = %(move)s.id
                          AND message.message_type IN ('email', 'comment')) AS sign
            ORDER BY channel = 'opened_email', day LIMIT 1""",
            move=SQL.identifier(alias), opened=OPENED, day=self._sql_day(alias, SQL("message.date")))

    def _sql_told(self, alias):
        """The latest delivery by other means that a user noted down."""
        return SQL(
            """SELECT delivery.date AS day, delivery.kind
                 FROM ar_invoice_delivery delivery
                WHERE delivery.move_id = %s.id AND delivery.kind NOT IN %s AND delivery.active
             ORDER BY delivery.date DESC, delivery.id DESC LIMIT 1""", SQL.identifier(alias), OPENED)

    def _sql_attempt(self, alias):
        """The best of the latest attempts of each channel: channel, day, status, reason."""
        return SQL(
            """SELECT channel, day, status, reason FROM (
                   (SELECT DISTINCT ON (notification.notification_type) notification.notification_type AS channel,
                          MAX(%(day)s) AS day,
                          CASE WHEN bool_or(notification.notification_status IN ('sent', 'pending')) THEN 'sent'
                               WHEN bool_or(notification.notification_status IN ('ready', 'process')) THEN 'sending'
                               WHEN bool_or(notification.notification_status = 'bounce') THEN 'bounced'
                               ELSE 'failed' END AS status,
                          STRING_AGG(DISTINCT COALESCE(notification.failure_reason, notification.failure_type), '; ')
                              FILTER (WHERE notification.notification_status IN ('bounce', 'exception')) AS reason
                     FROM mail_message message
                     JOIN mail_notification notification ON notification.mail_message_id = message.id
                          AND notification.notification_type IN ('email', 'snail')
                LEFT JOIN res_partner recipient ON recipient.id = notification.res_partner_id
                    WHERE message.model = 'account.move' AND message.res_id = %(move)s.id
                          AND (recipient.id IS NULL OR recipient.partner_share)
                          AND (notification.notification_type = 'snail' OR EXISTS (
                              SELECT FROM message_attachment_rel enclosed WHERE enclosed.message_id = message.id))
                 GROUP BY notification.notification_type, message.id
                 ORDER BY notification.notification_type, message.id DESC)
                   %(einvoice)s) AS latest
             ORDER BY array_position(ARRAY['sent', 'sending', 'bounced', 'failed'], status), day DESC NULLS LAST
                LIMIT 1""",
            move=SQL.identifier(alias), day=self._sql_day(alias, SQL("message.date")),
            einvoice=self._sql_einvoice(alias))

    def _sql_einvoice(self, alias):
        """Hook: UNION ALL with (channel, day, status, reason) of e-invoices; Peppol's if it is installed."""
        if not self._has_peppol():
            return SQL()
        return SQL(
            """UNION ALL
            SELECT 'einvoice', NULL::date, CASE %(state)s WHEN 'to_send' THEN 'sending' WHEN 'processing' THEN 'sent'
                                                         WHEN 'done' THEN 'sent' ELSE 'failed' END, NULL
             WHERE %(state)s IN ('to_send', 'processing', 'done', 'error', 'skipped')""",
            state=SQL.identifier(alias, 'peppol_move_state'))

    def _has_peppol(self):
        """Whether `account_peppol` keeps the state of e-invoices in the column `peppol_move_state`."""
        field = self.env['account.move']._fields.get('peppol_move_state')
        return bool(field and field.store)
