"""`python -m services settings`: what is set, where it comes from, and never a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.parts import Part
from services.setting_declarations import declared_in, setting
from services.settings import GROUPS, Settings, all_settings
from tests.services.environment import CANARY, GOOD
from tests.services.test_startup import run
from web.settings import WebSettings


def test_T236_it_shows_every_setting_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text(GOOD["SECRETS_KEY"])
    changes = {"SECRETS_KEY": "", "SECRETS_KEY_FILE": str(tmp_path / "key"), "SHOP_NAME": "Lamps & Co"}
    done = run("services", tmp_path, changes, "settings")
    lines = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert (done.returncode, done.stderr) == (0, "")
    assert lines.keys() == {each.name for each in all_settings()}
    assert lines["SHOP_NAME"] == ["environment", "Lamps", "&", "Co"]
    assert lines["SECRETS_KEY"] == ["file", "set"]
    assert lines["SIGNING_KEY"] == ["environment", "set"]
    assert lines["HOLD_SECONDS"] == ["default", "1200"]
    secrets = (CANARY, GOOD["SECRETS_KEY"], "PRIVATE KEY", "whsec_b", "live_")
    assert [secret for secret in secrets if secret in done.stdout + done.stderr] == []


def test_T236_it_shows_the_settings_of_a_part_and_what_is_missing(tmp_path: Path) -> None:
    changes = {"SMTP_URL": "", "SIGNING_KEY": "", "HOLD_MAX_SHARE": "2"}
    workers = run("services", tmp_path, {**changes, "HOLD_MAX_SHARE": ""}, "settings", "--part", "workers")
    assert workers.returncode == 2
    assert [line.split()[0] for line in workers.stderr.splitlines()] == ["SMTP_URL"]
    assert "  SMTP_URL                 required\n" in workers.stdout
    assert "SIGNING_KEY" not in workers.stdout
    wrong = run("services", tmp_path, changes, "settings", "--part", "api")
    assert (wrong.returncode, wrong.stderr.split()[0]) == (2, "HOLD_MAX_SHARE:")


def test_every_setting_is_declared_once_with_a_sentence() -> None:
    names = [each.name for each in all_settings()]
    assert len(names) == len({*names})
    assert {each.field for each in all_settings()} == Settings.model_fields.keys()
    for each in [*all_settings(), *declared_in(WebSettings)]:
        assert each.declared.parts, each.name
        assert len(each.declared.help.split()) >= 2, each.name
        assert not each.declared.help.endswith("."), each.name
    assert all((group.__doc__ or "").endswith(".") for group in GROUPS)


def test_a_setting_without_a_declaration_is_refused() -> None:
    class Undeclared(WebSettings):
        added: int = 1

    with pytest.raises(TypeError, match="added is not declared"):
        [*declared_in(Undeclared)]


def test_a_kind_follows_from_the_type() -> None:
    class Group(WebSettings):
        many: int | None = setting(None, "how many", parts={Part.WEB})
        parted: bool = setting(False, "whether", parts={Part.WEB})

    *_, many, parted = declared_in(Group)
    assert (many.kind, many.shown_default) == ("whole number", "none")
    assert (parted.kind, parted.shown_default) == ("true or false", "false")
