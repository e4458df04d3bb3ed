"""Orders under credit control: whichever way an order gets confirmed, and when a confirmed one grows.

The state of an order changes in `write` and `create`, for users, RPC, imports, signatures and payments alike, so that
is where it is checked. What a customer starts online and has not paid is not refused with an error that is none of his
business: it stays a quotation, and the salesperson gets a task. What he has paid is confirmed and marked.
"""
from contextlib import contextmanager

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import plaintext2html
from odoo.tools.misc import formatLang

from odoo.addons.ar_coordinator.engine import credit
from odoo.addons.ar_coordinator.models.ar_credit_hold import CreditRequest

# what makes a confirmed order bigger, or moves it to another customer or company
LINE_FIELDS = {'product_uom_qty', 'product_uom_id', 'price_unit', 'discount', 'tax_ids', 'product_id', 'order_id'}
ORDER_FIELDS = {
    'order_line', 'partner_id', 'partner_invoice_id', 'company_id', 'currency_id', 'pricelist_id', 'currency_rate',
    'date_order', 'fiscal_position_id'}
# stored and computed: readonly on screens, but not over RPC
COMPUTED_FIELDS = {'amount_untaxed', 'amount_tax', 'amount_total', 'currency_rate', 'invoice_status'}
# kept by the cursor, where no caller's context reaches: ids of orders that are watched, or paid and being confirmed
WATCHED, PAID = 'ar_coordinator_sale.watched', 'ar_coordinator_sale.paid'


def ar_compute_again(records, names):
    """What is computed stays what it is computed from, though somebody wrote another value (import, RPC).

    :param records: recordset
    :param names: names of stored computed fields
    """
    for name in names:
        records.env.add_to_compute(records._fields[name], records)


