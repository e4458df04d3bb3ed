from . import ar_credit_simulation
