"""The peer in dunning: `odoo-addon-account-credit-control` 19.0 (OCA, AGPL-3).

Driven through its own buttons' methods, see peers.py. It is given the same work: the same first reminder
after as many days, by e-mail with a table of the invoices, without PDF.
"""
import datetime

from benchmarks import peers

NAME = 'odoo-addon-account-credit-control'
MODULES = ('account_credit_control',)


def fetch(env):
    """Return (addons folder, version), see `peers.fetch`."""
    return peers.fetch(env, NAME, 'peer_dunning')


def prepare(env):
    """Set up the peer's policy: one reminder to everybody, when ours would send its first."""
    env.user.group_ids |= env.ref('account_credit_control.group_account_credit_control_manager')
    receivable = env['account.account'].search([('account_type', '=', 'asset_receivable'), ('non_trade', '=', False)])
    policy = env.ref('account_credit_control.credit_control_3_time')
    policy.write({'account_ids': receivable.ids, 'company_id': env.company.id})
    env.company.credit_policy_id = policy
    env.company.credit_control_tolerance = env.company.ar_dunning_minimum_amount
    levels = policy.level_ids.sorted('level')
    levels[1:].unlink()
    first = env.ref('ar_coordinator.ar_dunning_level_1')
    levels[0].write({
        'computation_mode': 'net_days', 'delay_days': first.delay_days, 'channel': 'email',
        'mail_show_invoice_detail': True})
    levels[0].email_template_id.report_template_ids = False


def evaluate(env):
    """Its three steps: generate the lines, set them to be sent, make a communication for each customer.

    :return: the communications
    """
    run = env['credit.control.run'].create({'date': datetime.date.today()})
    run.generate_credit_lines()
    run.set_to_ready_lines()
    lines = run.line_ids.filtered(lambda line: line.state == 'to_be_sent' and line.channel == 'email')
    communications = env['credit.control.communication']._generate_comm_from_credit_lines(lines)
    env.flush_all()
    return communications


def send(env, communications):
    """Create the communications' e-mails; they stay in Odoo's queue."""
    communications.with_context(mail_notify_force_send=False)._generate_emails()
    env.flush_all()
    if set(communications.credit_control_line_ids.mapped('state')) != {'queued'}:
        raise AssertionError("The peer did not queue its e-mails.")


def asked(communications):
    """Return {item id: amount} of what the communications ask for."""
    return {line.move_line_id.id: line.balance_due for line in communications.credit_control_line_ids}
