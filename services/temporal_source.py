"""The settings of the connection to Temporal in the configuration file of the `temporal` command."""

from __future__ import annotations

import os
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import PydanticBaseSettingsSource
from temporalio.envconfig import ClientConfigProfile, ClientConfigTLS

#: The sources of certificates and keys, by the name of their setting; each is a file or the text itself.
_SOURCES = {
    "temporal_tls_server_ca_cert": "server_root_ca_cert",
    "temporal_tls_client_cert": "client_cert",
    "temporal_tls_client_key": "client_private_key",
}


_FILE = ("TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE")


class TemporalSource(PydanticBaseSettingsSource):
    """What neither the environment nor SECRETS_DIR has is read from TEMPORAL_CONFIG_FILE, the profile TEMPORAL_PROFILE.

    Without both of them no file is read: a process must not depend on what a home directory happens to have.
    """

    def get_field_value(self, _: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Unused: all values are read at once."""
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        """The settings that the profile has. Raises ValueError, without a value of the file."""
        given = {name.upper(): str(value) for name, value in self.current_state.items() if value}
        names: dict[str, str] = {name: given[name] for name in _FILE if name in given}
        metadata = {name: value for name, value in os.environ.items() if name.startswith("TEMPORAL_GRPC_META_")}
        try:
            profile = ClientConfigProfile.load(disable_file=not names, override_env_vars={**names, **metadata})
        except RuntimeError:
            # The error's own text may have a line of the file.
            which = " and ".join(names)
            raise ValueError(f"{which}: the configuration file is no TOML, or has no such profile") from None
        found = {
            "temporal_address": profile.address,
            "temporal_namespace": profile.namespace,
            "temporal_api_key": profile.api_key,
            "temporal_grpc_meta": dict(profile.grpc_meta) or None,
            **_tls(profile.tls or ClientConfigTLS(), given),
        }
        return {name: value for name, value in found.items() if value is not None}


def _tls(tls: ClientConfigTLS, given: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "temporal_tls": None if tls.disabled is None else not tls.disabled,
        "temporal_tls_server_name": tls.server_name,
    }
    for name, member in _SOURCES.items():
        source = getattr(tls, member)
        # A file in the environment replaces a text in the profile, and the other way round.
        if source is not None and not {f"{name}_path".upper(), f"{name}_data".upper()} & given.keys():
            kind = "data" if isinstance(source, (str, bytes)) else "path"
            found[f"{name}_{kind}"] = source.decode() if isinstance(source, bytes) else source
    return found
