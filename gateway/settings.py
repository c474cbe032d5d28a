"""Every setting, each with a working default; the only reader of the environment (prefix ``HAYAME_``)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.errors import ConfigurationError

PREFIX = "HAYAME_"


class Settings(BaseModel):
    """What an operator may choose. Documented in docs/operations.md; sizes are bytes, times are seconds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Path = Path("data")
    database_url: str | None = None
    base_url: str = "http://127.0.0.1:8040"
    log_name: str = "hayame.local"
    checkpoints_dir: Path | None = None
    layouts_dir: Path | None = None
    reference_data: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    client_ca: Path | None = None
    certificate_proxies: str = ""
    retention: str | None = None
    benchmark_boundaries: Path | None = None
    storage_keys: str | None = Field(default=None, repr=False)
    large_bytes: int = Field(default=5 * 1024 * 1024, ge=1)
    large_records: int = Field(default=20_000, ge=1)
    max_bytes: int = Field(default=1024 * 1024 * 1024, ge=1)
    inline_raw_bytes: int = Field(default=256 * 1024, ge=1)
    signature_max_age_s: int = Field(default=300, ge=1, le=3600)
    unbound_tokens: bool = False
    issuer: str | None = None
    issuer_jwks: str | None = None
    idempotency_days: int = Field(default=7, ge=1)
    group_size: int = Field(default=32, ge=1, le=1_000)
    header_timeout_s: float = Field(default=10, gt=0)
    body_idle_s: float = Field(default=15, gt=0)
    rate_client_per_minute: int = Field(default=60_000, ge=0, le=1_000_000)
    rate_tokens_per_minute: int = Field(default=6_000, ge=0, le=1_000_000)
    rate_codes_per_minute: int = Field(default=600, ge=0, le=1_000_000)
    rate_refused_per_minute: int = Field(default=600, ge=0, le=1_000_000)
    connections_per_address: int = Field(default=4_096, ge=0)
    tsa_url: str | None = None
    tsa_certificates: Path | None = None
    stamp_interval_s: int = Field(default=600, ge=1)
    stamp_max_age_s: int = Field(default=259_200, ge=1)
    processes: int = Field(default=1, ge=1, le=64)
    worker: bool = True

    @model_validator(mode="after")
    def _tls_is_whole(self) -> Settings:
        if self.tls_certificate is None and not (self.tls_key is None and self.client_ca is None):
            raise ValueError("HAYAME_TLS_KEY and HAYAME_CLIENT_CA need a HAYAME_TLS_CERTIFICATE")
        if self.tls_certificate is not None and not self.base_url.startswith("https://"):
            raise ValueError("with HAYAME_TLS_CERTIFICATE, HAYAME_BASE_URL begins with https://")
        return self

    @model_validator(mode="after")
    def _issuer_is_whole(self) -> Settings:
        if (self.issuer is None) != (self.issuer_jwks is None):
            raise ValueError("HAYAME_ISSUER and HAYAME_ISSUER_JWKS go together")
        address = urlsplit(self.issuer_jwks or "")
        here = address.scheme == "http" and address.hostname in ("127.0.0.1", "::1", "localhost")
        if address.netloc and address.scheme != "https" and not here:
            raise ValueError("HAYAME_ISSUER_JWKS is a file, or an address that begins with https://")
        return self

    @property
    def url(self) -> str:
        """The database's address: the one set, or SQLite in the data folder."""
        return self.database_url or f"sqlite:///{self.data_dir / 'hayame.db'}"

    @property
    def kept_heads(self) -> Path:
        """Where the newest checkpoint of every log is kept outside the database."""
        return self.checkpoints_dir or self.data_dir / "checkpoints"

    @property
    def key_file(self) -> Path:
        """The key of the gateway's logs, and its first signing key."""
        return self.data_dir / "keys" / "gateway.pem"

    @property
    def signing_folder(self) -> Path:
        """Where the signing keys are that took its place, or are to."""
        return self.data_dir / "keys" / "signing"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings.

        Raises:
            ConfigurationError: a value is not of its kind, or a ``HAYAME_`` variable names no setting.
        """
        given = {
            name.removeprefix(PREFIX).lower(): value for name, value in environment.items() if name.startswith(PREFIX)
        }
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            causes = "; ".join(_cause(one["loc"], one["msg"]) for one in error.errors())
            raise ConfigurationError(causes, ja=f"設定に誤りがあります: {causes}") from None


def _cause(where: tuple[int | str, ...], what: str) -> str:
    return f"{PREFIX}{str(where[0]).upper()}: {what}" if where else what.removeprefix("Value error, ")
