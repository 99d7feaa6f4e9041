"""The fixtures of the integration tests."""

import importlib.util
import os

INTEGRATION = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "integration")

specification = importlib.util.spec_from_file_location("moat_integration_fixtures",
                                                       os.path.join(INTEGRATION, "conftest.py"))
shared = importlib.util.module_from_spec(specification)
specification.loader.exec_module(shared)

# pytest finds fixtures and hooks by their names in this module.
pytest_configure, pytest_report_header = shared.pytest_configure, shared.pytest_report_header
seed, pki, trusting, upstream = shared.seed, shared.pki, shared.trusting, shared.upstream
