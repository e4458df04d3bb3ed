"""Orders in the credit exposure, holds when orders are confirmed."""
from . import models
from . import wizards
from .hooks import uninstall_hook
