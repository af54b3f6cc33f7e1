"""Assertions of the shared cases say what they compared."""

import pytest

pytest.register_assert_rewrite("airflow_cases")
