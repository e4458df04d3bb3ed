from . import ar_aging_export
