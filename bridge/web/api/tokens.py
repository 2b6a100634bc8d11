"""`/api/v1/tokens`: what programs send to be let in, and what each may do."""

from __future__ import annotations

from aiohttp import web

from bridge.storage import api_tokens
from bridge.storage.api_tokens import ApiToken
from bridge.web.api.token_models import NewToken, TokenList, TokenOut
from bridge.web.bodies import read_json
from bridge.web.desk import DESK
from bridge.web.routes import SCOPES, WHO, ok
from bridge.web.tokens import end_token, make_token


async def list_tokens(request: web.Request) -> web.Response:
    found = await request.app[DESK].db.read(api_tokens.listed)
    return ok(TokenList(tokens=[_out(one) for one in found]))


async def create_token(request: web.Request) -> web.Response:
    asked = await read_json(request, NewToken)
    made, text = await make_token(request.app[DESK].db, asked.name, asked.scopes, request[WHO], request[SCOPES])
    return ok(_out(made).model_copy(update={"token": text}), 201)


async def delete_token(request: web.Request) -> web.Response:
    await end_token(request.app[DESK].db, request.match_info["token"], request[WHO])
    return web.Response(status=204)


def _out(token: ApiToken) -> TokenOut:
    return TokenOut(
        id=token.id,
        name=token.name,
        scopes=sorted(token.scopes),
        mark=token.digest[:8],
        made_by=token.made_by,
        created_at=token.created_at,
        last_used_at=token.last_used_at,
        ended_at=token.ended_at,
    )
