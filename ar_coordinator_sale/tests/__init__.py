from . import test_order_exposure
from . import test_order_hold
from . import test_order_growth
from . import test_order_online
from . import test_order_access
from . import test_order_tour
from . import test_order_documents
from . import test_order_shop
