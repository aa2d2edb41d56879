"""How a setting is declared: once, with its default, its kind, who needs it, and a sentence for the documentation."""

from __future__ import annotations

import os
from collections.abc import Iterator, Set
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from services import secret_files
from services.parts import ALL_PARTS, Part


@dataclass(frozen=True)
class Declaration:
    """What is known about a setting besides its type and default."""

    #: what it decides, for the documentation
    help: str
    #: its unit or form, when the type does not say enough
    kind: str
    #: the parts that read it
    parts: frozenset[Part]
    #: what to do when it is missing, if API, workers or pages need it in production; else empty
    required: str
    secret: bool
    #: the default as it is shown, when it depends on other settings
    shown: str


@dataclass(frozen=True)
class Setting:
    """A declared setting."""

    #: the environment variable
    name: str
    field: str
    default: Any
    annotation: Any
    declared: Declaration

    @property
    def kind(self) -> str:
        """Its unit or form, or what its type allows."""
        return self.declared.kind or _kind(self.annotation)

    @property
    def shown_default(self) -> str:
        """The default as text; `none` when it has none."""
        if self.declared.shown:
            return self.declared.shown
        if isinstance(self.default, bool):
            return "true" if self.default else "false"
        return "none" if self.default in (None, "") else f"{self.default}"

    @property
    def required(self) -> bool:
        """Whether production does not start without it."""
        return bool(self.declared.required)


def setting(
    default: Any,
    text: str,
    *,
    kind: str = "",
    parts: Set[Part] = ALL_PARTS,
    required: str = "",
    secret: bool = False,
    shown: str = "",
    **options: Any,
) -> Any:
    """A field of a settings class; `options` are those of pydantic's `Field`, such as `ge`.

    `text` begins in lower case and has no full stop. A secret is never shown, neither in an error nor in a
    representation, and may be a file.
    """
    declared = Declaration(text, kind, frozenset(parts), required, secret, shown)
    if secret:
        options["repr"] = False
    return Field(default, description=text, json_schema_extra={"declared": declared}, **options)  # type: ignore[dict-item]  # read back below; no schema is made of settings


def declared_in(model: type[BaseModel]) -> Iterator[Setting]:
    """The settings of a class, in the order of their declaration. Raises TypeError for a field without `setting`."""
    for field, info in model.model_fields.items():
        yield Setting(_variable(field, info), field, info.default, info.annotation, _declaration(field, info))


def _variable(field: str, info: FieldInfo) -> str:
    return str(info.validation_alias or field).upper()


def _declaration(field: str, info: FieldInfo) -> Declaration:
    extra = info.json_schema_extra
    declared: object = extra.get("declared") if isinstance(extra, dict) else None
    if not isinstance(declared, Declaration):
        raise TypeError(f"{field} is not declared: write `{field}: … = setting(default, text, …)`")
    return declared


def _kind(annotation: Any) -> str:
    options = [each for each in get_args(annotation) if each is not type(None)] or [annotation]
    if get_origin(annotation) is Literal:
        return " or ".join(map(str, options))
    if len(options) == 1 and options[0] is not annotation:
        return _kind(options[0])
    return _KINDS.get(annotation, "text")


_KINDS = {bool: "true or false", int: "whole number", float: "number"}


class FromEnvironment(BaseSettings):
    """Settings from the environment, then from files; an empty variable counts as unset."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, hide_input_in_errors=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no .env file is read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - services/secret_files.py reads more
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the code gives, the environment, and files, in this order."""
        return init_settings, env_settings, _Files(settings_cls)


class _Files(PydanticBaseSettingsSource):
    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError("all files are read at once")

    def __call__(self) -> dict[str, Any]:
        known = [*declared_in(self.settings_cls)]
        secrets = [each.name for each in known if each.declared.secret]
        values = secret_files.read([each.name for each in known], secrets, os.environ)
        return {name.lower(): value for name, value in values.items()}
