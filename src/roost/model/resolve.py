"""An application with every default filled in: nothing after this has to know what a framework implies."""

from dataclasses import dataclass
from typing import Literal

from roost.model.app import (
    DEFAULT_THREADS,
    App,
    Assets,
    Celery,
    Database,
    Flower,
    Frontend,
    Media,
    Pool,
    PoolMode,
    Python,
    Server,
    Source,
    Static,
    Web,
    WorkerClass,
)
from roost.model.backups import Backups
from roost.model.certificates import LETS_ENCRYPT, Certificate
from roost.model.edge import AppEdge
from roost.model.hooks import Hooks
from roost.model.stack import Stack

GENERATED_SECRET = "SECRET_KEY"  # noqa: S105 - the name of a variable, not a secret
"""The one secret of an application that Roost makes up by itself."""

POSTGRESQL_CLIENT = "postgresql-client"
"""The Debian package with psql and pg_dump."""

_RUNTIME_SUFFIX = "_app"
_SECOND_SUFFIX = "-2"

_PRIVATE_TOP_LEVELS = frozenset(
    {"example", "home", "internal", "invalid", "lan", "local", "localhost", "onion", "test"}
)
_PRIVATE_DOMAINS = ("home.arpa", "example.com", "example.net", "example.org")


@dataclass(frozen=True)
class Preset:
    """What a framework implies."""

    attribute: str
    database: bool
    static: bool
    secret_key: bool
    backend: tuple[str, ...] = ("/api/",)
    release_commands: tuple[str, ...] = ()
    migrations: str | None = None
    build_commands: tuple[str, ...] = ()


PRESETS = {
    "django": Preset(
        attribute="application",
        database=True,
        static=True,
        secret_key=True,
        backend=("/api/", "/admin/"),
        release_commands=("python manage.py migrate --noinput",),
        migrations="python manage.py showmigrations --plan",
        build_commands=("python manage.py collectstatic --noinput",),
    ),
    "fastapi": Preset(attribute="app", database=False, static=False, secret_key=False),
    "flask": Preset(attribute="app", database=False, static=False, secret_key=True),
}


@dataclass(frozen=True)
class ResolvedWeb:
    """The web processes. `module` is complete: `atlas.wsgi:application`. Times in seconds, sizes in MiB."""

    server: Server
    worker_class: WorkerClass
    module: str
    workers: int | Literal["auto"]
    threads: int
    preload: bool
    health: str
    max_request_time: int
    memory_max_mb: int | None
    warm_minutes: int
    max_body_mb: int
    maintenance_page: str | None

    @property
    def asynchronous(self) -> bool:
        """Whether an open connection costs no worker: it may be a WebSocket or an endless answer."""
        return self.worker_class == "uvicorn"


@dataclass(frozen=True)
class ResolvedPool:
    """A worker pool; time limits in seconds."""

    name: str
    queues: tuple[str, ...]
    concurrency: int
    time_limit: int
    soft_time_limit: int


@dataclass(frozen=True)
class ResolvedCelery:
    """The background tasks."""

    application: str
    beat: bool
    pools: tuple[ResolvedPool, ...]
    flower: Flower | None


@dataclass(frozen=True)
class ResolvedPooler:
    """The pooler. `size` is the declared one."""

    mode: PoolMode
    size: int | None


@dataclass(frozen=True)
class ResolvedDatabase:
    """The database: `name` is also its owner's name.

    With a `url` it is elsewhere and not Roost's to make; with an `admin_url` it is elsewhere, and Roost makes it.
    `runtime_role` is who serves, None if the owner does. A time limit that is None is the server's. `dumps` are those
    of a database elsewhere, None for as many as of others.
    """

    name: str
    runtime_role: str | None
    extensions: tuple[str, ...]
    url: str | None
    admin_url: str | None
    dumps: int | None
    statement_timeout: int | None
    lock_timeout: int | None
    idle_in_transaction_timeout: int | None
    pooler: ResolvedPooler | None
    migration_lock_timeout: int
    backup_before_migrations: bool
    assertions: tuple[str, ...]

    @property
    def elsewhere(self) -> bool:
        """Whether it is on no server of Roost's."""
        return bool(self.url or self.admin_url)


@dataclass(frozen=True)
class ResolvedFrontend:
    """The front end. `backend` are the URLs that are not its own; `assets_folder` is in `output`."""

    path: str
    kind: Literal["static", "node"]
    build: str
    output: str
    start: str
    health: str
    memory_max_mb: int | None
    assets_url: str
    assets_folder: str
    backend: tuple[str, ...]
    node: str | None
    env: dict[str, str]


