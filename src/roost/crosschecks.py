"""Checks that look at more than one value of a declaration at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, count
from pathlib import Path

from roost.budget import CONNECTION_RESERVE, RELEASES_SIDE_BY_SIDE, connections_needed, connections_of
from roost.database_url import admin_url_conflict
from roost.model import (
    GENERATED_SECRET,
    App,
    Mistake,
    ResolvedApp,
    Stack,
    can_be_public,
    resolve,
    wanted_database_backups,
)
from roost.model.app import MAX_REDIS_DATABASE
from roost.model.certificates import LETS_ENCRYPT
from roost.model.reserved import SERVICE_PORTS
from roost.own_certificate import certificate_problems, key_problem
from roost.rawyaml import VAULT_REFERENCE, KeyPath
from roost.suggest import did_you_mean, listed
from roost.topology import Topology


@dataclass(frozen=True)
class Subject:
    """What is examined. `indexes` are the places of the stack's applications in the user's list."""

    stack: Stack
    indexes: tuple[int, ...]
    topology: Topology
    sources: Path

    @property
    def apps(self) -> list[tuple[KeyPath, App, ResolvedApp]]:
        """Each application with its key path, as declared and with its defaults."""
        pairs = zip(self.indexes, self.stack.apps, strict=True)
        return [(("stack", "apps", index), app, resolve(app, self.stack)) for index, app in pairs]


type Check = Callable[[Subject], Iterator[Mistake]]


def cross_check(subject: Subject) -> list[Mistake]:
    """Run all checks."""
    return [mistake for check in _CHECKS for mistake in check(subject)]


def _unique_app_names(subject: Subject) -> Iterator[Mistake]:
    yield from _repeated(
        ((*path, "name"), app.name, "Another application has this name too") for path, app, _ in subject.apps
    )


def _unique_domains(subject: Subject) -> Iterator[Mistake]:
    yield from _repeated(
        ((*path, "domains", index), domain, f"{domain} belongs to another application already")
        for path, app, _ in subject.apps
        for index, domain in enumerate(app.domains)
    )


def _unique_database_names(subject: Subject) -> Iterator[Mistake]:
    yield from _repeated(
        (
            _given(path, app, "database", "name"),
            f"{resolved.database.name} {resolved.database.admin_url or ''}",
            "Another application has this database too",
        )
        for path, app, resolved in subject.apps
        if resolved.database and not resolved.database.url
    )


def _unique_roles(subject: Subject) -> Iterator[Mistake]:
    for path, app, resolved in subject.apps:
        if resolved.database is None:
            continue
        owners = _owners(subject, resolved.database.admin_url)
        role = resolved.database.runtime_role
        if role in owners:
            yield Mistake(
                _given(path, app, "database", "runtime_role"),
                f"{role} is the runtime role of {app.name} and the owner of the database of {owners[role]}: give one "
                "of them another database.name if it is new, or say runtime_role: false.",
            )


def _administrators(subject: Subject) -> Iterator[Mistake]:
    for path, _, resolved in subject.apps:
        url = resolved.database.admin_url if resolved.database else None
        if resolved.database and url and not VAULT_REFERENCE.fullmatch(url):
            name, runtime_role = resolved.database.name, resolved.database.runtime_role
            if conflict := admin_url_conflict(url, name, [name, runtime_role]):
                yield Mistake((*path, "database", "admin_url"), conflict)


def _removed_databases(subject: Subject) -> Iterator[Mistake]:
    owners = _owners(subject)
    serving = {
        app.database.runtime_role: app.name for _, _, app in subject.apps if app.database and not app.database.elsewhere
    }
    for index, name in enumerate(subject.stack.removed_databases):
        place = ("stack", "removed_databases", index)
        if name in owners:
            yield Mistake(
                place, f"{name} is the database of the application {owners[name]}: remove it here, or the application."
            )
        elif name in serving:
            yield Mistake(
                place,
                f"{name}, which owns it, is the runtime role of the application {serving[name]}: say "
                "database: {runtime_role: false} there until it is gone.",
            )


def _owners(subject: Subject, server: str | None = None) -> dict[str, str]:
    """The application of each database that Roost makes on a server, its own if None. Owners have its name."""
    return {
        app.database.name: app.name
        for _, _, app in subject.apps
        if app.database and not app.database.url and app.database.admin_url == server
    }


def _unique_server_names(subject: Subject) -> Iterator[Mistake]:
    users = enumerate(subject.stack.admin_users)
    yield from _repeated(
        (("stack", "admin_users", i, "name"), user.name, "This user is listed twice") for i, user in users
    )
    rules = list(enumerate(subject.stack.firewall.allow))
    yield from _repeated(
        (("stack", "firewall", "allow", i, "name"), rule.name, "Another rule has this name too") for i, rule in rules
    )
    yield from _repeated(
        (
            ("stack", "firewall", "allow", i, "port"),
            f"{rule.protocol} {rule.port} {sorted(rule.sources)}",
            "Another rule opens this port in the same way",
        )
        for i, rule in rules
    )
    for path, app, resolved in subject.apps:
        if resolved.celery:
            yield from _repeated(
                ((*path, "celery", "pools", i, "name"), pool.name, "Another pool has this name too")
                for i, pool in enumerate(resolved.celery.pools)
            )
        if any(user.name == app.name for user in subject.stack.admin_users):
            yield Mistake(
                (*path, "name"),
                f'"{app.name}" is also an admin user; the application needs a user of its own.',
            )


def _ports(subject: Subject) -> Iterator[Mistake]:
    ssh = subject.stack.ssh.port
    if ssh in SERVICE_PORTS:
        yield Mistake(("stack", "ssh", "port"), f"Port {ssh} belongs to {SERVICE_PORTS[ssh]}: choose another one.")


def _hosts_for_everything(subject: Subject) -> Iterator[Mistake]:
    topology = subject.topology
    if not topology.members("app") or not topology.members("web"):
        missing = [group for group in ("app", "web") if not topology.members(group)]
        verb = "has" if len(missing) == 1 else "have"
        yield Mistake(
            ("stack", "apps"),
            f"The applications need hosts in the groups app and web; {' and '.join(missing)} {verb} none.",
        )
    for path, app, resolved in subject.apps:
        if resolved.database and not resolved.database.elsewhere and not topology.primary_database:
            yield Mistake(
                _given(path, app, "database"),
                "The application has a database, but the group database has no host; "
                "say database: false if it needs none.",
            )
        if resolved.celery and not topology.brokers:
            yield Mistake((*path, "celery"), "Celery needs a host in the group broker or cache; there is none.")
        elif resolved.redis_database is not None and not topology.cache:
            yield Mistake(
                _given(path, app, "redis"),
                "The application uses Redis, but the group cache has no host; say redis: false if it needs none.",
            )
        if resolved.celery and not topology.members("worker"):
            yield Mistake((*path, "celery"), "Celery needs a host in the group worker; there is none.")


def _redis_databases(subject: Subject) -> Iterator[Mistake]:
    taken: dict[int, str] = {}
    used = {resolved.redis_database for _, _, resolved in subject.apps}
    for path, app, resolved in subject.apps:
        number = resolved.redis_database
        if number is None:
            if resolved.celery:
                yield Mistake((*path, "redis"), "Celery keeps its messages in Redis: remove redis: false.")
        elif number in taken:
            free = next(n for n in count() if n not in used)
            used.add(free)
            advice = f"say redis: {{database: {free}}}" if free <= MAX_REDIS_DATABASE else "there is no free number"
            yield Mistake(
                _given(path, app, "redis", "database"),
                f"The Redis database {number} is used by {taken[number]} already: {advice}.",
            )
        else:
            taken[number] = app.name


def _connection_budget(subject: Subject) -> Iterator[Mistake]:
    limit = subject.stack.postgresql.max_connections
    apps = [resolved for _, _, resolved in subject.apps]
    counts = [connections_of(app, subject.topology) for app in apps]
    needed = connections_needed(counts)
    if limit is None or needed <= limit:
        return
    parts = [
        f"{c.app} {c.needed} (pooler)" if c.pooler else f"{c.app} {c.web} (web) + {c.celery} (Celery)"
        for c in counts
        if c.opened
    ]
    yield Mistake(
        ("stack", "postgresql", "max_connections"),
        f"{limit} connections are too few; up to {needed} can be opened: {', '.join(parts)}, "
        f"reserve {CONNECTION_RESERVE}. The web processes count {RELEASES_SIDE_BY_SIDE} times, because two "
        "releases run side by side during a deploy. "
        "Remove max_connections to have it computed, lower the workers, threads, concurrency or size, or let an "
        "application's transactions share connections: database: {pooler: true}.",
    )


def _certificates(subject: Subject) -> Iterator[Mistake]:
    stack = subject.stack
    for path, app, resolved in subject.apps:
        if resolved.tls != "letsencrypt" or not app.domains:
            continue
        if stack.acme_email is None:
            yield Mistake(
                ("stack", "acme_email"),
                f"{app.name} gets a certificate from an authority: say acme_email, or tls: selfsigned.",
            )
        if stack.acme_directory in LETS_ENCRYPT:
            for index, domain in enumerate(app.domains):
                if not can_be_public(domain):
                    yield Mistake(
                        (*path, "domains", index),
                        f"Let's Encrypt can't issue a certificate for {domain}, which is not public: "
                        "say tls: selfsigned.",
                    )
        if resolved.challenge == "dns" and stack.acme_dns is None:
            why = f"{resolved.wildcards[0]} is a wildcard" if resolved.wildcards else "The challenge is in the DNS"
            yield Mistake(_given(path, app, "certificate", "challenge"), f"{why}: say acme_dns beside apps.")
        if resolved.challenge == "http" and resolved.wildcards:
            yield Mistake(
                (*path, "certificate", "challenge"),
                f"{resolved.wildcards[0]} is a wildcard, for which only challenge: dns proves anything.",
            )
    if stack.acme_ca and not (subject.sources / stack.acme_ca).is_file():
        yield Mistake(("stack", "acme_ca"), f"There is no file {stack.acme_ca} in {subject.sources}.")


def _backups(subject: Subject) -> Iterator[Mistake]:
    stack = subject.stack
    s3 = stack.backups.offsite.s3 if stack.backups and stack.backups.offsite else None
    ca = s3.ca if s3 else None
    if ca and not (subject.sources / ca).is_file():
        yield Mistake(("stack", "backups", "offsite", "s3", "ca"), f"There is no file {ca} in {subject.sources}.")
    settings = stack.postgresql.settings if wanted_database_backups(stack) else {}
    for name in settings:
        if name in ("archive_command", "archive_library", "archive_mode"):
            yield Mistake(
                ("stack", "postgresql", "settings", name), "Backups need a value of their own: say backups: false."
            )
    if settings.get("wal_level") == "minimal":
        yield Mistake(
            ("stack", "postgresql", "settings", "wal_level"), "Backups need more than minimal: say backups: false."
        )


def _receiver(subject: Subject) -> Iterator[Mistake]:
    stack = subject.stack
    if subject.topology.receiver is None:
        return
    backups = wanted_database_backups(stack)
    if backups is None:
        yield Mistake(("stack", "backups"), "The group receiver has a host, but no databases are backed up: remove it.")
        return
    if backups.offsite is None:
        yield Mistake(
            ("stack", "backups"),
            "The host in the group receiver has only what was committed since the last backup, and the others would go "
            "with the database server: say offsite, or remove the group.",
        )
    for name, value in stack.postgresql.settings.items():
        place = ("stack", "postgresql", "settings", name)
        if name in ("synchronous_commit", "synchronous_standby_names"):
            yield Mistake(place, "The receiver needs a value of its own: remove it, or the group receiver.")
        elif name in ("max_wal_senders", "max_replication_slots") and value == "0":
            yield Mistake(place, "The receiver needs one: remove it, or the group receiver.")


def _own_certificates(subject: Subject) -> Iterator[Mistake]:
    for path, app, _ in subject.apps:
        declared = app.certificate
        if declared.file is None:
            continue
        file, where = subject.sources / declared.file, (*path, "certificate")
        problems = list(certificate_problems(file, app.domains))
        yield from (Mistake((*where, "file"), problem) for problem in problems)
        if declared.key_file is None or problems:
            continue
        key_file = (subject.sources / declared.key_file).resolve()
        if key_file.is_relative_to(subject.sources.resolve()):
            yield Mistake(
                (*where, "key_file"),
                "A key must not lie in the project: move it, or put it into the vault and remove key_file.",
            )
        elif not key_file.is_file():
            yield Mistake((*where, "key_file"), f"There is no file {key_file}.")
        elif problem := key_problem(file, key_file.read_bytes()):
            yield Mistake((*where, "key_file"), f"{key_file} {problem}.")


def _entry_points(subject: Subject) -> Iterator[Mistake]:
    for path, app, _ in subject.apps:
        if app.framework == "fastapi" and app.wsgi:
            yield Mistake((*path, "wsgi"), "FastAPI is an ASGI framework: say asgi instead of wsgi.")
        if app.settings and app.framework != "django":
            yield Mistake((*path, "settings"), f"settings is for Django; {app.framework} has none. Use env instead.")


def _servers(subject: Subject) -> Iterator[Mistake]:
    for path, app, resolved in subject.apps:
        kind = resolved.web.worker_class
        if app.web.server == "uvicorn" and app.web.worker_class is not None:
            yield Mistake((*path, "web", "worker_class"), "Only gunicorn has kinds of workers: remove it.")
        elif app.web.server == "uvicorn" and app.asgi is None:
            yield Mistake((*path, "web", "server"), "uvicorn serves asgi only: choose gunicorn.")
        elif resolved.web.asynchronous != (app.asgi is not None):
            fitting = "uvicorn" if app.asgi else "sync or gthread"
            entry = "asgi" if app.asgi else "wsgi"
            yield Mistake((*path, "web", "worker_class"), f"{kind} doesn't fit {entry}: choose {fitting}.")
        if app.web.server == "uvicorn" and app.web.preload:
            yield Mistake((*path, "web", "preload"), "Only gunicorn preloads an application: remove it.")
        if app.web.threads is not None and kind != "gthread":
            yield Mistake((*path, "web", "threads"), f"Only gthread workers have threads; these are {kind} workers.")


def _time_limits(subject: Subject) -> Iterator[Mistake]:
    for path, _, resolved in subject.apps:
        for index, pool in enumerate(resolved.celery.pools if resolved.celery else ()):
            if pool.soft_time_limit >= pool.time_limit:
                yield Mistake(
                    (*path, "celery", "pools", index, "soft_time_limit"),
                    f"{pool.soft_time_limit} s must be less than time_limit ({pool.time_limit} s), "
                    "or tasks are killed before they are asked to end.",
                )


def _variables(subject: Subject) -> Iterator[Mistake]:
    for path, app, resolved in subject.apps:
        for name in app.env:
            if name in resolved.secrets:
                reason = "it is generated" if name == GENERATED_SECRET else "it is listed under secrets"
                yield Mistake((*path, "env", name), f"{name} must not be in env: {reason}, and kept in the vault.")


def _migrations(subject: Subject) -> Iterator[Mistake]:
    for path, app, resolved in subject.apps:
        if resolved.release_commands:
            continue
        told = "There are no release_commands that could apply migrations"
        if app.migrations:
            yield Mistake((*path, "migrations"), f"{told}: remove it.")
        if app.database and app.database.backup_before_migrations:
            yield Mistake((*path, "database", "backup_before_migrations"), f"{told}: remove it.")


def _urls(subject: Subject) -> Iterator[Mistake]:
    """Whatever nginx serves by itself needs a URL of its own; the backend's may contain it, but not be the same."""
    by_name = {app.name: resolved for _, app, resolved in subject.apps}
    for path, app, resolved in subject.apps:
        served = _served_files(resolved)
        for location in app.edge.locations:
            if location.app in by_name:
                files = _served_files(by_name[location.app])
                below = [url for _, _, url in files if url.startswith(location.path)]
                served += [(location.app, ("edge", "locations"), url) for url in below]
        if resolved.celery and resolved.celery.flower:
            served.append(("flower", ("celery", "flower", "url"), resolved.celery.flower.url))
        for index, location in enumerate(app.edge.locations):
            for kind, _, url in served:
                if location.path == url:
                    yield Mistake(
                        (*path, "edge", "locations", index, "path"),
                        f"{url} is where {kind} is served already: choose another URL.",
                    )
        for (earlier_kind, _, earlier), (kind, keys, url) in combinations(served, 2):
            first, second = sorted([earlier, url], key=len)
            if second.startswith(first):
                yield Mistake(
                    _given(path, app, *map(str, keys)),
                    f"{first} and {second} overlap: {earlier_kind} and {kind} need URLs of their own.",
                )
        for index, url in enumerate(resolved.frontend.backend if resolved.frontend else ()):
            for kind, _, other in served:
                if url == other:
                    yield Mistake(
                        (*path, "frontend", "backend", index), f"{url} is where {kind} is served already: remove it."
                    )


