"""What a stack says about one application."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from roost.model.certificates import Certificate
from roost.model.edge import AppEdge
from roost.model.hooks import Hooks
from roost.model.reserved import ENVIRONMENT_SET_BY_ROOST
from roost.model.values import (
    BuiltPath,
    Command,
    DatabaseName,
    DebianPackage,
    Declared,
    Domain,
    EnvironmentName,
    EnvironmentValue,
    Extension,
    GitLocation,
    GitVersion,
    HealthPath,
    HostKey,
    LocalPath,
    Lockfile,
    Module,
    Name,
    NodeCommand,
    NodeVersion,
    PlainName,
    Pyproject,
    PythonObject,
    PythonRequirement,
    PythonVersion,
    QueueName,
    RelativePath,
    Statement,
    TlsKind,
    UrlPath,
    UrlPrefix,
    VaultOrAdminUrl,
    VaultOrDatabaseUrl,
    goes_through_ssh,
    shown,
    switch,
    unique,
)

Server = Literal["gunicorn", "uvicorn"]
WorkerClass = Literal["sync", "gthread", "uvicorn"]
PoolMode = Literal["transaction", "session"]

AUTO_WORKERS_MAX = 8
"""`workers: auto` never starts more worker processes on a host than this."""

DEFAULT_THREADS = 4
"""Threads of a gthread worker."""

POOL_SIZE = 20
"""Connections of PostgreSQL that all transactions of an application share, unless it says otherwise."""

MAX_WEB_WORKERS = 64
MAX_REDIS_DATABASE = 63
MAX_DATABASE_TIMEOUT = 86_400
MAX_DUMPS = 100


def _free_variable(name: str) -> str:
    if name in ENVIRONMENT_SET_BY_ROOST:
        raise ValueError(f"{shown(name)} is set by Roost.")
    return name


def _canonical_first(domains: list[str]) -> list[str]:
    if domains and domains[0].startswith("*"):
        raise ValueError(
            f"{shown(domains[0])} is a wildcard, and so can't be the first domain: name the main one first."
        )
    return domains


def _workers(value: Any) -> Any:
    if value == "auto" or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_WEB_WORKERS):
        return value
    raise ValueError(f"{shown(str(value))} must be auto or a number from 1 to {MAX_WEB_WORKERS}.")


Workers = Annotated[Literal["auto"] | int, BeforeValidator(_workers)]
FreeVariable = Annotated[EnvironmentName, AfterValidator(_free_variable)]


class Source(Declared):
    """Where the code comes from: `{git, version}`, `{path}` or `{pypi}`."""

    git: GitLocation | None = Field(
        default=None, description="The git repository, without its submodules and its files in Git LFS."
    )
    version: GitVersion | None = Field(
        default=None,
        description="The tag, branch or commit of the git repository; of a branch, each deploy brings what it is then.",
    )
    deploy_key: bool = Field(
        default=False,
        description="Whether the servers read the repository with an ssh key of the application's own, which the vault "
        "keeps; `roost deploy-key` prints the half that the git server must know.",
    )
    host_keys: list[HostKey] = Field(
        default=[],
        description="The git server's own keys, if it is reached over ssh: `ssh-ed25519 AAAA...`. If none is given, "
        "each server trusts the first one that it meets.",
    )
    path: LocalPath | None = Field(
        default=None,
        description="A folder on this machine: absolute, or seen from the folder that holds `inventories/`.",
    )
    pypi: PythonRequirement | None = Field(
        default=None,
        description="A Python package and its version: `atlas-site==1.4.2`. What it depends on is installed with it.",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [key for key in ("git", "path", "pypi") if getattr(self, key) is not None]
        if len(given) != 1:
            said = f"not {' and '.join(given)} together" if given else "one is missing"
            raise ValueError(f"The source must be either git, path or pypi: {said}.")
        if given == ["git"] and self.version is None:
            raise ValueError("The source needs a version (a tag, a branch or a commit) beside git.")
        if given != ["git"] and self.version is not None:
            raise ValueError(f"The source can't have a version beside {given[0]}; only git has one.")
        for key in ("deploy_key", "host_keys"):
            if getattr(self, key) and not (self.git and goes_through_ssh(self.git)):
                raise ValueError(f"{key} is for git over ssh: give a location like git@git.example.com:atlas.git.")
        return self


class Python(Declared):
    """The interpreter and where the dependencies are listed; with none named, `requirements.txt`."""

    version: PythonVersion | None = Field(
        default=None,
        description="The interpreter, such as 3.12, which the host must have; its `python3` if not given.",
    )
    requirements: RelativePath | None = Field(
        default=None, description="A requirements file in the source. If one line has a hash, all must have one."
    )
    pyproject: Pyproject | None = Field(
        default=None, description="A `pyproject.toml` whose dependencies are installed."
    )
    lock: Lockfile | None = Field(
        default=None,
        description="A `uv.lock` that is installed exactly as it says, without development dependencies.",
    )

    @model_validator(mode="after")
    def _at_most_one(self) -> Self:
        given = [key for key in ("requirements", "pyproject", "lock") if getattr(self, key) is not None]
        if len(given) > 1:
            raise ValueError(f"The dependencies can come from one place only, not from {' and '.join(given)}.")
        return self


class Web(Declared):
    """The processes that answer HTTP requests."""

    server: Server = Field(
        default="gunicorn", description="The application server: gunicorn, or uvicorn alone, which serves `asgi` only."
    )
    worker_class: WorkerClass | None = Field(
        default=None,
        description="The kind of gunicorn's workers: gthread with `wsgi`, uvicorn with `asgi`, if not given.",
    )
    workers: Workers = Field(
        default="auto",
        description=f"Worker processes on each host; `auto`: by its processors and memory, up to {AUTO_WORKERS_MAX}.",
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=64,
        description=f"Threads of each gthread worker: {DEFAULT_THREADS} if not given. The other kinds have one.",
    )
    preload: bool = Field(
        default=False,
        description="Whether gunicorn loads the application once for all workers, which then start several times "
        "faster and share memory. Not for one that opens connections or starts threads when it is imported.",
    )
    health: HealthPath = Field(
        default="/health/", description="The path that must answer 200 before a release goes live."
    )
    max_request_time: int = Field(default=30, ge=1, le=3600, description="Seconds after which a request is given up.")
    memory_max_mb: int | None = Field(
        default=None,
        ge=64,
        le=1_048_576,
        description="The memory limit of the web processes in MiB; from the host's memory if not given.",
    )
    warm_minutes: int = Field(
        default=10,
        ge=0,
        le=1440,
        description="Minutes that the processes of the release before stay after a deploy, out of traffic, so that a "
        "rollback starts none. They take as much memory again for that long; 0 stops them at once.",
    )
    max_body_mb: int = Field(default=20, ge=1, le=10_240, description="The largest upload in MiB.")
    maintenance_page: RelativePath | None = Field(
        default=None,
        description="An HTML file in the source, shown while maintenance mode is on; a plain page if not given.",
    )


class Pool(Declared):
    """A group of Celery worker processes with queues of their own."""

    name: PlainName = Field(description="The pool's name; part of the program's name in supervisor.")
    queues: Annotated[list[QueueName], AfterValidator(unique)] | None = Field(
        default=None,
        min_length=1,
        description="The queues it works on; if not given, the pool's name, or Celery's own for `default`.",
    )
    concurrency: int = Field(default=2, ge=1, le=128, description="Processes, hence tasks at the same time.")
    time_limit: int = Field(default=300, ge=2, le=86_400, description="Seconds after which a task is killed.")
    soft_time_limit: int | None = Field(
        default=None,
        ge=1,
        le=86_400,
        description="Seconds after which a task is asked to end: nine tenths of `time_limit`.",
    )


class Flower(Declared):
    """Flower, which shows workers and tasks in a browser; user `flower`, password in the vault."""

    url: UrlPrefix = Field(default="/flower/", description="Where it is served, on the first domain.")


class Celery(Declared):
    """Background tasks."""

    app: PythonObject = Field(description="The Celery application, such as `atlas` or `atlas.celery:app`.")
    beat: bool = Field(default=False, description="Whether the scheduler runs (on the first worker host only).")
    pools: list[Pool] = Field(
        default=[Pool(name="default")],
        min_length=1,
        description="The worker pools; each runs on every worker host.",
    )
    flower: Annotated[Flower | None, BeforeValidator(switch, json_schema_input_type=bool | Flower)] = Field(
        default=None,
        description="Flower, which shows workers and tasks in a browser: true, false or details. False if not given. "
        "The user is `flower`, `roost secrets show APP flower_password` shows the password.",
    )


class Pooler(Declared):
    """PgBouncer between the application and PostgreSQL: many connections of its share few of PostgreSQL's."""

    mode: PoolMode = Field(
        default="transaction",
        description="For how long a connection of PostgreSQL is the application's: `transaction`, or `session` for one "
        "that needs what a session keeps (advisory locks, LISTEN, temporary tables).",
    )
    size: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="The most connections of PostgreSQL that it may take. If not given, as many as a session each "
        f"needs, or for transactions up to {POOL_SIZE}, fewer if `postgresql.max_connections` leaves fewer.",
    )


