from . import ar_credit_hold
from . import ar_ledger
from . import sale_order
from . import stock_picking
from . import stock_move
from . import stock_move_line
from . import res_partner
