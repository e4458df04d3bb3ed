"""What has to be done outside the data files."""
from odoo.tools import SQL

# children before what they refer to: the database refuses otherwise, and says so in the log
USERS_TABLES = (
    'ar_deposit_line', 'ar_deposit', 'ar_payment_return_chosen_rel', 'ar_payment_return_entry_rel',
    'ar_payment_return_item', 'ar_payment_return', 'ar_payment_move_chosen_rel', 'ar_payment_move_transfer_rel',
    'ar_payment_move_credit_rel', 'ar_payment_move_item', 'ar_payment_move',
    'ar_remittance_advice_line', 'ar_remittance_advice', 'ar_cash_file_line', 'ar_cash_file',
    'ar_cash_proposal_line', 'ar_cash_proposal', 'ar_payer_alias', 'ar_payer_habit',
    'ar_credit_application', 'ar_credit_release_use', 'ar_credit_release', 'ar_credit_hold', 'ar_credit_change',
    'ar_credit_guarantee', 'ar_customer_answer_line', 'ar_customer_answer',
    'ar_escalation',
    'ar_hand_over_progress', 'ar_hand_over', 'ar_write_off_line', 'ar_write_off', 'ar_statement_run_line',
    'ar_statement_run', 'ar_call',
    'ar_dunning_outcome', 'ar_dunning_letter_line', 'ar_dunning_letter', 'ar_dunning_run',
    'ar_dispute_credit_move_rel', 'ar_dispute_period', 'ar_dispute_line', 'ar_dispute',
    'ar_collector_assignment',
    'ar_month_end_check', 'ar_month_end_pack', 'ar_provision_individual', 'ar_provision_line', 'ar_provision',
    'ar_promise_instalment', 'ar_promise_line', 'ar_promise', 'ar_promise_plan_item', 'ar_promise_plan')


def uninstall_hook(env):
    """Delete the records users made, so that what they refer to can be uninstalled without complaints."""
    for table in USERS_TABLES:
        env.cr.execute(SQL("DELETE FROM %s", SQL.identifier(table)))
    env.cr.execute(SQL("UPDATE res_company SET ar_dunning_policy_id = NULL"))
