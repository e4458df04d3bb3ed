import importlib.util

from . import test_access
from . import test_aging_export
from . import test_aging_tour
from . import test_dunning_run
from . import test_kpi
from . import test_ledger

if importlib.util.find_spec('hypothesis'):  # property tests need a development library that users do not have
    from . import test_engine
    from . import test_ledger_properties
