from . import test_delivery_exposure
from . import test_delivery_hold