class Database(Declared):
    """The application's PostgreSQL database."""

    name: DatabaseName | None = Field(
        default=None, description="The database's and its owner's name; the application's if not given."
    )
    extensions: Annotated[list[Extension], AfterValidator(unique)] = Field(
        default=[], description="PostgreSQL extensions to create, such as `postgis`."
    )
    url: VaultOrDatabaseUrl | None = Field(
        default=None,
        description="A database elsewhere, usually a secret, that is used as it is; Roost makes none, but dumps and "
        "examines it.",
    )
    admin_url: VaultOrAdminUrl | None = Field(
        default=None,
        description="A server elsewhere, such as your provider's managed PostgreSQL, on which Roost makes the "
        "database, its roles and extensions: the URL of its administrator, a secret such as "
        "`postgresql://admin:password@db.example.com:5432/postgres`. TLS is required unless its `sslmode` says "
        "otherwise.",
    )
    dumps: int | None = Field(
        default=None,
        ge=0,
        le=MAX_DUMPS,
        description="With `url` or `admin_url`: how many nightly dumps are kept on the first host with applications; "
        "0 for none. Those of `backups.dumps` if not given.",
    )
    runtime_role: bool = Field(
        default=True,
        description="Whether web processes and Celery log in as a role of their own, `<name>_app`, that works with "
        "rows but can't create, change, empty or drop tables; release commands, hooks and `roost run` log in as the "
        "owner. `false` if the application makes tables while it serves: all of it is the owner then.",
    )
    statement_timeout: int | None = Field(
        default=None,
        ge=0,
        le=MAX_DATABASE_TIMEOUT,
        description="Seconds after which a statement of web processes and Celery is cancelled, and without "
        "`runtime_role` one of `roost run`, too, but none of a release command; 0 for no limit. The server's, which "
        "has none, if not given.",
    )
    lock_timeout: int | None = Field(
        default=None,
        ge=0,
        le=MAX_DATABASE_TIMEOUT,
        description="Seconds that such a statement waits for a lock; 0 for no limit. The server's, which has none, if "
        "not given.",
    )
    idle_in_transaction_timeout: int | None = Field(
        default=None,
        ge=0,
        le=MAX_DATABASE_TIMEOUT,
        description="Seconds after which a connection is closed that does nothing amid a transaction, and so keeps its "
        "locks, and VACUUM from all tables; 0 for no limit. The server's, ten minutes, if not given.",
    )
    pooler: Annotated[Pooler | None, BeforeValidator(switch, json_schema_input_type=bool | Pooler)] = Field(
        default=None,
        description="PgBouncer between the application and PostgreSQL: true, false or details. False if not given. "
        "Release commands, hooks and `roost run` go past it.",
    )
    migration_lock_timeout: int = Field(
        default=10,
        ge=0,
        le=3600,
        description="Seconds that a release command waits for a lock before the deploy gives up; 0 for no limit.",
    )
    backup_before_migrations: bool = Field(
        default=False,
        description="Whether the database is dumped on the application's host before migrations are applied.",
    )
    assertions: Annotated[list[Statement], AfterValidator(unique)] = Field(
        default=[],
        description="What is true of a healthy database, tried in each restore drill of its backups: statements that "
        "return one truth value, such as `SELECT count(*) > 0 FROM auth_user`.",
    )

    @property
    def elsewhere(self) -> bool:
        """Whether it is on no server of Roost's."""
        return bool(self.url or self.admin_url)

    @model_validator(mode="after")
    def _runtime_role_of_databases_here(self) -> Self:
        if "runtime_role" in self.model_fields_set and self.url:
            raise ValueError("runtime_role is of a database that Roost makes, not of one elsewhere: remove it.")
        return self

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if self.url and self.admin_url:
            raise ValueError("Give either a url, for a database that is there, or an admin_url, for one to be made.")
        if self.extensions and self.url:
            raise ValueError("extensions can't be made with a url: give an admin_url instead, or make them there.")
        if self.dumps is not None and not self.elsewhere:
            raise ValueError("dumps is of a database elsewhere: for those of Roost's own server, see backups.dumps.")
        return self

    @model_validator(mode="after")
    def _pooler_of_databases_here(self) -> Self:
        if self.pooler and self.elsewhere:
            raise ValueError(
                "The pooler stands beside a database that Roost makes, not beside one elsewhere: remove it."
            )
        return self

    @model_validator(mode="after")
    def _assertions_of_backups(self) -> Self:
        if self.assertions and self.elsewhere:
            raise ValueError(
                "assertions are tried in restore drills, and there are none of a database elsewhere: remove them."
            )
        return self

    @model_validator(mode="after")
    def _time_limits(self) -> Self:
        limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_timeout")
        given = [name for name in limits if getattr(self, name) is not None]
        if given and self.url:
            raise ValueError(f"{' and '.join(given)} can't be set with a url: give an admin_url, or set it there.")
        if self.statement_timeout and self.lock_timeout and self.lock_timeout >= self.statement_timeout:
            raise ValueError(
                f"lock_timeout ({self.lock_timeout} s) must be less than statement_timeout "
                f"({self.statement_timeout} s), which ends a statement that waits, too."
            )
        return self


