"""Process settings: from the environment (`BRIDGE_…`) and, below it, a TOML file named by `BRIDGE_CONFIG`.

Every setting has its default and a sentence here; `docs/reference/settings.md` is checked against this class.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from bridge.alerting.mail_server import is_address, mail_server
from bridge.proxies import Network, networks


class Config(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="BRIDGE_", extra="ignore", frozen=True, env_ignore_empty=True)

    host: str = Field(default="127.0.0.1", description="Address the service listens on")
    port: int = Field(default=8080, ge=0, le=65535, description="Port the service listens on; 0 takes a free one")
    public_url: str | None = Field(
        default=None, description="Where the internet reaches this service, such as https://bridge.example.com"
    )
    trusted_proxies: str | None = Field(
        default=None,
        description="IP networks of your reverse proxies, separated by commas: their X-Forwarded-For is believed",
    )
    database_url: str | None = Field(
        default=None,
        description="mysql://user:password@host/name for production; unset: SQLite in the data folder",
    )
    data_dir: Path = Field(default=Path("data"), description="Folder for the SQLite database and generated keys")
    secret_key: SecretStr | None = Field(
        default=None,
        description="Key that encrypts secrets at rest; several separated by commas, the first encrypts. "
        "Generated in the data folder for SQLite, demanded for a server database",
    )
    api_token: SecretStr | None = Field(
        default=None, min_length=16, description="A first API token, for automation; generated for SQLite when unset"
    )
    admin_password: SecretStr | None = Field(
        default=None,
        min_length=10,
        description="Password of the user admin that the first start makes; unset: made up, and printed once",
    )
    allow_private_urls: bool = Field(
        default=False, description="Allow shops on private or loopback addresses and plain http: for trying out only"
    )
    sweep_interval: float = Field(
        default=300.0, ge=0.2, le=86_400, description="Seconds between two sweeps for what was never told"
    )
    quiet_period: float = Field(
        default=120.0,
        ge=0.1,
        le=3600,
        description="Seconds nothing is repeated after an unknown outcome; a partial refund waits 7.5 times as long",
    )
    workers: int = Field(default=4, ge=1, le=64, description="Orders settled at the same time by one process")
    lease: float = Field(
        default=240.0, ge=120, le=3600, description="Seconds a process may hold an order before others take it over"
    )
    smtp_url: SecretStr | None = Field(
        default=None, description="Mail server for alerts: smtp[s]://user:password@host:port?starttls=always|auto|never"
    )
    smtp_from: str | None = Field(default=None, validate_default=True, description="Sender of alerts by e-mail")
    keep_changelog_days: int = Field(
        default=730, ge=30, le=36_500, description="Days the story of a settled order is kept"
    )
    keep_personal_days: int = Field(
        default=180, ge=1, le=36_500, description="Days buyers' addresses are kept once the store has the order"
    )
    log_format: Literal["json", "console"] = Field(default="json", description="How log lines are written")
    log_level: Literal["debug", "info", "warning", "error"] = Field(default="info", description="Least severe log line")
    stop_timeout: float = Field(
        default=6.0, ge=0.5, le=60, description="Seconds a stop waits for what is in hand; the rest is taken up again"
    )

    @field_validator("smtp_url")
    @classmethod
    def _smtp_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            mail_server(value.get_secret_value(), "any@example.com")
        return value

    @field_validator("smtp_from")
    @classmethod
    def _smtp_from(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("smtp_url") is not None:
            raise ValueError("BRIDGE_SMTP_URL names a mail server: name the sender too, such as bridge@example.com")
        if value is not None and not is_address(value):
            raise ValueError("must be one e-mail address, such as bridge@example.com")
        return value

    @field_validator("public_url")
    @classmethod
    def _public_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(
                "give the address with its scheme and without '?' or '#', such as https://bridge.example.com"
            )
        return value.rstrip("/")

    @field_validator("trusted_proxies")
    @classmethod
    def _trusted_proxies(cls, value: str | None) -> str | None:
        if value is not None:
            networks(value)
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- the hook's signature; no .env file is read
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 -- same; no secrets folder
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        sources: tuple[PydanticBaseSettingsSource, ...] = (init_settings, env_settings)
        file = os.environ.get("BRIDGE_CONFIG")
        if file:
            if not Path(file).is_file():
                raise ValueError(f"BRIDGE_CONFIG names {file}, which is no file")
            sources = (*sources, TomlConfigSettingsSource(settings_cls, toml_file=file))
        return sources

    @property
    def proxies(self) -> tuple[Network, ...]:
        return () if self.trusted_proxies is None else networks(self.trusted_proxies)

    @property
    def is_embedded(self) -> bool:
        """SQLite in the data folder: one process, keys generated."""
        return self.database_url is None or self.database_url.startswith("sqlite")

    @property
    def database(self) -> str:
        if self.database_url is not None:
            return self.database_url
        return f"sqlite:///{(self.data_dir / 'bridge.sqlite3').absolute()}"
