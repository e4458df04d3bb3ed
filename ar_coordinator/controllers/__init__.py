from . import ar_reports
