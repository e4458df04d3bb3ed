"""The link of a dunning letter, as browsers, scanners and strangers use it."""
import logging
import re

from lxml import html

from odoo.exceptions import AccessError
from odoo.tests import HttpCase, freeze_time, tagged
from odoo.tools import hash_sign, mute_logger

from .answer_common import AnswerCommon
from .test_customer_answer import PNG

GONE = "This link is not valid, or not any more"


@tagged('post_install', '-at_install')
class TestAnswerLink(AnswerCommon, HttpCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['ir.config_parameter'].set_param('web.base.url', cls.base_url())

    def setUp(self):
        super().setUp()
        self.letter = self.ar_letter()
        self.url = self.letter._get_answer_url()

    def page(self, url=None, status=200):
        """The page behind a link, parsed."""
        response = self.url_open(url or self.url)
        self.assertEqual(response.status_code, status)
        return html.fromstring(response.content)

    def text(self, page):
        """The words of a page."""
        return re.sub(r'\s+', " ", page.xpath("//main")[0].text_content())

    def token(self, page=None):
        """The token against forgery of a page that was opened."""
        return (self.page() if page is None else page).xpath("//input[@name='csrf_token']/@value")[0]

    def post(self, kind, url=None, allow_redirects=True, files=None, **form):
        """Post an answer as the page's form does."""
        form.setdefault('csrf_token', self.token())
        return self.url_open(
            f'{url or self.url}/{kind}', data=form, files=files, allow_redirects=allow_redirects)

    def paid_form(self, moves=None):
        return {
            'item': [str(item) for item in self.ar_lines(moves or self.first + self.second).ids],
            'date': '2026-03-20', 'reference': "RF18"}

    def assertGone(self, url):
        """A link that opens nothing says the same, whatever the reason."""
        response = self.url_open(url)
        self.assertEqual(response.status_code, 404)
        self.assertIn(GONE, response.text)
        self.assertNotIn(self.customer.name, response.text)
        self.assertNotIn(self.company.name, self.text(html.fromstring(response.content)))
        return re.sub(r'csrf_token: "\w+"', '', response.text)

    # === WHAT THE PAGE SAYS === #

    def test_nothing_beyond_the_letter(self):
        """Its items and what is open of them; no other invoice, no balance, no address."""
        hidden = self.ar_invoice(77, '2026-03-01', '2026-05-01')
        self.customer.write({'phone': "+1 555 0199"})
        page = self.page()
        text = self.text(page)
        for words in (self.first.name, self.second.name, "$ 300.00", "$ 100.00", self.company.name, "03/01/2026"):
            self.assertIn(words, text.replace("\xa0", " "))
        for words in (hidden.name, "77.00", "377.00", "477.00", self.customer.email, "+1 555 0199", self.foreign.name):
            self.assertNotIn(words, html.tostring(page, encoding='unicode'))

    def test_an_item_paid_meanwhile(self):
        self.ar_pay(self.first, '2026-03-15')
        text = self.text(self.page())
        self.assertIn("Paid", text)
        page = self.page()
        self.assertFalse(page.xpath(f"//input[@name='item'][@value='{self.ar_lines(self.first).id}']"))
        self.assertTrue(page.xpath(f"//input[@name='item'][@value='{self.ar_lines(self.second).id}']"))
        response = self.post('paid', **self.paid_form(self.first))
        self.assertEqual(response.status_code, 422)
        self.assertIn("nothing is open any more", response.text)
        self.assertFalse(self.letter.answer_ids)

    def test_language_of_the_letter(self):
        """Dates and amounts as the customer writes them, whatever the browser asks for."""
        self.env['res.lang']._activate_lang('fr_FR')
        self.letter.lang = 'fr_FR'
        page = self.page()
        self.assertEqual(page.xpath("/html/@lang"), ['fr-FR'])
        text = self.text(page).replace("\xa0", " ").replace("\u202f", " ")
        self.assertIn("01/03/2026", text)
        self.assertIn("$ 300,00", text)

    def test_headers(self):
        for url in (self.url, self.url + 'x'):
            headers = self.url_open(url).headers
            self.assertEqual(headers['Cache-Control'], 'no-store')
            self.assertEqual(headers['Referrer-Policy'], 'no-referrer')
            self.assertIn('noindex', headers['X-Robots-Tag'])
            self.assertIn("frame-ancestors 'none'", headers['Content-Security-Policy'])

    # === WHO OPENS NOTHING === #

    def test_tampered_and_guessed_links(self):
        """One constant page for whatever is not ours; the database is not asked for the letter."""
        token = self.url.rsplit('/', 1)[1]
        pages = {self.assertGone(f'{self.base_url()}/ar/answer/{guess}') for guess in (
            token[:-1] + ('A' if token[-1] != 'A' else 'B'), 'B' + token[1:], token + '!', token[:40],
            'x', '1', '0' * 64, token * 4,
            '%00', 'AQ', 'é',
            hash_sign(self.env, 'another.scope', [self.letter.id, 0], expiration_hours=1),
            hash_sign(self.env, 'ar_coordinator.answer', [self.letter.id + 1000000, 0], expiration_hours=1),
        )}
        self.assertEqual(len(pages), 1, "all the same to the byte")

    def test_a_token_ends(self):
        """30 days after the letter; the last day is whole, in the company's time zone."""
        self.assertEqual(str(self.letter.link_date_end), '2026-04-30')
        with freeze_time('2026-04-30 23:00:00'):
            self.page()
        with freeze_time('2026-05-01 00:30:00'):
            self.assertGone(self.url)
        self.company.partner_id.tz = 'America/New_York'
        letter_url = self.letter._get_answer_url()
        with freeze_time('2026-05-01 03:30:00'):
            self.page(letter_url)
        with freeze_time('2026-05-01 04:30:00'):
            self.assertGone(letter_url)

    def test_fewer_days_end_old_links(self):
        self.company.ar_answer_link_days = 5
        with freeze_time('2026-04-06 12:00:00'):
            self.assertGone(self.url)
        self.company.ar_answer_link_days = 200
        with freeze_time('2026-05-15 12:00:00'):
            self.assertGone(self.url)

    def test_letters_that_are_not_on_their_way(self):
        for state in ('draft', 'cancelled', 'failed', 'bounced'):
            self.letter.state = state
            self.assertGone(self.url)
        self.letter.state = 'sent'
        self.page()

    def test_revoked(self):
        with self.assertRaises(AccessError):
            self.letter.with_user(self.reader).action_revoke_link()
        self.letter.with_user(self.clerk).action_revoke_link()
        self.assertGone(self.url)
        self.page(self.letter._get_answer_url())
        self.company.ar_answer_links = False
        self.assertGone(self.url)
        self.assertIsNone(self.letter._get_answer_url())

    def test_a_link_answers_for_its_own_letter_only(self):
        other = self.letter.run_id.letter_ids.filtered(lambda letter: letter.partner_id == self.other_customer)
        form = self.paid_form(self.foreign)
        response = self.post('paid', **form)
        self.assertIn("tick at least one item", response.text)
        self.assertFalse(self.env['ar.customer.answer'].search([('letter_id', 'in', (self.letter + other).ids)]))
        own = self.post('paid', url=other._get_answer_url(), **form)
        self.assertEqual(own.status_code, 200)
        self.assertEqual(other.answer_ids.line_ids.move_id, self.foreign)

    # === READING CHANGES NOTHING === #

    def test_language_switched_off_since(self):
        """Nobody speaks it any more: the link, the letter and answers stay readable, in the company's words."""
        self.env['res.lang']._activate_lang('fr_FR')
        self.customer.lang = 'fr_FR'
        self.letter.action_cancel()
        letter = self.ar_letter()
        self.assertEqual(letter.lang, 'fr_FR')
        self.customer.lang = 'en_US'
        self.env['res.lang'].search([('code', '=', 'fr_FR')]).active = False
        self.assertEqual(self.url_open(letter._get_answer_url()).status_code, 200)
        self.assertIn(self.first.name, letter._localized()._render_items())
        self.assertIn(self.first.name, str(self.env['ir.actions.report']._render_qweb_html(
            'ar_coordinator.action_report_ar_dunning_letter', letter.ids)[0]))

    def test_scanners_change_nothing(self):
        """GET and HEAD, also of the addresses that are posted to."""
        before = self.env['ar.customer.answer'].search_count([])
        for path in ('', '?done=paid'):
            self.assertEqual(self.url_open(self.url + path, method='HEAD').status_code, 200)
            self.assertEqual(self.url_open(self.url + path).status_code, 200)
        for kind in ('promise', 'paid', 'dispute', 'plan', 'contact', 'pay'):
            url = f'{self.url}/{kind}?item={self.ar_lines(self.first).id}&date=2026-03-20&reference=X'
            for method in ('HEAD', 'GET', 'PUT', 'OPTIONS'):
                response = self.url_open(url, data=self.paid_form(), method=method)
                self.assertIn(response.status_code, (404, 405), method)
        self.assertEqual(self.env['ar.customer.answer'].search_count([]), before)
        self.assertFalse(self.letter.date_answered)

    @mute_logger('odoo.http')  # says that the token is missing
    def test_posting_needs_the_pages_token(self):
        for token in ({'csrf_token': 'x'}, {'csrf_token': ''}):
            response = self.url_open(f'{self.url}/paid', data={**self.paid_form(), **token})
            self.assertEqual(response.status_code, 400)
        self.assertFalse(self.letter.answer_ids)

    # === ANSWERS === #

    def test_paid_already(self):
        response = self.post('paid', allow_redirects=False, **self.paid_form())
        self.assertEqual((response.status_code, response.headers['Location'].endswith('?done=paid')), (303, True))
        answer = self.letter.answer_ids
        self.assertRecordValues(answer, [{
            'kind': 'paid', 'origin': 'link', 'partner_id': self.customer.id, 'amount': 400.0, 'reference': "RF18",
            'ip_address': '127.0.0.1'}])
        text = self.text(self.page(self.url + '?done=paid'))
        self.assertIn("Thank you. We have noted your answer and sent you a confirmation.", text)
        self.assertIn("You have paid on 03/20/2026, reference RF18.", text)
        [mail] = self.env['mail.mail'].search([
            ('model', '=', 'ar.customer.answer'), ('res_id', '=', answer.id), ('subject', 'ilike', "your answer")])
        self.assertEqual(mail.recipient_ids, self.customer)

    def test_double_post_is_friendly(self):
        token = self.token()
        for _time in range(3):
            response = self.post('paid', csrf_token=token, **self.paid_form())
            self.assertEqual(response.status_code, 200)
            self.assertIn("We have noted your answer", response.text)
        self.assertEqual(len(self.letter.answer_ids), 1)
        self.assertEqual(len(self.letter.answer_ids.pause_ids), 2)

    def test_dispute_with_a_photo(self):
        response = self.post(
            'dispute', move=self.first.id, scope='part', amount='120.00', reason=self.price.id, note="Two boxes wet",
            files=[('files', ('wet.png', PNG, 'image/png'))])
        self.assertEqual(response.status_code, 200)
        dispute = self.letter.answer_ids.dispute_ids
        self.assertRecordValues(dispute, [{
            'move_id': self.first.id, 'amount': 120.0, 'origin': 'link', 'customer_note': "Two boxes wet"}])
        self.assertEqual(dispute.message_ids.attachment_ids.mapped('name'), ['wet.png'])

    def test_what_is_refused_is_said_beside_the_form(self):
        response = self.post(
            'dispute', move=self.first.id, scope='part', amount='500', reason=self.price.id, note="Two boxes wet")
        self.assertEqual(response.status_code, 422)
        page = html.fromstring(response.content)
        self.assertIn("you cannot dispute more", page.xpath("//div[@role='alert']")[0].text_content())
        self.assertTrue(page.xpath("//details[@id='answer_dispute']/@open"))
        self.assertEqual(page.xpath("//textarea[@id='dispute_note']")[0].text_content(), "Two boxes wet")
        self.assertEqual(page.xpath("//input[@id='dispute_amount']/@value"), ['500'])
        self.assertFalse(self.letter.answer_ids)

    def test_lines_only_where_the_letter_brought_the_invoice(self):
        line = self.first.invoice_line_ids
        form = {'move': self.first.id, 'scope': 'lines', f'line_{line.id}': '1', 'reason': self.price.id}
        self.assertNotIn("Certain lines", self.text(self.page()))
        self.assertEqual(self.post('dispute', **form).status_code, 422)
        self.letter.level_id.attach_invoices = 'all'
        self.assertIn("Certain lines", self.text(self.page()))
        self.assertEqual(self.post('dispute', **form).status_code, 200)
        self.assertEqual(self.letter.answer_ids.dispute_ids.line_ids.move_line_id, line)

    def test_too_many_answers(self):
        for number in range(20):
            self.env['ar.customer.answer'].sudo().create({
                'kind': 'contact', 'origin': 'link', 'company_id': self.company.id, 'partner_id': self.customer.id,
                'letter_id': self.letter.id, 'contact_name': str(number)})
        response = self.post('paid', **self.paid_form())
        self.assertEqual(response.status_code, 429)
        self.assertIn("many answers in a short time", response.text)
        self.assertEqual(len(self.letter.answer_ids), 20)
        self.assertEqual(response.headers['Cache-Control'], 'no-store')

    def test_too_many_answers_from_an_address(self):
        """Of whatever letters; the hour counts."""
        values = {
            'kind': 'contact', 'origin': 'link', 'company_id': self.company.id, 'partner_id': self.customer.id,
            'ip_address': '127.0.0.1'}
        answers = self.env['ar.customer.answer'].sudo().create([dict(values) for _number in range(60)])
        self.assertEqual(self.post('paid', **self.paid_form()).status_code, 429)
        self.env.cr.execute(  # the ORM keeps the time of creation
            "UPDATE ar_customer_answer SET create_date = '2026-03-31 10:59:00' WHERE id IN %s",
            [answers._ids])
        self.assertEqual(self.post('paid', **self.paid_form()).status_code, 200)

    # === WHERE THE LINK STANDS === #

    def test_the_letter_carries_it(self):
        self.assertIn(self.url, self.letter.body_sent)
        [mail] = self.ar_deliver(self.letter)
        self.assertIn(self.url, mail['body'])

    def test_printed_letter_has_a_code_to_scan(self):
        content, _type = self.env['ir.actions.report']._render_qweb_html(
            'ar_coordinator.report_ar_dunning_letter', self.letter.ids)
        content = content.decode()
        self.assertIn(self.url, content)
        self.assertIn('data:image/png;base64,', content)
        self.company.ar_answer_links = False
        content, _type = self.env['ir.actions.report']._render_qweb_html(
            'ar_coordinator.report_ar_dunning_letter', self.letter.ids)
        self.assertNotIn('data:image/png;base64,', content.decode())

    def test_a_sample_letter_has_a_link_that_opens_nothing(self):
        sample = self.env['ar.dunning.sample'].create({
            'company_id': self.company.id, 'policy_id': self.policy.id, 'partner_id': self.customer.id})
        [link] = re.findall(r'href="([^"]+/ar/answer/[^"]+)"', sample.message)
        self.assertGone(link)

    def test_links_stay_out_of_the_log(self):
        """Whoever reads the log can't answer for customers."""
        token = self.url.rsplit('/', 1)[1]
        with self.assertLogs('werkzeug', logging.INFO) as logs, mute_logger('odoo.http'):
            self.url_open(self.url)
            self.url_open(f'{self.url}/paid', data={'csrf_token': 'x'})
        self.assertTrue(any('/ar/answer/***' in line for line in logs.output))
        self.assertNotIn(token, ''.join(logs.output))
