# make help lists the targets.
SHELL := /bin/bash
PYTHON ?= python3
export PYTHON

.PHONY: help setup demo test clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: ## .venv with pinned requirements, and the ROS package built into install/
	@tools/setup.sh demo

demo: setup ## the real node labels a simulated depth camera's clouds; writes out/demo.png
	@. tools/environment.sh && python -m jspnet_ros.demo

test: ## setup with the training and export extras, linters, type checker, every test
	@tools/setup.sh test
	@. tools/environment.sh && ruff check . && mypy
	@. tools/environment.sh && python -m pytest -n 2 --dist loadfile -m "not alone" --durations 20
	@. tools/environment.sh && python -m pytest -m alone tests/ros

clean: ## forget the build; .venv stays
	rm -rf build install log out .venv/stamps/build
