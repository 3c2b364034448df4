# make help lists the targets.
SHELL := /bin/bash
PYTHON ?= python3
export PYTHON
IN_ENVIRONMENT := . tools/environment.sh &&

.PHONY: help setup demo check test docs format hooks clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: ## install pinned requirements into .venv and build the ROS package into install/
	@tools/setup.sh demo

demo: setup ## label a simulated depth camera's clouds with the real node; writes out/demo.png
	@$(IN_ENVIRONMENT) python -m jspnet_ros.demo

check: ## lint, format, types, spelling and the fast tests; under two minutes after the first run
	@tools/setup.sh test
	@$(IN_ENVIRONMENT) tools/check.sh
	@$(IN_ENVIRONMENT) python -m pytest -q -n 2 --dist loadfile -m "not slow and not alone"

test: ## lint, format, types, spelling, the documentation and every test; training and export included
	@tools/setup.sh test
	@$(IN_ENVIRONMENT) tools/check.sh
	@$(IN_ENVIRONMENT) NO_MKDOCS_2_WARNING=1 mkdocs build --quiet --strict
	@$(IN_ENVIRONMENT) python -m pytest -n 2 --dist loadfile -m "not alone" --durations 20
	@$(IN_ENVIRONMENT) python -m pytest -m alone tests/ros

docs: ## build the documentation as a site in out/site; warnings are errors
	@tools/setup.sh test
	@$(IN_ENVIRONMENT) NO_MKDOCS_2_WARNING=1 mkdocs build --strict

format: ## format the code and mend what ruff can mend
	@tools/setup.sh test
	@$(IN_ENVIRONMENT) ruff check --fix . ; ruff format .

hooks: ## run lint, format, types and spelling before every commit
	@tools/setup.sh test
	@$(IN_ENVIRONMENT) pre-commit install

clean: ## remove build results; .venv stays
	rm -rf build install log out .venv/stamps/build
