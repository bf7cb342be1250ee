"""All configuration, from environment and file, validated once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from engine.errors import UsageError
from engine.units import read_bytes

if TYPE_CHECKING:
    from engine.backends import Backend

_APP = "r1-detective"


def _slack(name: str) -> AliasChoices:
    """Slack's own variable names, as its documentation and deployments use them."""
    return AliasChoices(f"SLACK_{name}", f"slack_{name.lower()}")


def _bytes(value: object) -> object:
    """``20GB``, ``16GiB``, or a number of bytes."""
    if not isinstance(value, str):
        return value
    return read_bytes(value) if value.strip() else None


class Settings(BaseSettings):
    """Every setting: ``R1_<NAME>`` in the environment, or ``name = …`` in config.toml."""

    model_config = SettingsConfigDict(env_prefix="R1_", extra="forbid", frozen=True)

    database_url: str = ""
    slack_bot_token: SecretStr = Field(SecretStr(""), validation_alias=_slack("BOT_TOKEN"))
    slack_signing_secret: SecretStr = Field(SecretStr(""), validation_alias=_slack("SIGNING_SECRET"))
    slack_app_token: SecretStr = Field(SecretStr(""), validation_alias=_slack("APP_TOKEN"))
    slack_client_id: str = Field("", validation_alias=_slack("CLIENT_ID"))
    slack_client_secret: SecretStr = Field(SecretStr(""), validation_alias=_slack("CLIENT_SECRET"))
    slack_api_url: str = "https://slack.com/api/"
    public_url: str = Field("", pattern=r"^(https?://\S+[^/])?$")
    checkpoint_roots: tuple[Path, ...] = ()
    family_files: tuple[Path, ...] = ()
    rule_files: tuple[Path, ...] = ()
    hardware_files: tuple[Path, ...] = ()
    reference_files: tuple[Path, ...] = ()
    reference_dir: Path | None = None
    answers_dir: Path | None = None
    catalog_dir: Path | None = None
    secret_key: SecretStr = SecretStr("")
    signing_key: SecretStr = SecretStr("")
    trusted_keys: str = ""
    admins: tuple[str, ...] = ()
    key_variables: tuple[str, ...] = ("*_API_KEY",)
    allow_private_endpoints: bool = False
    allowed_channels: tuple[Annotated[str, Field(pattern=r"^[CG][A-Z0-9]+$")], ...] = ()
    allowed_teams: tuple[Annotated[str, Field(pattern=r"^[TE][A-Z0-9]+$")], ...] = ()
    allow_dms: bool = True
    quota_per_day: int | None = Field(None, ge=1, le=1_000_000)
    replies: Literal["channel", "private", "choose"] = "choose"
    cache_minutes: int = Field(10, ge=0, le=10_080)
    watches_per_person: int = Field(50, ge=0, le=100_000)
    verdict_days: int = Field(7, ge=1, le=365)
    llm_url: str = ""
    llm_model: str = ""
    llm_key: SecretStr = SecretStr("")
    retention_days: int | None = Field(None, ge=1, le=36_500)
    looks_days: int = Field(90, ge=1, le=36_500)
    default_lang: Literal["en", "zh"] = "en"
    host: str = "0.0.0.0"
    port: int = Field(3000, ge=0, le=65535)
    workers: int = Field(1, ge=0, le=64)
    lease_seconds: float = Field(30.0, gt=0.2, le=3600)
    max_attempts: int = Field(5, ge=1, le=100)
    backend: Literal["local", "ray"] = "local"
    ray_address: str = ""
    devices: str = ""
    memory_budget: Annotated[int | None, BeforeValidator(_bytes)] = Field(None, ge=1)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())

    @property
    def store_url(self) -> str:
        """The database to use: the one set, else SQLite in the user's data directory."""
        return self.database_url or f"sqlite:///{default_database()}"

    @property
    def families(self) -> tuple[Path, ...]:
        """Family files to go by beside those that ship: those set, which win, then the updates in use.

        Raises:
            CatalogError: the folder of updates is damaged.
        """
        from engine.catalog.updates import current_files, index_files

        return (*self.family_files, *(current_files(self.catalog_folder) if index_files(self.catalog_folder) else ()))

    @property
    def catalog_folder(self) -> Path:
        """Where `r1 catalog update` keeps what it took in."""
        return self.catalog_dir or default_database().parent / "catalog"

    @property
    def answers_folder(self) -> Path:
        """Where comparisons on tasks keep answers, so that going on with one asks nothing twice."""
        return self.answers_dir or default_database().parent / "answers"

    @property
    def references(self) -> tuple[Path, ...]:
        """Recorded references to compare with: the files that are set, then the folder where there is one."""
        return (*self.reference_files, *([self.reference_folder] if self.reference_folder.is_dir() else []))

    @property
    def reference_folder(self) -> Path:
        """Where `r1 reference record` writes, and identifications look."""
        return self.reference_dir or default_database().parent / "references"


def backend_of(settings: Settings) -> Backend:
    """Where weights are opened; whoever asks closes it.

    Raises:
        UsageError: a device that is not there, no Ray, or no cluster that answers.
    """
    from engine.backends import open_backend

    return open_backend(
        settings.backend, address=settings.ray_address, devices=settings.devices, budget=settings.memory_budget
    )


@contextmanager
def opened(settings: Settings, wanted: bool) -> Iterator[Backend | None]:
    """The backend for as long as one question needs it; ``None`` where it needs none. Raises as ``backend_of``."""
    backend = backend_of(settings) if wanted else None
    try:
        yield backend
    finally:
        if backend is not None:
            backend.close()


def config_file() -> Path:
    """``R1_CONFIG``, else config.toml in the user's configuration directory."""
    from platformdirs import user_config_path

    return Path(os.environ.get("R1_CONFIG") or user_config_path(_APP) / "config.toml")


def default_database() -> Path:
    """The SQLite file used where no database is set."""
    from platformdirs import user_data_path

    return user_data_path(_APP) / "r1.db"


def load_settings(**overrides: object) -> Settings:
    """The settings of this process.

    Raises:
        UsageError: a value makes no sense; the sentence names the setting.
    """
    import tomllib

    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic validates what is passed
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "?"
        raise UsageError("setting_invalid", name=name, problem=first["msg"].lower()) from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError("setting_file", file=str(config_file()), problem=str(error)) from error
    except ValueError as error:  # a list-valued variable that is no JSON
        raise UsageError("setting_invalid", name="R1_*", problem=str(error)[:120]) from error
