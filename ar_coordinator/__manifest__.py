{
    'name': "AR Coordinator",
    'version': '19.0.1.0.0',
    'category': 'Accounting/Accounting',
    'summary': "Receivables desk: ageing and DSO that tie out, dunning, disputes, history import",
    'author': "AR Coordinator contributors",
    'license': 'LGPL-3',
    'depends': ['account', 'account_payment', 'mail', 'portal', 'resource'],
    'external_dependencies': {'python': ['xlsxwriter']},
    'data': [
        # Security.
        'security/ar_groups.xml',
        'security/ir.model.access.csv',
        'security/ar_rules.xml',
        'security/ar_credit_rules.xml',

        # Record data.
        'data/ar_dispute_reason_data.xml',
        'data/ar_dispute_mail_template_data.xml',
        'data/ar_dispute_activity_data.xml',
        'data/ar_dispute_cron.xml',
        'data/ar_import_preset_data.xml',
        'data/ar_dunning_mail_template_data.xml',
        'data/ar_dunning_activity_data.xml',
        'data/ar_dunning_policy_data.xml',
        'data/ar_dunning_cron.xml',
        'data/ar_promise_data.xml',
        'data/ar_interest_rate_data.xml',
        'data/ar_customer_answer_data.xml',
        'data/ar_credit_rule_data.xml',
        'data/ar_credit_mode_data.xml',
        'data/ar_credit_cron.xml',

        # QWeb templates.
        'reports/ar_aging_report_templates.xml',
        'reports/ar_dunning_letter_templates.xml',
        'reports/ar_dunning_claim_templates.xml',
        'reports/ar_dunning_fee_templates.xml',
        'reports/ar_dunning_statement_templates.xml',
        'reports/ar_promise_plan_templates.xml',
        'data/ar_promise_mail_template_data.xml',  # attaches the report
        'views/ar_promise_portal_templates.xml',
        'views/ar_answer_templates.xml',  # forms of customers' answers, for the links and the portal
        'reports/ar_statement_templates.xml',
        'reports/ar_credit_templates.xml',

        # Root menus, used by the views below.
        'views/ar_menus.xml',

        # Model views.
        'views/ar_pause_views.xml',  # actions of buttons on invoices and customers
        'views/account_move_views.xml',
        'views/ar_aging_views.xml',
        'views/ar_kpi_views.xml',
        'views/ar_dispute_views.xml',
        'views/ar_dispute_report_views.xml',
        'views/ar_promise_views.xml',
        'views/ar_promise_plan_views.xml',
        'views/ar_dunning_policy_views.xml',
        'views/ar_dunning_letter_views.xml',
        'views/ar_dunning_run_views.xml',
        'views/ar_customer_answer_views.xml',
        'views/ar_hand_over_views.xml',
        'views/ar_interest_rate_views.xml',
        'views/res_partner_views.xml',
        'views/ar_credit_hold_views.xml',
        'views/ar_credit_release_views.xml',
        'views/ar_credit_rule_views.xml',
        'views/ar_credit_class_views.xml',
        'views/ar_credit_partner_views.xml',
        'views/ar_credit_move_views.xml',
        'views/res_config_settings_views.xml',
        'views/ar_promise_inherit_views.xml',
        'views/ar_portal_templates.xml',
        'views/ar_credit_settings_views.xml',
        'wizards/ar_credit_reason_wizard_views.xml',
        'wizards/ar_dispute_wizard_views.xml',
        'wizards/ar_dunning_change_wizard_views.xml',
        'wizards/ar_dunning_sample_views.xml',
        'wizards/ar_dunning_settings_views.xml',
        'wizards/ar_import_wizard_views.xml',
        'wizards/ar_interest_waive_wizard_views.xml',
        'wizards/ar_promise_wizard_views.xml',
    ],
    'assets': {
        'web.assets_backend': [
            'ar_coordinator/static/src/**/*',
            ('remove', 'ar_coordinator/static/src/portal/**/*'),
        ],
        'web.assets_frontend': [
            'ar_coordinator/static/src/portal/**/*',
        ],
        'web.assets_tests': [
            'ar_coordinator/static/tests/tours/**/*',
        ],
    },
    'uninstall_hook': 'uninstall_hook',
    'application': True,
}
