from . import ar_portal
from . import ar_reports
