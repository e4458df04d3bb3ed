{
    'name': "AR Coordinator: Sales",
    'version': '19.0.1.1.0',
    'category': 'Accounting/Accounting',
    'summary': "Orders in the credit exposure, holds when orders are confirmed",
    'author': "AR Coordinator contributors",
    'license': 'LGPL-3',
    'images': ['static/description/banner.png'],
    'depends': ['ar_coordinator', 'sale'],
    'data': [
        # Security.
        'security/ar_own_customers.xml',

        # QWeb templates.
        'reports/ar_credit_panel_templates.xml',

        # Views.
        'views/sale_order_views.xml',
        'views/res_config_settings_views.xml',
    ],
    'assets': {
        'web.assets_tests': [
            'ar_coordinator_sale/static/tests/tours/**/*',
        ],
    },
    'uninstall_hook': 'uninstall_hook',
    'auto_install': True,
}
