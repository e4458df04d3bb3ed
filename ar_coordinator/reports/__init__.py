from . import ar_aging_export
from . import ar_table_export
