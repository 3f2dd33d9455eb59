"""Contracts as test suites, for our own code and for plugins. Needs pytest; nothing else imports it."""

import pytest

# Inherited tests then fail with the values compared, as tests in a test file do.
pytest.register_assert_rewrite("evalharness.testing.adapter_contract")
