from . import test_delivery_exposure
from . import test_delivery_hold
from . import test_delivery_documents
from . import test_every_rule
from . import test_delivery_batch
from . import test_delivery_ways_around
