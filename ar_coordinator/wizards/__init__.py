from . import ar_credit_reason_wizard
from . import ar_dunning_change_wizard
from . import ar_dunning_sample
from . import ar_import_wizard_lines
from . import ar_dunning_settings
from . import ar_import_wizard
from . import ar_interest_waive_wizard
from . import ar_promise_wizard
