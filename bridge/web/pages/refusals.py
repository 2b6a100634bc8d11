"""What stood in the way of a form that asked for something to be done: said on the page that held it."""

from __future__ import annotations

from typing import Final

from bridge.domain.outcomes import RemoteProblem
from bridge.ports import ActionRefused
from bridge.storage.errors import StorageDown
from bridge.web.pages.forms import wrong_fields
from bridge.web.problems import Problem, as_problem

REFUSALS: Final = (Problem, ActionRefused, RemoteProblem)
UNSAVED: Final = (*REFUSALS, StorageDown)
"""For what is saved in one transaction: where it could not be written, the page is shown with what was typed, as long
as there is something to be read.
"""


def told(error: Exception) -> tuple[dict[str, str], int]:
    """By field, and the status; a 404 or what is no refusal is raised again. `error`: one of UNSAVED."""
    problem = as_problem(error)
    if problem is None or problem.status == 404:
        raise error
    return wrong_fields(problem), problem.status
