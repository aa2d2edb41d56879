"""The catalog as operators keep it: products, prices, stock."""

from __future__ import annotations

from fastapi import APIRouter

from api.routes import GuardedRoute

router = APIRouter(tags=["Catalog"], route_class=GuardedRoute)
