"""Notifications over REST, for services and operators."""

from __future__ import annotations

from fastapi import APIRouter

from api.routes import GuardedRoute

router = APIRouter(tags=["Notifications"], route_class=GuardedRoute)
