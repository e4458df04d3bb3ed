"""Reference rates: the installed table, which rate counts for which company, who may change them."""
from datetime import date
from decimal import Decimal

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import ArCommon


@tagged('post_install', '-at_install')
class TestInterestRate(ArCommon):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.rates = cls.env['ar.interest.rate']

    def add(self, rate, date_from='2026-07-01', **vals):
        return self.rates.create({'date_from': date_from, 'rate': rate, 'source': "Test", **vals})

    def test_installed_rates(self):
        """The table has a rate for every half-year since 2012, with its source; the contract's are among them."""
        eu, uk = (self.rates._get_rates(self.company, scheme) for scheme in ('eu', 'uk'))
        half_years = [date(year, month, 1) for year in range(2012, 2027) for month in (1, 7)]
        self.assertLessEqual(set(half_years), set(eu))
        self.assertLessEqual(set(half_years), set(uk))
        for rates, day, rate in (
            (eu, date(2026, 1, 1), '2.15'), (eu, date(2026, 7, 1), '2.40'), (uk, date(2026, 1, 1), '3.75'),
            (uk, date(2026, 7, 1), '3.75'),
            (eu, date(2023, 7, 1), '4.00'), (eu, date(2024, 7, 1), '4.25'), (eu, date(2016, 1, 1), '0.05'),
            (uk, date(2020, 7, 1), '0.10'), (uk, date(2023, 7, 1), '5.00'), (uk, date(2016, 7, 1), '0.50'),
        ):
            self.assertEqual(rates[day], Decimal(rate), day)
        self.assertFalse(self.rates.search([('source', '=', False)]))

    def test_the_most_specific_rate_counts(self):
        """A company's rate goes before its country's, that before the common one; other countries' do not count."""
        country = self.company.account_fiscal_country_id
        other_country = self.env['res.country'].search([('id', '!=', country.id)], limit=1)
        day = date(2026, 7, 1)
        self.add(5, country_id=other_country.id)
        self.assertEqual(self.rates._get_rates(self.company, 'eu')[day], Decimal('2.40'))
        national = self.add(1.27, country_id=country.id)
        self.assertEqual(self.rates._get_rates(self.company, 'eu')[day], Decimal('1.27'))
        self.add(-0.88, company_id=self.company.id)
        self.assertEqual(self.rates._get_rates(self.company, 'eu')[day], Decimal('-0.88'))
        national.unlink()
        self.assertEqual(self.rates._get_rates(self.company, 'eu')[day], Decimal('-0.88'))
        self.assertEqual(self.rates._get_rates(self.company, 'eu')[date(2026, 1, 1)], Decimal('2.15'))

    def test_a_half_year_has_one_rate(self):
        with mute_logger('odoo.sql_db'), self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.add(3)
            self.env.flush_all()

    def test_dates_and_rates_that_make_no_sense(self):
        for values in ({'date_from': '2027-02-01', 'rate': 2}, {'date_from': '2027-01-01', 'rate': 215}):
            with self.assertRaises(ValidationError):
                self.add(**values)
        with self.assertRaises(ValidationError):
            self.company.ar_interest_points = -1

    def test_managers_edit_readers_read(self):
        clerk = self.ar_user('rate_clerk', 'ar_coordinator.group_ar_user')
        reader = self.ar_user('rate_reader', 'ar_coordinator.group_ar_readonly')
        manager = self.ar_user('rate_manager', 'ar_coordinator.group_ar_manager')
        rate = self.add(2.65, date_from='2027-01-01')
        for user in (clerk, reader):
            self.assertEqual(rate.with_user(user).rate, 2.65)
            with self.assertRaises(AccessError):
                rate.with_user(user).rate = 3
        rate.with_user(manager).rate = 3
        self.assertEqual(rate.rate, 3)

    def test_rates_of_another_company_are_hidden(self):
        other = self.env['res.company'].create({'name': "Interest Other Co"})
        rate = self.add(4, company_id=other.id)
        manager = self.ar_user('rate_manager', 'ar_coordinator.group_ar_manager')
        self.assertFalse(self.rates.with_user(manager).search([('id', '=', rate.id)]))
        self.assertEqual(self.rates._get_rates(self.company, 'eu')[date(2026, 7, 1)], Decimal('2.40'))

    def test_off_until_switched_on(self):
        company = self.env['res.company'].create({'name': "Interest New Co"})
        self.assertEqual(
            (company.ar_interest_scheme, company.ar_interest_points, company.ar_interest_compensation),
            ('none', 8, True))


@tagged('post_install', '-at_install')
class TestInterestRateReminder(ArCommon):
    """January and July: who claims interest is asked for the new rate, until it is there."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['res.company'].search([]).ar_interest_scheme = 'none'
        cls.manager = cls.ar_user('rate_manager', 'ar_coordinator.group_ar_manager')
        cls.clerk = cls.ar_user('rate_clerk', 'ar_coordinator.group_ar_user')
        cls.rates = cls.env['ar.interest.rate']

    def tasks(self):
        return self.env['mail.activity'].search([
            ('res_model', '=', 'ar.interest.rate'), ('user_id', 'in', (self.manager + self.clerk).ids)])

    def remind(self, day):
        with freeze_time(day), self.enter_registry_test_mode():
            self.env.ref('ar_coordinator.ir_cron_ar_interest_rate').method_direct_trigger()

    def test_asked_until_it_is_there(self):
        self.company.ar_interest_scheme = 'uk'
        self.remind('2026-12-31 12:00:00')
        self.assertFalse(self.tasks(), "the rate of the half-year is there")
        self.remind('2027-01-04 12:00:00')
        self.assertRecordValues(self.tasks(), [{
            'user_id': self.manager.id, 'date_deadline': date(2027, 1, 4),
            'summary': "Add the reference rate from 01/01/2027: UK: Late Payment Act 1998"}])
        self.assertEqual(self.rates.browse(self.tasks().res_id).date_from, date(2026, 7, 1), "the rate before")
        self.remind('2027-01-11 12:00:00')
        self.assertEqual(len(self.tasks()), 1, "no second one")
        with freeze_time('2027-01-11 12:00:00'):
            self.rates.create({'scheme': 'eu', 'date_from': '2027-01-01', 'rate': 2, 'source': "Test"})
            self.assertEqual(len(self.tasks()), 1, "not the one that is missing")
            self.rates.create({'scheme': 'uk', 'date_from': '2027-01-01', 'rate': 3.5, 'source': "Test"})
        self.assertFalse(self.tasks())
        self.remind('2027-01-18 12:00:00')
        self.assertFalse(self.tasks())
        self.remind('2027-07-02 12:00:00')
        self.assertEqual(len(self.tasks()), 1)

    def test_who_claims_nothing_is_not_asked(self):
        self.remind('2027-01-04 12:00:00')
        self.assertFalse(self.tasks())

    def test_law_given_up(self):
        self.company.ar_interest_scheme = 'eu'
        self.remind('2027-01-04 12:00:00')
        self.assertEqual(len(self.tasks()), 1)
        self.company.ar_interest_scheme = 'none'
        self.remind('2027-01-11 12:00:00')
        self.assertFalse(self.tasks())

    def test_a_rate_of_the_companys_own_is_enough(self):
        self.company.ar_interest_scheme = 'eu'
        self.rates.create({
            'scheme': 'eu', 'date_from': '2027-01-01', 'rate': 1.27, 'source': "Test", 'company_id': self.company.id})
        self.remind('2027-01-04 12:00:00')
        self.assertFalse(self.tasks())
