# Every target does its own set-up; `make help` lists them. The work is in dev/.
.PHONY: help setup demo test lint bench shell screenshots clean
.DEFAULT_GOAL := help
PYTHON ?= python3

help setup lint bench shell screenshots clean:
	@$(PYTHON) -m dev $@ $(ARGS)
demo:
	@LEDGER='$(LEDGER)' AS_OF='$(AS_OF)' SERVE='$(SERVE)' $(PYTHON) -m dev demo $(ARGS)
test:
	@$(PYTHON) -m dev test $(T) $(ARGS)