@dataclass(frozen=True)
class ResolvedApp:
    """An application in which nothing is left to be guessed. `redis_database` is n of the pair 2n, 2n+1.

    `hosts` are all names under which requests reach it: its domains, and those of sites with a location for it.
    """

    name: str
    framework: Literal["django", "fastapi", "flask"]
    domains: tuple[str, ...]
    hosts: tuple[str, ...]
    source: Source
    settings: str | None
    python: Python
    web: ResolvedWeb
    celery: ResolvedCelery | None
    database: ResolvedDatabase | None
    redis_database: int | None
    static: Static | None
    media: Media | None
    frontend: ResolvedFrontend | None
    env: dict[str, str]
    secrets: tuple[str, ...]
    release_commands: tuple[str, ...]
    migrations: str | None
    build_commands: tuple[str, ...]
    hooks: Hooks
    edge: AppEdge
    packages: tuple[str, ...]
    tls: Literal["letsencrypt", "selfsigned", "own"]
    certificate: Certificate
    challenge: Literal["http", "dns"]

    @property
    def wildcards(self) -> tuple[str, ...]:
        """The domains that stand for each name under them."""
        return tuple(domain for domain in self.domains if domain.startswith("*"))

    @property
    def broker_database(self) -> int | None:
        """The logical Redis database of Celery's messages and results."""
        return None if self.redis_database is None else 2 * self.redis_database

    @property
    def cache_database(self) -> int | None:
        """The logical Redis database of the application's cache."""
        return None if self.redis_database is None else 2 * self.redis_database + 1


def resolve(app: App, stack: Stack) -> ResolvedApp:
    """Fill in what the framework and the stack imply for one application."""
    preset = PRESETS[app.framework]
    secrets = dict.fromkeys([*([GENERATED_SECRET] if preset.secret_key else []), *app.secrets])
    implied = [_implied(command, app) for command in preset.release_commands]
    release = implied if app.release_commands is None else app.release_commands
    build = app.build_commands
    migrations = _implied(preset.migrations, app) if preset.migrations and set(implied) & set(release) else None
    database = _database(app)
    return ResolvedApp(
        name=app.name,
        framework=app.framework,
        domains=tuple(app.domains),
        hosts=_hosts(app, stack),
        source=app.source,
        settings=app.settings,
        python=_python(app),
        web=_web(app.web, app),
        celery=_celery(app.celery),
        database=database,
        redis_database=_redis_database(app),
        static=app.static if "static" in app.model_fields_set or not preset.static else Static(),
        media=app.media,
        frontend=_frontend(app.frontend, preset),
        env=dict(app.env),
        secrets=tuple(secrets),
        release_commands=tuple(release),
        migrations=app.migrations or migrations,
        build_commands=tuple(
            build if build is not None else [_implied(command, app) for command in preset.build_commands]
        ),
        hooks=app.hooks,
        edge=app.edge,
        packages=tuple(dict.fromkeys([*app.packages, *([POSTGRESQL_CLIENT] if database else [])])),
        tls=_tls(app, stack),
        certificate=app.certificate,
        challenge=app.certificate.challenge or ("dns" if any(d.startswith("*") for d in app.domains) else "http"),
    )


def resolved_apps(stack: Stack) -> list[ResolvedApp]:
    """All applications of a stack, in its order."""
    return [resolve(app, stack) for app in stack.apps]


def wanted_backups(stack: Stack) -> Backups | None:
    """What is said about backups; None if there are none, or neither uploads nor a database."""
    backups = stack.backups
    if backups is None or wanted_database_backups(stack):
        return backups
    apps = resolved_apps(stack)
    return backups if any(app.media or (app.database and wanted_dumps(app.database, backups)) for app in apps) else None


def wanted_database_backups(stack: Stack) -> Backups | None:
    """What is said about backups; None if there are none, or no database on a server of Roost's."""
    here = any(app.database and not app.database.elsewhere for app in resolved_apps(stack))
    return stack.backups if here else None


def wanted_dumps(database: ResolvedDatabase, backups: Backups) -> int:
    """How many nightly dumps of a database elsewhere are kept."""
    return backups.dumps if database.dumps is None else database.dumps


def runtime_role_of(database: str) -> str:
    """The role as which the processes of a database's application log in, if it has one."""
    return f"{database}{_RUNTIME_SUFFIX}"


def second_login_of(role: str) -> str:
    """The other login of a role. No name of a database has a hyphen, so it is no role of another database."""
    return f"{role}{_SECOND_SUFFIX}"


def can_be_public(domain: str) -> bool:
    """Whether a public authority could ever issue a certificate for this domain."""
    if domain.rpartition(".")[2] in _PRIVATE_TOP_LEVELS:
        return False
    return not any(domain == private or domain.endswith(f".{private}") for private in _PRIVATE_DOMAINS)


