"""What a build of the image sees: the contents of .dockerignore's context, with files that must not be in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.contracts import containers, dockerfile
from tests.contracts.checks import ROOT, ContractBroken

#: Files that hold secrets or the history, wherever somebody leaves them.
PLANTED = (
    *(".git/config", ".git/HEAD", "services/.git/config", ".env", ".env.production", "api/.env", "services/.env.local"),
    *(
        ".data/secrets-key",
        ".data/signing-key.pem",
        ".data/secrets.json",
        ".data/webhook-secret",
        "api/.data/secrets.json",
    ),
    *(
        "services/secrets-key",
        "services/signing-key.pem",
        "workers/tls.key",
        "docs/problems/server.pem",
        "api/secrets.json",
    ),
    *(
        ".env.example",
        "id_ed25519",
        "backup.sql",
        "orders.dump",
        "tests/conftest.py",
        "sandbox/.data/inbox.sqlite",
    ),
)
_SECRETS = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----[^.]{20}|whsec_[A-Za-z0-9+/]{24}|\blive_[A-Za-z0-9_-]{24}|postgresql://\w+:[0-9a-f]{16}"
)


def test_T120_secrets_and_the_history_are_not_in_the_build_context(tmp_path: Path) -> None:
    ours = ["services/settings.py", "pyproject.toml", "docs/problems/not-found.md", "requirements/run.txt"]
    for name in (*PLANTED, *ours):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert sorted(dockerfile.context_files(tmp_path)) == sorted(ours)


def test_T120_no_file_of_the_build_context_contains_a_secret() -> None:
    files = [*dockerfile.context_files(ROOT)]
    assert len(files) > 300
    assert [name for name in files if _SECRETS.search((ROOT / name).read_bytes())] == []


def test_T117_compose_publishes_on_the_loopback_only() -> None:
    containers.compose_publishes_on_the_loopback_only()


def test_T164_the_production_image_has_no_sandbox_code() -> None:
    containers.production_image_has_no_sandbox_code()
    assert "sandbox" in dockerfile.all_sources("development")


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("COPY workers workers", "COPY workers workers\nCOPY sandbox sandbox", "must not contain sandbox"),
        ("COPY services services", "", "needs code that the image does not contain"),
        (" AS production", " AS release", "must be `production`"),
    ],
    ids=["sandbox-in-every-image", "no-services", "no-production-stage"],
)
def test_T164_a_production_image_with_too_much_or_too_little_is_found(
    monkeypatch: pytest.MonkeyPatch, before: str, after: str, reason: str
) -> None:
    changed = dockerfile.text().replace(before, after)
    monkeypatch.setattr(dockerfile, "text", lambda: changed)
    with pytest.raises(ContractBroken, match=re.escape(reason)):
        containers.production_image_has_no_sandbox_code()