class AppRedis(Declared):
    """The application's share of Redis."""

    database: int = Field(
        default=0,
        ge=0,
        le=MAX_REDIS_DATABASE,
        description="A number n that no other application has; it stands for the logical databases "
        "2n (Celery) and 2n+1 (cache).",
    )


class Static(Declared):
    """Files that nginx serves by itself; they are compressed, by brotli and gzip, when a release is built."""

    url: UrlPrefix = Field(default="/static/", description="Where they are served.")
    root: RelativePath | None = Field(
        default=None,
        description="A folder in the source, copied to STATIC_ROOT after the build commands; "
        "if not given, these fill STATIC_ROOT.",
    )


class Media(Declared):
    """Uploaded files that nginx serves by itself; the application writes them to MEDIA_ROOT."""

    url: UrlPrefix = Field(default="/media/", description="Where they are served.")


class Assets(Declared):
    """Built files that never change under their names; those of the release before stay reachable."""

    url: UrlPrefix = Field(description="Where they are served.")
    folder: BuiltPath | None = Field(
        default=None, description="Where they are in `output`; the same as in the URL if not given."
    )


class Frontend(Declared):
    """A front end in JavaScript that answers all but the application's own URLs."""

    path: RelativePath = Field(
        default="frontend", description="Its folder in the source, with package.json and package-lock.json."
    )
    kind: Literal["static", "node"] = Field(
        default="static",
        description="static: a single-page application, whose files nginx serves; node: a server, such as Next.js.",
    )
    build: Command = Field(default="npm run build", description="The command that builds it, after `npm ci`.")
    output: BuiltPath | None = Field(
        default=None,
        description="The folder, seen from `path`, that the build fills and that needs nothing else: `dist` if not "
        "given, for node `.next/standalone`.",
    )
    start: NodeCommand | None = Field(
        default=None, description="node only: what starts the server in `output`, on any port; `node server.js`."
    )
    health: HealthPath | None = Field(
        default=None, description="node only: the path that must answer 200 before a release goes live; `/`."
    )
    memory_max_mb: int | None = Field(
        default=None, ge=64, le=1_048_576, description="node only: its memory limit in MiB; none if not given."
    )
    assets: Assets | None = Field(
        default=None,
        description="What browsers keep for a year: files of /assets/ whose names end with a hash, as Vite's; for "
        "node all of Next.js' /_next/static/.",
    )
    backend: Annotated[list[UrlPath], AfterValidator(unique)] | None = Field(
        default=None,
        description="The URLs that the Python application answers, besides its health path: `/api/` with all below "
        "it, `/graphql` alone. /api/ if not given, *Django: /admin/ too. WebSockets always reach it.",
    )
    node: NodeVersion | None = Field(
        default=None, description="The version of Node.js: that of the role app (`app_node_version`) if not given."
    )
    env: dict[FreeVariable, EnvironmentValue] = Field(
        default={},
        description="Environment variables of the build and the server. Never secrets: they may end up in pages.",
    )


