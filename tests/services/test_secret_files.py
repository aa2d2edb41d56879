"""Settings from files: `NAME_FILE` and SECRETS_DIR, the same for every process."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from services import production_checks, secret_files
from services.parts import Part
from services.settings import all_settings
from services.startup import read
from tests.services.environment import CANARY, GOOD
from tests.services.test_startup import SECRETS, run
from web.settings import WebSettings

FILES = sorted(each.name for each in all_settings() if each.declared.secret)


def as_files(environment: pytest.MonkeyPatch, folder: Path, text: str = "{}\n") -> None:
    """Move the secrets of GOOD into files that `NAME_FILE` names."""
    for name in FILES:
        if name in GOOD:
            (folder / f"of-{name}").write_text(text.format(GOOD[name]))
            (folder / f"of-{name}").chmod(0o400)
            environment.setenv(f"{name}_FILE", str(folder / f"of-{name}"))
            environment.delenv(name)


def test_T234_every_secret_can_be_a_file_of_its_own(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    before = read()
    as_files(environment, tmp_path)
    assert [name for name in FILES if name in os.environ] == []
    after = read()
    assert {each.name: getattr(after, each.field) for each in all_settings()} == {
        each.name: getattr(before, each.field) for each in all_settings()
    } | {"SIGNING_KEY": (before.signing_key or "").rstrip("\n")}
    assert production_checks.warnings(after) == []


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n"], ids=["none", "lf", "crlf", "two"])
def test_T234_line_breaks_at_the_end_are_not_part_of_the_value(
    environment: pytest.MonkeyPatch, tmp_path: Path, end: str
) -> None:
    (tmp_path / "key").write_bytes(f"{GOOD['SECRETS_KEY']}{end}".encode())
    environment.delenv("SECRETS_KEY")
    environment.setenv("SECRETS_KEY_FILE", str(tmp_path / "key"))
    assert read().secrets_key == GOOD["SECRETS_KEY"]


#: What is wrong with the file of SECRETS_KEY: its content, None for no file at all.
UNREADABLE: dict[str, tuple[bytes | None, str]] = {
    "missing": (None, "there is no such file"),
    "empty": (b"", "it is empty"),
    "blank": (b" \n", "it is empty"),
    "binary": (b"\xff\xfe", "it is not UTF-8 text"),
    "endless": (b"x" * 70_000, "it has more than 65,536 bytes"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_T235_a_file_that_cannot_be_a_value_prevents_the_start(
    environment: pytest.MonkeyPatch, tmp_path: Path, case: str
) -> None:
    content, reason = UNREADABLE[case]
    path = tmp_path / CANARY
    if content is not None:
        path.write_bytes(content)
    environment.delenv("SECRETS_KEY")
    environment.setenv("SECRETS_KEY_FILE", str(path))
    with pytest.raises(ValueError, match=f"^SECRETS_KEY cannot be read from its file: {reason}$"):
        read()


def test_T235_a_directory_is_no_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.delenv("SMTP_URL")
    environment.setenv("SMTP_URL_FILE", str(tmp_path))
    with pytest.raises(ValueError, match=r"^SMTP_URL cannot be read from its file: it is a directory$"):
        read()


def test_T235_a_value_and_a_file_are_a_contradiction(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("another key")
    environment.setenv("SECRETS_KEY_FILE", str(tmp_path / "key"))
    environment.setenv("SMS_URL_FILE", str(tmp_path / "none"))
    environment.delenv("SMS_URL")
    with pytest.raises(ValueError, match="are both set") as wrong:
        read()
    assert str(wrong.value).splitlines() == [
        "SECRETS_KEY and SECRETS_KEY_FILE are both set: unset one of them",
        "SMS_URL cannot be read from its file: there is no such file",
    ]
    environment.setenv("SECRETS_KEY_FILE", "")
    environment.setenv("SMS_URL_FILE", "")
    environment.setenv("SMS_URL", "none")
    assert read().secrets_key == GOOD["SECRETS_KEY"]


def test_T235_a_process_says_which_file_and_shows_no_path(tmp_path: Path) -> None:
    changes = {"SECRETS_KEY": "", "SECRETS_KEY_FILE": str(tmp_path / CANARY)}
    for module in ("api", "workers"):
        done = run(module, tmp_path, changes)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"{module}: SECRETS_KEY cannot be read from its file: there is no such file\n"


def test_T235_the_pages_say_it_too(tmp_path: Path) -> None:
    done = run("web", tmp_path, {"WEB_SECRET_FILE": str(tmp_path / CANARY)})
    assert (done.returncode, done.stderr) == (
        2,
        "web: WEB_SECRET cannot be read from its file: there is no such file\n",
    )


def test_T234_the_secret_of_the_pages(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "web_secret").write_text(f"{GOOD['SECRETS_KEY']}\n")
    environment.setenv("WEB_URL", "https://shop.example.com")
    environment.setenv("WEB_SECRET_FILE", str(tmp_path / "web_secret"))
    assert WebSettings().web_secret == GOOD["SECRETS_KEY"]
    environment.delenv("WEB_SECRET_FILE")
    environment.setenv("SECRETS_DIR", str(tmp_path))
    assert WebSettings().web_secret == GOOD["SECRETS_KEY"]


def test_a_file_that_everybody_may_read_is_a_warning(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    as_files(environment, tmp_path)
    (tmp_path / "of-SIGNING_KEY").chmod(0o440)
    assert production_checks.warnings(read()) == []
    (tmp_path / "of-SIGNING_KEY").chmod(0o444)
    (warning,) = production_checks.warnings(read())
    assert re.match(r"SIGNING_KEY is in a file that every user", warning)


@pytest.mark.parametrize("part", [Part.API, Part.WORKERS])
def test_T162_a_secret_of_another_part_is_a_warning(environment: pytest.MonkeyPatch, part: Part) -> None:
    others = {each.name for each in all_settings() if each.declared.secret and part not in each.declared.parts}
    warned = {line.split()[0] for line in production_checks.warnings(read(parts={part}), {part})}
    assert others
    assert warned == others


def test_secrets_can_be_files_of_a_directory(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in SECRETS:
        (tmp_path / name.lower()).write_text(f"{GOOD[name]}\n")
        environment.delenv(name)
    environment.setenv("SECRETS_DIR", str(tmp_path))
    settings = read()
    assert settings.secrets_key == GOOD["SECRETS_KEY"]
    assert settings.signing_key == GOOD["SIGNING_KEY"].strip()
    assert settings.sms_url == GOOD["SMS_URL"]
    environment.setenv("SMS_URL", "none")
    assert read().sms_url == ""
    environment.setenv("SECRETS_DIR", str(tmp_path / CANARY))
    with pytest.raises(ValueError, match=r"^SECRETS_DIR is not a directory$"):
        read()


def test_a_file_of_its_own_comes_before_the_directory(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("first")
    (tmp_path / "name").write_text("second")
    environ = {"NAME_FILE": str(tmp_path / "a"), "SECRETS_DIR": str(tmp_path)}
    assert secret_files.read(["NAME"], ["NAME"], environ) == {"NAME": "first"}
    assert secret_files.read(["NAME"], [], environ) == {"NAME": "second"}
