"""Which stories with the whole service are played on which database.

The books themselves, their statements and what two transactions do to each other are tested on SQLite and on MariaDB
(tests/integration/storage, web, alerts), and so is every kill point (tests/chaos). A story of the whole service, in a
folder whose conftest takes the hook below, runs on SQLite; marked `both_databases` it runs on MariaDB too. Marked are
those whose subject the database is, and those that reach statements which no test of the books reaches.
"""

from __future__ import annotations

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Choose for what asks for a `database_url`, but not for an opened `database`: those tests take milliseconds."""
    names = set(metafunc.fixturenames)
    if "database_url" not in names or "database" in names or metafunc.definition.get_closest_marker("both_databases"):
        return
    metafunc.definition.add_marker(pytest.mark.parametrize("database_url", ["sqlite"], indirect=True))