class App(Declared):
    """One application.

    Taken out of the list, it is stopped and no longer served by the next `roost up`. Its data stays: its folder in
    /srv with releases and uploads, its database (see `removed_databases`), its secrets. Put back, it serves
    its last release again.
    """

    name: Name = Field(description="The name of the application, its system user, its folder in /srv and its database.")
    framework: Literal["django", "fastapi", "flask"] = Field(
        description="The framework; decides the defaults marked with *."
    )
    domains: Annotated[list[Domain], AfterValidator(unique), AfterValidator(_canonical_first)] = Field(
        max_length=100,
        description="The domains; requests for the others are redirected to the first. A wildcard such as "
        "`*.example.com` isn't: the application answers for each name under it. An empty list if the application "
        "answers only in `edge.locations` of others.",
    )
    source: Source = Field(description="Where the code comes from.")
    wsgi: PythonObject | None = Field(
        default=None, description="The WSGI application: `atlas.wsgi`. Either this or `asgi`."
    )
    asgi: PythonObject | None = Field(
        default=None, description="The ASGI application: `atlas.asgi`. Either this or `wsgi`."
    )
    settings: Module | None = Field(
        default=None, description="Django only: the settings module (DJANGO_SETTINGS_MODULE)."
    )
    python: Python = Field(default=Python(), description="The interpreter and the dependencies.")
    web: Web = Field(default=Web(), description="The processes that answer requests.")
    celery: Celery | None = Field(default=None, description="Background tasks.")
    database: Annotated[Database | None, BeforeValidator(switch, json_schema_input_type=bool | Database)] = Field(
        default=None, description="The PostgreSQL database: true, false or details. *Django: true, others: false."
    )
    redis: Annotated[AppRedis | None, BeforeValidator(switch, json_schema_input_type=bool | AppRedis)] = Field(
        default=None,
        description="Redis: true, false or details. *Django or with Celery: true, others: false.",
    )
    static: Annotated[Static | None, BeforeValidator(switch, json_schema_input_type=bool | Static)] = Field(
        default=None, description="Static files: true, false or details. *Django: true, others: false."
    )
    media: Annotated[Media | None, BeforeValidator(switch, json_schema_input_type=bool | Media)] = Field(
        default=None, description="Uploaded files served to everyone: true, false or details. False if not given."
    )
    frontend: Annotated[Frontend | None, BeforeValidator(switch, json_schema_input_type=bool | Frontend)] = Field(
        default=None, description="A front end built with npm: true, false or details. False if not given."
    )
    env: dict[FreeVariable, EnvironmentValue] = Field(default={}, description="More environment variables.")
    secrets: Annotated[list[FreeVariable], AfterValidator(unique)] = Field(
        default=[],
        description="Environment variables from the vault. SECRET_KEY is generated (*Django and Flask always "
        "have it); the others are set with `roost secrets set`.",
    )
    release_commands: list[Command] | None = Field(
        default=None,
        description="Run once for each release, on one host, before it goes live. "
        "*Django: `python manage.py migrate --noinput`.",
    )
    migrations: Command | None = Field(
        default=None,
        description="Lists the migrations of a release, `[X] applied` and `[ ] pending` ones each on a line of their "
        "own; for Alembic: `alembic current && alembic history`. "
        "*Django, with its `migrate` among the release commands: `python manage.py showmigrations --plan`.",
    )
    build_commands: list[Command] | None = Field(
        default=None,
        description="Run on each host while a release is built. *Django: `python manage.py collectstatic --noinput`.",
    )
    hooks: Hooks = Field(default=Hooks(), description="What else happens in a deploy, and who is told of it.")
    edge: AppEdge = Field(default=AppEdge(), description="Headers, limits, and parts treated in their own way.")
    packages: Annotated[list[DebianPackage], AfterValidator(unique)] = Field(
        default=[], description="Debian packages that the application needs, such as `libgdal-dev`."
    )
    tls: TlsKind | None = Field(default=None, description="The kind of certificate; the stack's `tls` if not given.")
    certificate: Certificate = Field(default=Certificate(), description="What the certificate is like.")

    @model_validator(mode="after")
    def _one_entry_point(self) -> Self:
        if (self.wsgi is None) == (self.asgi is None):
            raise ValueError("An application needs either wsgi or asgi, such as wsgi: atlas.wsgi.")
        return self

    @model_validator(mode="after")
    def _one_kind_of_certificate(self) -> Self:
        if self.certificate.file and self.tls is not None:
            raise ValueError("certificate.file is a certificate of the application's own: remove tls.")
        return self
