"""E-mails of disputes: letters in the customer's language, customers' messages that open disputes, answers, rubbish."""
from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .dispute_common import DisputeCommon

MAIL = """From: {sender}
To: {to}
Subject: {subject}
Message-ID: <{number}@mail.example.com>
{extra}MIME-Version: 1.0
Content-Type: text/html; charset=utf-8

{body}
"""


class DisputeMailCommon(DisputeCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.alias_domain_id = cls.env['mail.alias.domain'].create({
            'name': "disputes.example.com", 'bounce_alias': 'bounce-ar', 'catchall_alias': 'catchall-ar'})
        cls.department = cls.env['ar.dispute.department'].create({
            'name': "Customer Care", 'company_id': cls.company.id, 'user_id': cls.manager.id,
            'alias_name': 'claims-ar'})
        cls.buyer = cls.env['res.partner'].create({
            'name': "Bo Buyer", 'parent_id': cls.customer.id, 'email': "bo@harbourfish.example.com"})
        cls.invoice = cls.goods((100, 10, cls.tax_19, 0))
        cls.other_invoice = cls.goods((100, 1, cls.tax_19, 0))
        cls.foreign = cls.ar_invoice(500, '2026-03-01', partner=cls.other_customer)
        cls.number = 0

    def receive(self, subject, body="Please look into it.", sender="Bo Buyer <bo@harbourfish.example.com>", extra="",
                to="claims-ar@disputes.example.com"):
        """An e-mail as the gateway gets it; return the disputes it opened."""
        type(self).number += 1
        known = self.env['ar.dispute'].search([])
        with self.mock_mail_gateway():
            self.env['mail.thread'].sudo().message_process(None, MAIL.format(
                sender=sender, to=to, subject=subject, number=self.number, extra=extra, body=body))
        return self.env['ar.dispute'].search([]) - known


@tagged('post_install', '-at_install')
class TestDisputeInbox(DisputeMailCommon):

    def test_an_e_mail_opens_a_dispute_on_the_invoice_it_names(self):
        dispute = self.receive(f"Wrong quantity in {self.invoice.name}", "<p>Two boxes are missing.</p>")
        self.assertEqual(
            (dispute.move_id, dispute.amount, dispute.origin, dispute.company_id, dispute.partner_id),
            (self.invoice, 1_190, 'email', self.company, self.customer))
        self.assertEqual((dispute.department_id, dispute.user_id), (self.department, self.manager))
        self.assertEqual((dispute.contact_id, dispute.reason_id.code), (self.buyer, 'unclear'))
        self.assertIn("Two boxes are missing.", dispute.customer_note)
        said = "".join(dispute.message_ids.mapped('body'))
        self.assertIn("Two boxes are missing.", said, "the mail is in the chatter")
        self.assertEqual(dispute.date_acknowledged.isoformat(), '2026-03-31')
        self.assertEqual(self.held(), 1_190)

    def test_numbers_are_found_as_people_write_them(self):
        prefix, year, number = self.invoice.name.split('/')
        for text in (f"{prefix.lower()} {year} {number}", f"re: {prefix}{year}{number}!", f"{prefix}-{year}-{number}"):
            dispute = self.receive("Invoice", f"<p>about {text}</p>")
            self.assertEqual(dispute.move_id, self.invoice, text)
            dispute.action_withdraw()
        dispute = self.receive("Invoice", f"<p>about {self.invoice.name}1 and X{self.invoice.name}</p>")
        self.assertFalse(dispute.move_id, "another number")

    def test_payment_reference(self):
        self.invoice.payment_reference = "RF18 5390 0754"
        self.assertEqual(self.receive("RF1853900754", "wrong").move_id, self.invoice)

    def test_the_subject_decides_and_the_quoted_letter_does_not(self):
        dispute = self.receive(f"About {self.other_invoice.name}", f"<p>Unlike {self.invoice.name} this is wrong</p>")
        self.assertEqual(dispute.move_id, self.other_invoice)
        dispute.action_withdraw()
        quoted = self.receive("Re: reminder", f"<p>No idea</p><blockquote>Please pay {self.invoice.name}</blockquote>")
        self.assertFalse(quoted.move_id)

    def test_several_numbers_are_all_disputed(self):
        """One dispute per invoice, each acknowledged; the message is with the first, and they know of each other."""
        disputes = self.receive(
            "Hello", f"<p>{self.other_invoice.name} and {self.invoice.name} are wrong</p>").sorted('id')
        self.assertRecordValues(disputes, [
            {'move_id': self.other_invoice.id, 'amount': 119, 'origin': 'email', 'contact_id': self.buyer.id},
            {'move_id': self.invoice.id, 'amount': 1_190, 'origin': 'email', 'contact_id': self.buyer.id}])
        self.assertEqual(self.held(), 1_309)
        self.assertTrue(all(disputes.mapped('date_acknowledged')))
        first, second = ("".join(dispute.message_ids.mapped('body')) for dispute in disputes)
        self.assertIn("are wrong", first)
        self.assertIn(f'data-oe-id="{disputes[1].id}"', first)
        self.assertIn(f'data-oe-id="{disputes[0].id}"', second)

    def test_a_list_of_invoices_is_not_all_disputed(self):
        """Who names the whole account gets the first five disputed; the rest is the desk's to decide."""
        moves = [self.goods((10, 1, self.tax_19, 0)) for _number in range(6)]
        disputes = self.receive("Hello", f"<p>{', '.join(move.name for move in moves)}</p>").sorted('id')
        self.assertEqual(disputes.move_id.ids, [move.id for move in moves[:5]])
        self.assertIn(f"also names {moves[5].name}", "".join(disputes[0].message_ids.mapped('body')))

    def test_another_customers_invoice_waits_for_triage_and_nothing_leaks(self):
        dispute = self.receive(f"Problem with {self.foreign.name}", "<p>What is this?</p>")
        self.assertFalse(dispute.move_id)
        self.assertEqual((dispute.partner_id, dispute.amount, dispute.state), (self.customer, 0, 'new'))
        self.assertFalse(self.foreign.ar_dispute_ids)
        self.assertFalse(dispute.date_acknowledged)
        self.assertFalse(self._mails, "nothing is sent")
        hint = dispute.message_ids.filtered(lambda message: "Alder" in (message.body or ""))
        self.assertEqual(len(hint), 1)
        self.assertTrue(hint.is_internal or hint.subtype_id.internal, "for the desk only")
        self.assertNotIn("Alder", f"{dispute.name}{dispute.customer_note}")
        self.assertEqual(self.held(), 0)

    def test_a_stranger_waits_for_triage(self):
        dispute = self.receive(f"About {self.invoice.name}", sender="Mallory <mallory@elsewhere.example.com>")
        self.assertFalse(dispute.move_id or dispute.partner_id or dispute.contact_id)
        self.assertFalse(self._mails)
        self.assertEqual(self.held(), 0, "a stranger stops no reminder")

    def test_triage_the_desk_enters_the_invoice(self):
        dispute = self.receive("It is all wrong").with_user(self.clerk)
        self.assertEqual((dispute.name, dispute.partner_id), ("It is all wrong", self.customer))
        dispute.move_id = self.invoice
        self.assertEqual((dispute.amount, dispute.name), (1_190, f"Dispute on {self.invoice.name}"))
        dispute.action_investigate()
        with self.assertRaises(ValidationError):
            self.receive("More").with_user(self.clerk).write({'move_id': self.invoice.id, 'amount': 5_000})

    def test_paid_or_disputed_invoices_are_not_disputed_again(self):
        self.ar_pay(self.invoice, '2026-03-30')
        self.assertFalse(self.receive(self.invoice.name).move_id)
        self.open_dispute(self.other_invoice)
        self.assertFalse(self.receive(self.other_invoice.name).move_id)

    def test_rubbish_opens_nothing(self):
        for extra in ("Auto-Submitted: auto-replied\n", "Precedence: bulk\n", "X-Autoreply: yes\n",
                      "X-Spam-Flag: YES\n", "List-Unsubscribe: <https://example.com>\n"):
            self.assertFalse(self.receive(f"Out of office: {self.invoice.name}", extra=extra), extra)
        self.assertFalse(self.receive("Undeliverable", sender="MAILER-DAEMON@harbourfish.example.com"))
        self.assertFalse(self.receive("", body="<p> </p>"))

    def test_another_companys_address(self):
        """The address decides the company: the same customer's invoice of this one is not found there."""
        other = self.setup_other_company()['company']
        other.alias_domain_id = self.company.alias_domain_id
        self.env['ar.dispute.department'].create({
            'name': "Abroad", 'company_id': other.id, 'alias_name': 'claims-abroad'})
        dispute = self.receive(self.invoice.name, to="claims-abroad@disputes.example.com")
        self.assertEqual((dispute.company_id, dispute.move_id.id), (other, False))
        self.assertFalse(self.env['ar.dispute'].with_user(self.clerk).search([('id', '=', dispute.id)]))

    def test_an_address_needs_a_company(self):
        with self.assertRaisesRegex(ValidationError, "choose the company"):
            self.env['ar.dispute.department'].create({'name': "Nowhere", 'alias_name': 'claims-nowhere'})


@tagged('post_install', '-at_install')
class TestDisputeLetters(DisputeMailCommon):

    def sent(self, dispute):
        """The queued e-mails of a dispute, newest first."""
        return self.env['mail.mail'].sudo().search(
            [('model', '=', 'ar.dispute'), ('res_id', '=', dispute.id)], order='id desc',
        ).filtered(lambda mail: mail.recipient_ids.filtered('partner_share'))  # not those to colleagues

    def reply_to(self, mail, body="<p>Here is the photo.</p>", extra=""):
        return self.receive(
            f"Re: {mail.subject}", body, to="claims-ar@disputes.example.com",
            extra=f"In-Reply-To: {mail.message_id}\nReferences: {mail.message_id}\n{extra}")

    def test_acknowledgement_goes_to_whoever_raised_it(self):
        dispute = self.receive(self.invoice.name)
        mail = self.sent(dispute)
        self.assertEqual(mail.recipient_ids, self.buyer)
        self.assertIn("1,190.00", mail.body_html)
        self.assertIn(self.invoice.name, mail.subject)
        self.assertIn("claims-ar@disputes.example.com", mail.reply_to)

    def test_outcomes(self):
        for accepted, state, words in (
            (100, 'accepted', ("you are right", "100.00")),
            (60, 'partly_accepted', ("60.00", "The remaining <strong>", "40.00")),
            (0, 'rejected', ("cannot accept it", "100.00 ", "The delivery note is signed.")),
        ):
            dispute = self.open_dispute(self.invoice, amount=100)
            dispute.outcome_note = "The delivery note is signed."
            if accepted:
                dispute._accept(amount=accepted)
            else:
                dispute.action_reject()
            self.assertEqual(dispute.state, state)
            mail = self.sent(dispute)
            self.assertEqual((len(mail), mail.recipient_ids), (1, self.customer))
            for word in words:
                self.assertIn(word.strip(), mail.body_html)

    def test_in_the_customers_language(self):
        """Amounts and dates as the customer writes them (the wording is translated in i18n/)."""
        self.env['res.lang']._activate_lang('de_DE')
        self.customer.lang = self.buyer.lang = 'de_DE'
        dispute = self.open_dispute(self.goods((1_000, 2, self.tax_19, 0)))
        template = self.env.ref('ar_coordinator.mail_template_ar_dispute_rejected')
        template.with_context(lang='de_DE').body_html = template.body_html.replace("Kind regards", "Mit Grüßen")
        dispute.outcome_note = "Nein."
        dispute.action_reject()
        mail = self.sent(dispute)
        self.assertIn("Mit Grüßen", mail.body_html)
        self.assertIn("2.380,00", mail.body_html)

    def test_the_company_can_do_without(self):
        self.company.ar_dispute_letters = False
        dispute = self.open_dispute(self.invoice, amount=100)
        dispute.action_accept()
        self.assertFalse(self.sent(dispute))

    def test_no_address_is_a_call(self):
        self.customer.email = False
        self.buyer.email = False
        dispute = self.open_dispute(self.invoice, amount=100)
        dispute.user_id = self.colleague
        dispute.action_accept()
        self.assertFalse(self.sent(dispute))
        self.assertEqual(dispute.activity_ids.user_id, self.colleague)

    def test_answers_thread_and_make_a_task(self):
        dispute = self.receive(self.invoice.name)
        opened = self.reply_to(self.sent(dispute))
        self.assertFalse(opened, "no second dispute")
        self.assertIn("Here is the photo.", dispute.message_ids[0].body)
        task = dispute.activity_ids
        self.assertEqual((task.user_id, task.summary), (self.manager, "Bo Buyer wrote again"))
        self.reply_to(self.sent(dispute)[-1], extra="Auto-Submitted: auto-replied\n")
        self.assertEqual(dispute.activity_ids, task)

    def test_answer_to_a_closed_dispute_reopens_nothing_but_is_seen(self):
        dispute = self.open_dispute(self.invoice, amount=100)
        dispute.user_id = self.clerk
        dispute.outcome_note = "No."
        dispute.action_reject()
        self.reply_to(self.sent(dispute), "<p>I disagree.</p>")
        self.assertEqual((dispute.state, dispute.activity_ids.user_id), ('rejected', self.clerk))
