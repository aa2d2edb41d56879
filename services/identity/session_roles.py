"""The role of a session, as SQL: all statements that tell who a caller is use this one."""

from __future__ import annotations

from services.identity.status import Role

#: A column of a session `s` and its account `u`: the role for which it was opened, while the account has that role.
ROLE_OF_SESSION = f"CASE WHEN s.role = u.role THEN s.role ELSE '{Role.BUYER}' END AS role"
