"""What has to be done outside the data files."""
from odoo.tools import SQL

# children before what they refer to: the database refuses otherwise, and says so in the log
USERS_TABLES = (
    'ar_deposit_line', 'ar_deposit', 'ar_payment_return_chosen_rel', 'ar_payment_return_entry_rel',
    'ar_payment_return_item', 'ar_payment_return', 'ar_payment_move_chosen_rel', 'ar_payment_move_transfer_rel',
    'ar_payment_move_credit_rel', 'ar_payment_move_item', 'ar_payment_move',
    'ar_remittance_advice_line', 'ar_remittance_advice', 'ar_cash_file_line', 'ar_cash_file',
    'ar_cash_proposal_line', 'ar_cash_proposal', 'ar_payer_alias', 'ar_payer_habit',
    'ar_unapplied_follow',
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
    _forget_external_ids(env)
    forget_foreign_keys(env, 'ar_coordinator')


def forget_foreign_keys(env, module):
    """Delete what Odoo has noted of an addon's foreign keys, and would keep. The keys themselves go with their columns.

    :param str module: the name of an addon that is being uninstalled
    """
    env.cr.execute(SQL(
        """DELETE FROM ir_model_constraint noted USING ir_module_module module
            WHERE noted.module = module.id AND module.name = %s AND noted.type = 'f'""", module))


def _forget_external_ids(env):
    """Delete the names that other modules have for parts of our models (what comes from mail.thread, say).

    Odoo deletes the parts with the models, and leaves the names until the other module is updated.
    """
    for part, table, model_of in (
            ('ir.model.fields.selection', 'ir_model_fields_selection',
             SQL("(SELECT field.model_id FROM ir_model_fields field WHERE field.id = part.field_id)")),
            ('ir.model.inherit', 'ir_model_inherit', SQL("part.model_id"))):
        env.cr.execute(SQL(
            """DELETE FROM ir_model_data name USING %s part, ir_model model, ir_model_data ours
                WHERE name.model = %s AND name.res_id = part.id AND name.module NOT LIKE 'ar\\_coordinator%%'
                  AND model.id = %s AND model.model LIKE 'ar.%%'  -- not those that the addon only extends
                  AND ours.model = 'ir.model' AND ours.module = 'ar_coordinator' AND ours.res_id = model.id""",
            SQL.identifier(table), part, model_of))
