from . import test_access
from . import test_aging_export
from . import test_aging_tour
from . import test_dunning_run
from . import test_engine
from . import test_kpi
from . import test_ledger
from . import test_ledger_properties
