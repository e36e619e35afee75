"""How a router of pages is made."""

from fastapi import APIRouter, Depends

from bhtom_runtime.auth import public


def page_router() -> APIRouter:
    """Pages check nothing themselves: the APIs they ask decide what may be seen."""
    return APIRouter(dependencies=[Depends(public)], include_in_schema=False)