def _served_files(app: ResolvedApp) -> list[tuple[str, KeyPath, str]]:
    """What nginx serves of an application's files: what it is, the key of its URL, the URL."""
    files: list[tuple[str, KeyPath, str]] = []
    if app.static:
        files.append(("static", ("static", "url"), app.static.url))
    if app.media:
        files.append(("media", ("media", "url"), app.media.url))
    if app.frontend:
        files.append(("frontend", ("frontend", "assets", "url"), app.frontend.assets_url))
    return files


def _locations(subject: Subject) -> Iterator[Mistake]:
    names = [app.name for _, app, _ in subject.apps]
    for path, app, resolved in subject.apps:
        places = (*path, "edge", "locations")
        if not resolved.hosts:
            yield Mistake(
                (*path, "domains"),
                f"No request can reach {app.name}: give it a domain, or another application a location for it.",
            )
        elif not app.domains and app.edge.locations:
            yield Mistake(places, "Without domains there is no site that could have locations: remove them.")
        yield from _repeated(
            ((*places, index, "path"), location.path, "Another location has this URL too")
            for index, location in enumerate(app.edge.locations)
        )
        for index, location in enumerate(app.edge.locations):
            if location.path == resolved.web.health:
                yield Mistake((*places, index, "path"), f"{location.path} is the health path: choose another URL.")
            if location.app == app.name:
                yield Mistake((*places, index, "app"), "That is this application itself: remove it.")
            elif location.app and location.app not in names:
                yield Mistake(
                    (*places, index, "app"),
                    f"There is no such application.{did_you_mean(location.app, names)} There are: {listed(names)}.",
                )


