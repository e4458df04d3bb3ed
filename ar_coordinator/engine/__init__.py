"""Plain Python decisions: facts in, decisions with reasons out. Nothing here imports odoo or knows a database."""
from . import buckets
from . import dunning
from . import interest
from . import kpi