def _hosts(app: App, stack: Stack) -> tuple[str, ...]:
    others = [other for other in stack.apps if any(place.app == app.name for place in other.edge.locations)]
    return tuple(dict.fromkeys([*app.domains, *(domain for other in others for domain in other.domains[:1])]))


def _python(app: App) -> Python:
    named = app.python.requirements or app.python.pyproject or app.python.lock
    if named or app.source.pypi:
        return app.python
    return app.python.model_copy(update={"requirements": "requirements.txt"})


def _implied(command: str, app: App) -> str:
    """A command that the framework implies. A package of the index brings no manage.py."""
    return command.replace("manage.py", "-m django") if app.source.pypi else command


def _web(web: Web, app: App) -> ResolvedWeb:
    entry = app.wsgi or app.asgi or ""
    asynchronous = app.asgi is not None or web.server == "uvicorn"
    worker_class: WorkerClass = web.worker_class or ("uvicorn" if asynchronous else "gthread")
    return ResolvedWeb(
        server=web.server,
        worker_class=worker_class,
        module=entry if ":" in entry else f"{entry}:{PRESETS[app.framework].attribute}",
        workers=web.workers,
        threads=(web.threads or DEFAULT_THREADS) if worker_class == "gthread" else 1,
        preload=web.preload,
        health=web.health,
        max_request_time=web.max_request_time,
        memory_max_mb=web.memory_max_mb,
        warm_minutes=web.warm_minutes,
        max_body_mb=web.max_body_mb,
        maintenance_page=web.maintenance_page,
    )


def _celery(celery: Celery | None) -> ResolvedCelery | None:
    if celery is None:
        return None
    pools = tuple(map(_pool, celery.pools))
    return ResolvedCelery(application=celery.app, beat=celery.beat, pools=pools, flower=celery.flower)


def _pool(pool: Pool) -> ResolvedPool:
    own_queue = "celery" if pool.name == "default" else pool.name
    return ResolvedPool(
        name=pool.name,
        queues=tuple(pool.queues or [own_queue]),
        concurrency=pool.concurrency,
        time_limit=pool.time_limit,
        soft_time_limit=pool.soft_time_limit or max(1, pool.time_limit * 9 // 10),
    )


@dataclass(frozen=True)
class _FrontendPreset:
    output: str
    assets: Assets


_FRONTENDS = {
    "static": _FrontendPreset("dist", Assets(url="/assets/")),
    "node": _FrontendPreset(".next/standalone", Assets(url="/_next/static/", folder=".next/static")),
}


def _frontend(frontend: Frontend | None, preset: Preset) -> ResolvedFrontend | None:
    if frontend is None:
        return None
    kind = _FRONTENDS[frontend.kind]
    assets = frontend.assets or kind.assets
    return ResolvedFrontend(
        path=frontend.path.rstrip("/"),
        kind=frontend.kind,
        build=frontend.build,
        output=(frontend.output or kind.output).rstrip("/"),
        start=frontend.start or "node server.js",
        health=frontend.health or "/",
        memory_max_mb=frontend.memory_max_mb,
        assets_url=assets.url,
        assets_folder=(assets.folder or assets.url).strip("/"),
        backend=preset.backend if frontend.backend is None else tuple(frontend.backend),
        node=frontend.node,
        env=dict(frontend.env),
    )


def _database(app: App) -> ResolvedDatabase | None:
    declared = app.database
    if declared is None and PRESETS[app.framework].database and "database" not in app.model_fields_set:
        declared = Database()
    if declared is None:
        return None
    name = declared.name or app.name
    return ResolvedDatabase(
        name=name,
        runtime_role=runtime_role_of(name) if declared.runtime_role and not declared.url else None,
        extensions=tuple(declared.extensions),
        url=declared.url,
        admin_url=declared.admin_url,
        dumps=declared.dumps,
        statement_timeout=declared.statement_timeout,
        lock_timeout=declared.lock_timeout,
        idle_in_transaction_timeout=declared.idle_in_transaction_timeout,
        pooler=ResolvedPooler(declared.pooler.mode, declared.pooler.size) if declared.pooler else None,
        migration_lock_timeout=declared.migration_lock_timeout,
        backup_before_migrations=declared.backup_before_migrations,
        assertions=tuple(declared.assertions),
    )


def _redis_database(app: App) -> int | None:
    if app.redis is not None:
        return app.redis.database
    wanted = "redis" not in app.model_fields_set and (app.framework == "django" or app.celery is not None)
    return 0 if wanted else None


def _tls(app: App, stack: Stack) -> Literal["letsencrypt", "selfsigned", "own"]:
    if app.certificate.file:
        return "own"
    kind = app.tls or stack.tls
    if kind != "auto":
        return kind
    public = stack.acme_directory not in LETS_ENCRYPT or all(map(can_be_public, app.domains))
    return "letsencrypt" if public else "selfsigned"
