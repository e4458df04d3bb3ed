from . import ar_credit_hold
from . import ar_ledger
from . import res_company
from . import sale_order
from . import sale_order_line
from . import payment_transaction
from . import account_move
from . import res_partner
