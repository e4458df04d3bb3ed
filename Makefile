# Every target does its own set-up; `make help` lists them. The work is in dev/.
.PHONY: help setup demo test lint bench shell screenshots store i18n dictionary release clean
.DEFAULT_GOAL := help
PYTHON ?= python3

# Variables on the command line (LEDGER, AS_OF, SERVE, INVOICES, ...) reach the commands as environment variables.
help setup demo lint bench shell screenshots store i18n dictionary release clean:
	@$(PYTHON) -m dev $@ $(ARGS)
test:
	@$(PYTHON) -m dev test $(T) $(ARGS)
