"""Deliveries in the credit exposure, holds when deliveries are validated."""
from . import models
from . import wizards
from .hooks import uninstall_hook
