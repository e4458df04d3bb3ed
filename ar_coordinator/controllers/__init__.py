from . import ar_credit_application
from . import ar_answer
from . import ar_portal
from . import ar_portal_answers
from . import ar_reports
from . import ar_promise_plan
from . import ar_invoice_view
from . import ar_customer_sheet
