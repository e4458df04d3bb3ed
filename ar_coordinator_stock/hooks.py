"""What has to be done outside the data files."""
from odoo.addons.ar_coordinator.hooks import forget_foreign_keys
from odoo.addons.ar_coordinator_sale.hooks import end_releases


def uninstall_hook(env):
    """Releases of deliveries stay as history, and end."""
    end_releases(env, 'stock.picking')
    forget_foreign_keys(env, 'ar_coordinator_stock')
