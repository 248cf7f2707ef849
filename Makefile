# Two commands: `make run` starts the bot, `make test` checks everything. CI calls the same ones (.ci/run).
MILIA := .venv/bin/milia
STEPS := .venv/bin/python -m milia.steps
.DEFAULT_GOAL := help
.PHONY: help setup run train test test-cluster check eval bench bench-widget bench-cluster clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

setup: ## make .venv with the pinned dependencies, build the widget; does nothing when nothing changed
	@sh scripts/setup.sh
	@sh scripts/build_web.sh

run: setup ## set up, train if something changed, start the bot on this machine
	@$(MILIA) run

train: setup ## train a model if content, data, code or configuration changed
	@$(MILIA) train

test: setup ## run every check, the slow ones too
	@$(STEPS) test

test-cluster: setup ## run the bot on several servers, and kill them under load; CLUSTER_SECONDS=600 for longer
	@$(MILIA) train
	@$(STEPS) test cluster

check: setup ## run the fast checks: lint, types, content, unit tests
	@$(STEPS) check

eval: setup ## score the bot on the held-out messages and dialogs
	@$(MILIA) eval

bench: setup ## compare with Rasa's stock pipeline; trains it first, for hours
	@$(MILIA) bench

bench-widget: setup ## compare how soon a visitor can type with deep-chat, in the browser
	@.venv/bin/python -m pytest -q -m benchmark tests/e2e/widget/test_widget_speed.py

bench-cluster: setup ## compare the throughput of two Rasa servers with one; shows where the cores go
	@$(MILIA) train
	@.venv/bin/python -m pytest -q -m benchmark tests/cluster

clean: ## remove trained models, caches and results; keeps .venv and the conversations in var/
	@rm -rf models/*.tar.gz models/*.inputs.json models/in-service.json models/.new .rasa results var/log build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find milia actions tests -name __pycache__ -type d -prune -exec rm -rf {} +