def _frontends(subject: Subject) -> Iterator[Mistake]:
    for path, app, resolved in subject.apps:
        if app.frontend and app.frontend.kind == "static":
            for key in ("start", "health", "memory_max_mb"):
                if getattr(app.frontend, key) is not None:
                    yield Mistake((*path, "frontend", key), "Only kind: node has a server: remove it.")
        if resolved.frontend and resolved.source.pypi:
            yield Mistake((*path, "frontend"), "A package of the index has no front end to build: use git or path.")


def _local_sources(subject: Subject) -> Iterator[Mistake]:
    for path, app, resolved in subject.apps:
        if resolved.source.path is None:
            continue
        folder = subject.sources / resolved.source.path
        if not folder.is_dir():
            yield Mistake((*path, "source", "path"), f"There is no folder {resolved.source.path} in {subject.sources}.")
            continue
        for key in ("requirements", "pyproject", "lock"):
            name = getattr(resolved.python, key)
            if name and not (folder / name).is_file():
                yield Mistake((*path, "python", key), f"There is no file {name} in {resolved.source.path}.")
        if resolved.frontend:
            for name in ("package.json", "package-lock.json"):
                if not (folder / resolved.frontend.path / name).is_file():
                    yield Mistake(
                        _given(path, app, "frontend", "path"),
                        f"There is no file {name} in {resolved.source.path}/{resolved.frontend.path}.",
                    )


