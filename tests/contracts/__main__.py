"""`python -m tests.contracts`: runs all contracts, prints the result of each, and exits with 1 when one is broken."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from tests.contracts import (
    citations,
    connections,
    containers,
    expand,
    kubernetes,
    locks,
    migrations,
    monitoring,
    openapi,
    retention,
    settings_pages,
    systemd,
    tree,
    words,
)
from tests.contracts.checks import ContractBroken

CHECKS: tuple[Callable[[], None], ...] = (
    tree.no_registry_host,
    tree.no_machine_path,
    tree.scripts_are_executable,
    citations.cited_ids_are_listed,
    citations.cited_sections_exist,
    citations.ids_are_listed_once,
    citations.rows_state_their_tests,
    words.no_former_words,
    locks.locks_match_pyproject,
    locks.locks_are_hashed,
    locks.locks_agree,
    containers.dockerfile_passes_hadolint,
    containers.dockerfile_copies_existing_files,
    containers.production_image_has_no_sandbox_code,
    containers.compose_builds_the_development_image,
    containers.compose_file_conforms_to_its_schema,
    containers.compose_file_is_accepted,
    containers.compose_refuses_to_start_without_secrets,
    containers.compose_contains_no_secret,
    containers.compose_gives_each_process_its_own_secrets_only,
    containers.compose_publishes_on_the_loopback_only,
    containers.compose_sets_only_settings_that_exist,
    containers.compose_waits_until_processes_have_drained,
    containers.images_are_pinned,
    retention.retention_has_one_value,
    *kubernetes.CHECKS,
    *systemd.CHECKS,
    containers.services_of_others_are_confined,
    monitoring.alerts_lead_to_the_runbook,
    monitoring.alerts_are_described,
    monitoring.metrics_exist,
    monitoring.metrics_are_described,
    monitoring.processes_are_scraped,
    connections.compose_keeps_the_connection_budget,
    migrations.migrations_match_models,
    expand.later_schemas_serve_the_release_before,
    openapi.document_is_current,
    settings_pages.page_is_current,
    settings_pages.example_is_current,
    settings_pages.example_has_what_compose_reads,
)


def main() -> int:
    """Run all contracts, also after one is broken."""
    broken = sum(not _holds(check) for check in CHECKS)
    print(f"{len(CHECKS) - broken} of {len(CHECKS)} contracts hold.")  # noqa: T201 - the output of this command
    return 1 if broken else 0


def _holds(check: Callable[[], None]) -> bool:
    started = time.monotonic()
    try:
        check()
    except ContractBroken as broken:
        print(f"BROKEN  {check.__doc__}\n        {broken}")  # noqa: T201 - the output of this command
        return False
    print(f"ok      {check.__doc__} ({time.monotonic() - started:.1f} s)")  # noqa: T201 - the output of this command
    return True


if __name__ == "__main__":
    sys.exit(main())
