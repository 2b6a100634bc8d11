"""The routes about API tokens."""

from __future__ import annotations

from typing import Final

from bridge.web.api import token_models as m
from bridge.web.api import tokens
from bridge.web.routes import Answer, Route

ROUTES: Final = (
    Route(
        "GET",
        "/api/v1/tokens",
        tokens.list_tokens,
        "API tokens, what each may do, and when it was last used",
        {200: Answer(m.TokenList)},
    ),
    Route(
        "POST",
        "/api/v1/tokens",
        tokens.create_token,
        "Make a token; its text is in this answer only",
        {201: Answer(m.TokenOut)},
        problems=(409,),
        body=m.NewToken,
        notes="Nobody gives a scope that they have not.",
    ),
    Route(
        "DELETE",
        "/api/v1/tokens/{token}",
        tokens.delete_token,
        "End a token: it is refused from now on",
        {204: Answer(says="Ended")},
        problems=(404,),
    ),
)
