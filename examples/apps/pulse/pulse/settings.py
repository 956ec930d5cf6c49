"""What the environment says."""

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """`pool_size` is the most connections to the database that one process opens; times in seconds."""

    database_url: str
    pool_size: int
    heartbeat_seconds: float
    log_level: str
    release: str

    @classmethod
    def from_environment(cls) -> "Settings":
        return cls(
            database_url=os.environ.get("DATABASE_URL", "postgresql:///pulse"),
            pool_size=int(os.environ.get("DATABASE_POOL_SIZE", "5")),
            heartbeat_seconds=float(os.environ.get("HEARTBEAT_SECONDS", "15")),
            log_level=os.environ.get("LOG_LEVEL", "INFO").upper(),
            release=os.environ.get("APP_RELEASE", "development"),
        )


settings = Settings.from_environment()
