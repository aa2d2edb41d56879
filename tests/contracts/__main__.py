"""`python -m tests.contracts`: runs every check, says what each looks at, and ends with 1 when one fails."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from tests.contracts import containers, locks, migrations, openapi, tree
from tests.contracts.checks import ContractBroken

CHECKS: tuple[Callable[[], None], ...] = (
    tree.no_registry_is_named,
    tree.no_machine_is_named,
    tree.scripts_run,
    locks.locks_hold_what_is_asked_for,
    locks.locks_are_hashed,
    locks.locks_agree,
    containers.dockerfile_is_sound,
    containers.dockerfile_copies_what_is_there,
    containers.compose_file_fits_its_schema,
    containers.compose_file_is_accepted,
    containers.compose_refuses_to_start_without_secrets,
    containers.compose_holds_no_secret,
    containers.compose_listens_on_the_loopback_only,
    containers.compose_sets_only_settings_that_exist,
    containers.images_are_pinned,
    migrations.models_are_migrated,
    openapi.document_is_fresh,
)


def main() -> int:
    """Run them all, also after one has failed."""
    broken = sum(not _holds(check) for check in CHECKS)
    print(f"{len(CHECKS) - broken} of {len(CHECKS)} contracts hold.")  # noqa: T201
    return 1 if broken else 0


def _holds(check: Callable[[], None]) -> bool:
    started = time.monotonic()
    try:
        check()
    except ContractBroken as broken:
        print(f"BROKEN  {check.__doc__}\n        {broken}")  # noqa: T201
        return False
    print(f"ok      {check.__doc__} ({time.monotonic() - started:.1f} s)")  # noqa: T201
    return True


if __name__ == "__main__":
    sys.exit(main())
