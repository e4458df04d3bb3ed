{
    'name': "AR Coordinator: Deliveries",
    'version': '19.0.1.1.0',
    'category': 'Accounting/Accounting',
    'summary': "Deliveries in the credit exposure, holds when deliveries are validated",
    'author': "AR Coordinator contributors",
    'license': 'LGPL-3',
    'images': ['static/description/banner.png'],
    'depends': ['ar_coordinator_sale', 'sale_stock'],
    'data': [
        'views/stock_picking_views.xml',
    ],
    'uninstall_hook': 'uninstall_hook',
    'auto_install': True,
}
