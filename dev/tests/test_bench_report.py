"""What the benchmark says about its rows: comparisons that must stop it, goals, the choice of rows."""
import datetime
import subprocess
import sys

import pytest

from benchmarks import report, run
from benchmarks.floor_reports import month_ends
from benchmarks.worker_cash import judge
from dev.cache import REPO, Problem


def row(name, **values):
    return {'name': name, 'peak_mb': 150, 'seconds': 1.0, 'queries': 1, **values}


def test_check_same():
    report.check_same("same", {'a': [1.004, 2]}, {'a': [1.0, 2.001]})
    for other in ({'a': [1.0, 2.01]}, {'a': [1.0, 2.0], 'b': [0.0]}, {}):
        with pytest.raises(Problem, match="should have"):
            report.check_same("other", {'a': [1.0, 2.0]}, other)


def test_goals_of_chosen_rows_only():
    met = report.goals([row(report.KPI, ratio_to_floor=2.9)], 200_000)
    assert [ok for ok, _sentence in met] == [True, True]
    missed = report.goals([row(report.KPI, ratio_to_floor=3.1), row(report.SCREEN, ratio_to_floor=2.0, peak_mb=301)], 1)
    assert [ok for ok, _sentence in missed] == [False, True, False]


def test_a_peer_that_is_missing_is_a_missed_goal():
    assert report.credit_goals({report.EXPOSURE: row(report.EXPOSURE)})[0][0] is False
    fast = row(report.EXPOSURE, peer_seconds=2.0, speedup=20.0)
    assert report.credit_goals({report.EXPOSURE: fast}) == [
        (True, "Exposure of all customers is 20.0 x as fast as the peer (at least 20)")]


def test_peers_that_are_not_wanted_miss_no_goal():
    assert not run.Settings({'PEERS': '0'}).peers
    alone = row(report.EXPOSURE, peers_left_out=True)
    assert report.credit_goals({report.EXPOSURE: alone}) == []


def test_growth_is_at_most_linear():
    for rows_growth, growth, floor_growth, met in (
            (4.98, 4.9, 4.8, [True, True]), (4.98, 5.1, 5.0, [True, False]), (4.98, 5.4, 5.8, [True, True]),
            (4.98, 5.9, 5.8, [True, False]), (5.1, 4.9, 5.8, [False, True])):
        fifth = row(
            report.FIFTH, rows_growth=rows_growth, growth=growth, floor_growth=floor_growth, times_as_large=5.0)
        assert [ok for ok, _sentence in report.ageing_goals({report.FIFTH: fifth})] == met


def test_confirming_one_by_one_has_no_goal():
    rows = {name: row(name, slower_percent=11) for name in (
        "Confirming 200 orders at once", "Confirming 200 orders one by one", "Posting 300 invoices")}
    assert [ok for ok, _sentence in report.addon_goals(rows)] == [False, False]


def test_installing_takes_less_than_half_a_minute_more():
    rows = {report.INSTALL: {'name': report.INSTALL, 'seconds': 60.0, 'extra_seconds': 29.9}}
    assert [ok for ok, _sentence in report.goals(list(rows.values()), 200_000)] == [True]
    rows[report.INSTALL]['extra_seconds'] = 30.0
    assert [ok for ok, _sentence in report.addon_goals(rows)] == [False]


def test_rows_are_chosen_by_name():
    assert run.Settings({'ROWS': 'credit, kpi'}).rows == ['credit', 'kpi']
    assert run.Settings({}).rows == list(run.GROUPS)
    with pytest.raises(Problem, match="aging"):
        run.Settings({'ROWS': 'aging'})
    with pytest.raises(Problem, match="INVOICES"):
        run.Settings({'INVOICES': 'many'})


def test_every_group_has_its_method():
    for group in run.GROUPS:
        assert callable(getattr(run.Bench, group))


def test_many_customers():
    """The ledger for the first screen has 50,000 customers at the large size, and never fewer than the others."""
    assert run.Settings({'INVOICES': '200000'}).wide == 50_000
    assert run.Settings({'INVOICES': '1000000'}).wide == run.Settings({'INVOICES': '1000000'}).partners == 50_000
    assert run.Settings({'INVOICES': '2000', 'PARTNERS': '900'}).wide == 900


def test_month_ends():
    assert month_ends(datetime.date(2024, 3, 15), 3) == [
        datetime.date(2024, 1, 31), datetime.date(2024, 2, 29), datetime.date(2024, 3, 15)]


def test_the_floor_is_measured_without_odoo():
    """The process that runs plain SQL must not pay for Odoo."""
    script = "import benchmarks.worker, benchmarks.floor, sys; sys.exit('odoo' in sys.modules)"
    assert subprocess.run([sys.executable, '-c', script], cwd=REPO, check=False).returncode == 0


def cash_row(**values):
    counts = {'receipts': 100, 'sure': 90, 'right': 90, 'precision': 1.0, 'recall': 0.9}
    return row(report.CASH, cash=counts, cpu_seconds=1.0, **values)


def test_cash_has_a_limit_of_memory_of_its_own():
    def missed(peak):
        return [sentence for met, sentence in report.goals([cash_row() | {'peak_mb': peak}], 200_000) if not met]
    assert missed(report.CASH_MB - 1) == []
    assert missed(report.CASH_MB) == [f"{report.CASH}: {report.CASH_MB} MB (under {report.CASH_MB})"]


def test_the_peer_in_cash_is_judged_by_the_same_truth():
    truth = {1: {10}, 2: {20, 21}, 3: set(), 4: {40}}
    assert judge({1: {10}, 2: {20}}, truth) == {
        'receipts': 4, 'sure': 2, 'right': 1, 'precision': 0.5, 'recall': 1 / 3}
    assert judge({}, truth)['precision'] == 0
    alone = {**cash_row(), 'name': report.CASH_APPLIED}
    assert "in turns" not in report.cash_sentence(alone)
    assert [met for met, _sentence in report.cash_goals({report.CASH_APPLIED: alone})] == [False]  # not fetched
    theirs = {'receipts': 100, 'sure': 5, 'right': 4, 'precision': 0.8, 'recall': 0.04}
    beside = {**alone, 'peer': "peer 1", 'peer_counts': theirs, 'peer_seconds': 50.0, 'seconds_beside_peer': 5.0,
              'speedup': 10.0}
    assert report.cash_sentence(beside).endswith(
        "peer 1 applied 5 of 100, precision 80.00%, recall 4.00%; in turns 0.500 s per payment, ours 0.050 s")
    assert report.cash_goals({report.CASH_APPLIED: beside})[0][0] is True
