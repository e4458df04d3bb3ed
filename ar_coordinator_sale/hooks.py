"""What has to be done outside the data files."""
from odoo.tools import SQL

from odoo.addons.ar_coordinator.hooks import forget_foreign_keys


def uninstall_hook(env):
    """Releases of orders stay as history, and end: without this addon nothing says what an order is."""
    end_releases(env, 'sale.order')
    forget_foreign_keys(env, 'ar_coordinator_sale')


def end_releases(env, model):
    """End the releases for documents of a model and let go of the documents.

    :param str model: 'sale.order', say
    """
    releases = env['ar.credit.release'].search([('document', '=like', f'{model},%')])
    releases.activity_ids.unlink()
    env.flush_all()
    env.cr.execute(SQL("DELETE FROM ar_credit_release_use WHERE document LIKE %s", f'{model},%'))
    # directly: the name goes on telling which document it was
    env.cr.execute(SQL(
        """UPDATE ar_credit_release SET document = NULL,
                  state = CASE WHEN state IN ('refused', 'cancelled') THEN state ELSE 'expired' END
            WHERE id = ANY(%s)""", releases.ids))
    env.invalidate_all()