def _packaged_sources(subject: Subject) -> Iterator[Mistake]:
    for path, app, _ in subject.apps:
        if app.source.pypi is None:
            continue
        implied = app.release_commands is None or app.build_commands is None
        if app.framework == "django" and app.settings is None and implied:
            yield Mistake((*path, "settings"), "Django from a package needs its settings module: atlas.settings.")
        for key in ("requirements", "pyproject", "lock"):
            if getattr(app.python, key):
                yield Mistake((*path, "python", key), "A package says itself what it depends on: remove it.")
        pages = app.edge.pages.model_dump(exclude_none=True)
        files: dict[KeyPath, str | None] = {
            ("static", "root"): app.static.root if app.static else None,
            ("web", "maintenance_page"): app.web.maintenance_page,
        }
        files |= {("edge", "pages", name): page for name, page in pages.items()}
        for keys, file in files.items():
            if file:
                yield Mistake((*path, *keys), f"There is no {file}: a package has no source folder.")


def _repeated(items: Iterator[tuple[KeyPath, str, str]]) -> Iterator[Mistake]:
    """A mistake for each item whose value an earlier one has: items are (path, value, what is wrong)."""
    seen: set[str] = set()
    for path, value, wrong in items:
        if value in seen:
            yield Mistake(path, f"{wrong}.")
        seen.add(value)


def _given(path: KeyPath, app: App, *keys: str) -> KeyPath:
    """The path of a key of an application; only as far as the user wrote it, if it is a default."""
    value: object = app
    for depth, key in enumerate(keys):
        if value is None or key not in getattr(value, "model_fields_set", ()):
            return (*path, *keys[: max(depth, 1)])
        value = getattr(value, key)
    return (*path, *keys)


_CHECKS: tuple[Check, ...] = (
    _unique_app_names,
    _unique_domains,
    _unique_database_names,
    _unique_roles,
    _administrators,
    _removed_databases,
    _unique_server_names,
    _ports,
    _hosts_for_everything,
    _redis_databases,
    _connection_budget,
    _certificates,
    _own_certificates,
    _backups,
    _receiver,
    _entry_points,
    _servers,
    _time_limits,
    _variables,
    _migrations,
    _urls,
    _locations,
    _frontends,
    _local_sources,
    _packaged_sources,
)
