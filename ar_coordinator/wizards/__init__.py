from . import ar_import_wizard_lines
from . import ar_import_wizard
