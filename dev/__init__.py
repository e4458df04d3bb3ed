"""Development environment: fetches Odoo, runs PostgreSQL, builds template databases. See README.md."""