class SaleOrder(models.Model):
    _name = 'sale.order'
    _inherit = ['sale.order', 'ar.credit.mixin']

    ar_paid_on_hold = fields.Boolean(
        string="Paid While on Hold", readonly=True, copy=False, groups='base.group_user',
        help="Paid online, so the order was confirmed although the customer is on credit hold.")
    ar_credit_panel = fields.Html(
        string="Credit of the Customer", compute='_compute_ar_credit_panel', sanitize=False,
        groups='ar_coordinator.group_ar_base')

    # === COMPUTE METHODS === #

    @api.depends('partner_invoice_id', 'company_id', 'amount_total', 'currency_id', 'state')
    def _compute_ar_credit_state(self):
        """Override: the customer is who gets the invoice."""
        return super()._compute_ar_credit_state()

    @api.depends('partner_invoice_id', 'company_id', 'amount_total', 'currency_id', 'state')
    @api.depends_context('lang')
    def _compute_ar_credit_panel(self):
        """What the customer owes, what this order does to it, and the limit."""
        ledger, labels = self.env['ar.ledger'], self.env['ar.ledger']._get_exposure_labels()
        self.ar_credit_panel = False
        for company, orders in self.filtered('partner_invoice_id').grouped('company_id').items():
            customers = orders.partner_invoice_id.commercial_partner_id
            exposure = ledger.exposure(customers, company)
            limits = customers._ar_get_limits(company, exposure)
            for order in orders:
                customer = order.partner_invoice_id.commercial_partner_id
                own, limit = exposure[customer.id], limits[customer.id]
                adds = order._ar_get_added()
                order.ar_credit_panel = self.env['ir.qweb']._render('ar_coordinator_sale.ar_credit_panel', {
                    'customer': customer, 'limit': limit, 'adds': adds, 'after': limit.exposure + adds,
                    'confirmed': order.state == 'sale', 'own': own,
                    'company': company,
                    'parts': [(labels[part], own['parts'][part], part) for part in labels if part in own['parts']],
                    'money': lambda amount, company=company: formatLang(
                        self.env, amount, currency_obj=company.currency_id)})

    def _compute_partner_credit_warning(self):
        """Override: one banner is enough, and ours says more."""
        result = super()._compute_partner_credit_warning()
        for order in self.filtered('partner_credit_warning'):
            if order.ar_credit_state != 'free':
                order.partner_credit_warning = ''
        return result

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override: an order that is made as a confirmed one (import, RPC, copy with a default) is confirmed by it."""
        orders = super().create(vals_list)
        ar_compute_again(orders, COMPUTED_FIELDS.intersection(name for vals in vals_list for name in vals))
        orders.filtered(lambda order: order.state == 'sale')._ar_check_orders()
        return orders

    def write(self, vals):
        """Override: every confirmation comes through here, and what an order grows by."""
        confirming = self.browse()
        if vals.get('state') == 'sale':
            confirming = self.filtered(lambda order: order.state != 'sale')
        changing = not ORDER_FIELDS.isdisjoint(vals)
        confirming._ar_check_orders()
        if not COMPUTED_FIELDS.isdisjoint(vals):
            with (self - confirming)._ar_watch():
                result = super().write(vals)
                ar_compute_again(self, COMPUTED_FIELDS & vals.keys())
            confirming._ar_check_orders()
            return result
        if not changing or set(vals) == {'state', 'date_order'}:
            return super().write(vals)
        with (self - confirming)._ar_watch():
            result = super().write(vals)
        if set(vals) - {'state', 'date_order'}:
            confirming._ar_check_orders()  # as they are now
        return result

    @contextmanager
    def _ar_watch(self):
        """Judge the confirmed orders that have become bigger, or somebody else's, when the block ends.

        :raise UserError: a customer is on hold and no release covers what his order has become
        """
        watched = self.env.cr.cache.setdefault(WATCHED, set())
        orders = self.filtered(lambda order: order.state == 'sale' and order.id not in watched)
        before = {order: (order._ar_get_size(), order._ar_get_payer()) for order in orders}
        watched.update(orders.ids)
        try:
            yield
        finally:
            watched.difference_update(orders.ids)
        changed = orders.filtered(lambda order: order.state == 'sale' and (
            order._ar_get_payer() != before[order][1]
            or order.company_id.currency_id.compare_amounts(order._ar_get_size(), before[order][0]) > 0))
        if not changed:
            return
        held = changed._ar_judge_held()
        if held:
            raise UserError(self.env['ar.credit.hold']._explain(held) + "\n\n" + self.env._(
                "The order was confirmed with %(before)s: put what is added on a quotation of its own.",
                before=", ".join(formatLang(
                    self.env, before[verdict.request.document][0], currency_obj=verdict.request.company.currency_id)
                    for verdict in held)))

    # === CREDIT === #

    def _ar_get_payer(self):
        """Return the commercial partner who will owe what the order is for. sudo: ids are compared."""
        self.ensure_one()
        return self.sudo().partner_invoice_id.commercial_partner_id

    def _ar_get_size(self):
        """Return the order's total with taxes in company currency, at the order's own rate."""
        self.ensure_one()
        return self.company_id.currency_id.round(self.amount_total / (self.currency_rate or 1.0))

    def _ar_get_confirmation_day(self):
        """Return the day a confirmed order was confirmed, in the company's time zone."""
        self.ensure_one()
        return fields.Datetime.context_timestamp(
            self.with_context(tz=self.company_id._ar_timezone()), self.date_order).date()

    def _ar_get_order_request(self):
        """Return the CreditRequest to confirm this order, or to keep it as it is when it is confirmed."""
        self.ensure_one()
        company = self.company_id
        counted = 0.0
        if self.state == 'sale':
            counted = self._ar_get_size()
            return CreditRequest(
                self, self.partner_invoice_id, company, counted, company.currency_id, credit.ORDER, counted=counted)
        if self.state == 'sent' and company.ar_credit_include_quotations and self._origin.id and not self.is_expired:
            counted = self._ar_get_size()
        counted += self._ar_get_paid_in_flight()
        # confirmed today, so at today's rate
        return CreditRequest(
            self, self.partner_invoice_id, company, self.amount_total, self.currency_id, credit.ORDER, counted=counted)

    def _ar_get_added(self):
        """Return what confirming this order adds to the exposure, in company currency."""
        request = self._ar_get_order_request()
        size = request.currency._convert(
            request.amount, request.company.currency_id, request.company, request.company._ar_today())
        return request.company.currency_id.round(size - request.counted)

    def _ar_get_credit_request(self):
        """Override: quotations; what is confirmed cannot be held by this addon any more."""
        self.ensure_one()
        if self.state not in ('draft', 'sent') or not self.partner_invoice_id:
            return super()._ar_get_credit_request()
        return self._ar_get_order_request()

    def _ar_get_credit_domain(self):
        """Override: quotations."""
        return [('state', 'in', ('draft', 'sent'))]

    def _ar_judge_held(self):
        """Return the verdicts of these orders that are held and have no release; record the use of releases."""
        requests = [order._ar_get_order_request() for order in self if order.partner_invoice_id]
        verdicts = self.env['ar.credit.hold']._judge(requests) if requests else []
        for verdict in verdicts:
            if verdict.release:
                # sudo: the use of a release is recorded whoever changes the document
                verdict.release.sudo()._use(verdict)
        held = [verdict for verdict in verdicts if verdict.reasons and not verdict.release]
        if verdicts and not held:
            self.env['ar.credit.hold']._take_turns(verdicts)
        return held

    def _ar_check_orders(self):
        """Stop orders whose customers are held; mark those that are paid instead.

        :raise UserError: names every held order, with reasons, figures and what to do
        """
        if not self:
            return
        paid_ids = self.env.cr.cache.get(PAID, ())
        paid = self.filtered(lambda order: order.id in paid_ids)
        requests = [order._ar_get_order_request() for order in self - paid if order.partner_invoice_id]
        if requests:
            self.env['ar.credit.hold']._check_requests(requests)
        for verdict in paid._ar_judge_held():
            order = verdict.request.document
            order.ar_paid_on_hold = True
            order._ar_tell_held(verdict, self.env._(
                "Paid online and confirmed, though the customer is on credit hold. Decide before you deliver."))

    def _ar_get_paid_in_flight(self):
        """Return what was paid for this quotation and is not in the books yet, in company currency."""
        self.ensure_one()
        if self.id not in self.env.cr.cache.get(PAID, ()):
            return 0.0
        return sum(
            transaction.currency_id._convert(
                transaction.amount, self.company_id.currency_id, self.company_id, self.company_id._ar_today())
            for transaction in self.sudo().transaction_ids  # sudo: sums of payments, for the check
            if transaction.state == 'done' and not transaction.payment_id)

    def _ar_tell_held(self, verdict, text):
        """Give the salesperson a task and write a note, both of them internal."""
        self.ensure_one()
        order = self.sudo()  # sudo: customers confirm online; what they may not see stays in internal notes
        reasons = Markup("<ul>%s</ul>") % Markup().join(Markup("<li>%s</li>") % reason for reason in verdict.reasons)
        body = plaintext2html(text) + reasons
        order._message_log(body=body)
        user = order.user_id if order.user_id.active else order.user_id.browse()
        if not user:
            user = self.env['ar.credit.release'].sudo().new({  # sudo: who decides about credit in the company
                'company_id': order.company_id.id, 'partner_id': order._ar_get_payer().id})._get_approvers()[:1]
        if user:
            order.activity_schedule(
                'mail.mail_activity_data_todo', user_id=user.id, summary=self.env._("On credit hold"), note=body)

    # === ACTION METHODS === #

    def action_confirm(self):
        """Override: what customers start online and have not paid waits when it is held; all else is in `write`."""
        waiting = self._ar_set_aside() if self.env.su else self.browse()
        return super(SaleOrder, self - waiting).action_confirm() if self - waiting else True

    def _validate_order(self):
        """Override: signed by the customer. The signature stays, and so does the quotation if it is held."""
        waiting = self._ar_set_aside(self)
        return super(SaleOrder, self - waiting)._validate_order() if self - waiting else None

    def _ar_set_aside(self, online=None):
        """Return the quotations that customers confirm online, that are not paid and are held; tell the salesperson.

        :param online: those known to come from a customer; else those of portal users and of pending transactions
        """
        if online is None:
            online = self if self.env.user.share else self.filtered(lambda order: any(
                transaction.state == 'pending' and not transaction.is_post_processed
                for transaction in order.transaction_ids))
        paid_ids = self.env.cr.cache.get(PAID, ())
        online = online.filtered(lambda order: order.state in ('draft', 'sent') and order.id not in paid_ids)
        waiting = self.browse()
        for verdict in online._ar_judge_held():
            waiting |= verdict.request.document
            verdict.request.document._ar_tell_held(verdict, self.env._(
                "The customer has ordered online, and is on credit hold: the quotation waits. Request a release, then"
                " confirm it."))
        return waiting

    def action_ar_confirm(self):
        """Confirm the quotations among these that are not on hold, and say which ones are.

        :return: a notification for the web client
        :raise UserError: when there is no quotation among them
        """
        quotations = self.filtered(lambda order: order.state in ('draft', 'sent'))
        if not quotations:
            raise UserError(self.env._("Choose quotations: none of these orders waits for confirmation."))
        held, explanation = quotations._ar_get_held()
        confirmed = quotations - held
        if confirmed:
            confirmed.action_confirm()
        return {
            'type': 'ir.actions.client', 'tag': 'display_notification', 'params': {
                'type': 'warning' if held else 'success', 'sticky': bool(held),
                'title': self.env._(
                    "Confirmed: %(confirmed)s. On credit hold: %(held)s.", confirmed=len(confirmed), held=len(held)),
                'message': explanation or self.env._("All of them are confirmed."),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            }}
