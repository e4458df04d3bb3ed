"""Cash application on made-up receipts with typos, missing numbers and short payments, on seeds of its own."""
import sys
import types

import pytest

from benchmarks import cash_bed
from dev.cache import REPO


@pytest.fixture(scope="module")
def cash():
    """The engine without Odoo: the addon's own package would import it."""
    package = types.ModuleType("ar_cash_engine")
    package.__path__ = [str(REPO / "ar_coordinator/engine")]
    sys.modules["ar_cash_engine"] = package
    from ar_cash_engine import cash, cash_claims
    return cash, cash_claims


@pytest.mark.parametrize("seed", [71, 72])
def test_precision_and_recall(cash, seed):
    """At least 99.5 % of what is applied by itself is right, and at least 85 % is applied by itself."""
    figures, _proposals, _receipts = cash_bed.run(*cash, seed, customers=800, items=8_000, receipts=1_500)
    assert figures["precision"] >= 0.995, [(truth, reading) for _values, truth, reading in figures["wrong"]]
    assert figures["recall"] >= 0.85
