"""Valid stacks of every kind, for property-based tests."""

from typing import Any

from hypothesis import strategies as st

_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtQUDZjZ0ZKZ0ZKZ0ZKZ0ZKZ0ZKZ0ZKZ0ZKZ0ZK"
_paths = st.sampled_from(["/", "/health/", "/up", "/a/b.c~d/"])
_values = st.text(st.characters(codec="utf-8", exclude_characters="\n\r\0", exclude_categories=["Cs"]), max_size=30)
_variables = st.dictionaries(st.from_regex(r"X_[A-Z0-9_]{1,8}", fullmatch=True), _values, max_size=3)
_secrets = st.lists(st.from_regex(r"S_[A-Z0-9_]{1,8}", fullmatch=True), max_size=2, unique=True)

_workers = st.fixed_dictionaries({}, optional={"workers": st.one_of(st.just("auto"), st.integers(1, 64))})
_gunicorn = st.builds(lambda web, preload: web | {"preload": preload}, _workers, st.booleans())
_gthread = st.builds(lambda web, threads: web | {"threads": threads}, _gunicorn, st.integers(1, 64))
_sync = _gunicorn.map(lambda web: web | {"worker_class": "sync"})
_uvicorn = _workers.map(lambda web: web | {"server": "uvicorn"})
_bounds = st.fixed_dictionaries(
    {"health": _paths},
    optional={
        "max_request_time": st.integers(1, 3600),
        "max_body_mb": st.integers(1, 10_240),
        "memory_max_mb": st.integers(64, 1_048_576),
        "maintenance_page": st.just("pages/down.html"),
    },
)


def _web(servers: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda server, limits: server | limits, servers, _bounds)


_entries = st.one_of(
    st.fixed_dictionaries(
        {
            "framework": st.sampled_from(["django", "flask"]),
            "wsgi": st.just("site.wsgi"),
            "web": _web(st.one_of(_gunicorn, _gthread, _sync)),
        }
    ),
    st.fixed_dictionaries(
        {
            "framework": st.sampled_from(["django", "fastapi"]),
            "asgi": st.just("site.asgi:app"),
            "web": _web(st.one_of(_gunicorn, _uvicorn)),
        }
    ),
)
_pools = st.lists(
    st.fixed_dictionaries(
        {"name": st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)},
        optional={
            "queues": st.lists(st.sampled_from(["a", "b.c", "d-e"]), min_size=1, unique=True),
            "concurrency": st.integers(1, 128),
            "time_limit": st.integers(2, 86_400),
        },
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda pool: pool["name"],
)
_headers = st.fixed_dictionaries(
    {},
    optional={
        "content_security_policy": st.just("default-src 'self'; report-uri /csp?x=\"y\""),
        "content_security_policy_report_only": st.just("default-src 'none'"),
        "permissions_policy": st.just('geolocation=(self "https://maps.example.com")'),
        "referrer_policy": st.sampled_from(["no-referrer", "same-origin"]),
        "cross_origin_opener_policy": st.just("same-origin"),
        "x_frame_options": st.just("DENY"),
    },
)
_cors = st.fixed_dictionaries(
    {"origins": st.sampled_from([["*"], ["https://app.example.com", "http://localhost:3000"]])},
    optional={
        "methods": st.just(["GET", "DELETE"]),
        "headers": st.just([]),
        "expose": st.just(["X-Total"]),
        "max_age": st.integers(0, 86_400),
    },
)
_limits = st.sampled_from(
    [{"rate": "20/s"}, {"rate": "5/m", "burst": 0}, {"connections": 10}, {"rate": "1/s", "burst": 3, "connections": 1}]
)
_location = st.fixed_dictionaries(
    {"path": st.sampled_from(["/api/", "/login", "/admin/reports/", "/ws/"])},
    optional={
        "limits": _limits,
        "max_body_mb": st.integers(1, 10_240),
        "max_request_time": st.integers(1, 3600),
        "buffer_uploads": st.booleans(),
        "allow": st.sampled_from([["192.0.2.7"], ["198.51.100.0/24", "2001:db8::/32"]]),
        "password": st.booleans(),
        "cache": st.integers(1, 86_400),
        "snippet": st.sampled_from(["add_header X-Own yes;", "limit_except GET {\n  deny all;\n}\n"]),
    },
)
_pages = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("unavailable", "busy", "forbidden", "too_large"), st.just("pages/own.html"))
)
_edge = st.fixed_dictionaries(
    {},
    optional={
        "limits": _limits,
        "waf": st.sampled_from(["detect", "block"]),
        "locations": st.lists(_location, max_size=3, unique_by=lambda location: str(location["path"])),
        "snippet": st.just("location = /brewing {\n  return 200 tea;\n}\n"),
        "hsts": st.sampled_from(["auto", "subdomains", "preload", "never"]),
        "headers": _headers,
        "cors": _cors,
        "pages": _pages,
    },
)
_options = st.fixed_dictionaries(
    {},
    optional={
        "celery": st.fixed_dictionaries(
            {"app": st.just("site")},
            optional={
                "beat": st.booleans(),
                "pools": _pools,
                "flower": st.sampled_from([False, True, {"url": "/queues/"}]),
            },
        ),
        "database": st.sampled_from(
            [
                True,
                {"extensions": ["postgis"]},
                {"name": "other"},
                {"assertions": ["select count(*) > 0 from t"]},
                {"statement_timeout": 30, "lock_timeout": 5, "idle_in_transaction_timeout": 0},
                {"pooler": True},
                {"runtime_role": False},
                {"url": "postgresql://u:p%40@db.example.com/x?sslmode=require", "dumps": 3},
                {"admin_url": "postgresql://root:p%2F@db.example.com:25060/defaultdb", "extensions": ["postgis"]},
            ]
        ),
        "static": st.sampled_from([True, False, {"url": "/assets/v1/", "root": "dist"}]),
        "media": st.sampled_from([True, {"url": "/uploads/"}]),
        "frontend": st.sampled_from(
            [
                {"assets": {"url": "/built/"}, "node": "22.20.0"},
                {"kind": "node", "backend": ["/api/v1/", "/graphql"], "memory_max_mb": 300, "env": {"TITLE": "a b"}},
            ]
        ),
        "edge": _edge,
        "env": _variables,
        "secrets": _secrets,
        "tls": st.sampled_from(["selfsigned", "letsencrypt"]),
        "certificate": st.sampled_from([{"key": "rsa"}, {"challenge": "http"}, {"challenge": "dns"}]),
    },
)
_rules = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.from_regex(r"[a-z][a-z0-9_-]{0,9}", fullmatch=True),
            "port": st.one_of(st.integers(1, 65535), st.just("8000-8010")),
        },
        optional={
            "protocol": st.sampled_from(["tcp", "udp"]),
            "sources": st.lists(
                st.sampled_from(["192.0.2.7", "198.51.100.0/24", "2001:db8::/32", "2001:db8::1"]), unique=True
            ),
        },
    ),
    max_size=3,
    unique_by=lambda rule: rule["name"],
)
_times = st.sampled_from(["00:00", "02:30", "23:59"])
_s3 = st.fixed_dictionaries(
    {"endpoint": st.sampled_from(["s3.example.com", "minio:9000"]), "bucket": st.just("atlas.backups-1")},
    optional={
        "region": st.sampled_from(["eu-central-1", "RegionOne"]),
        "path": st.sampled_from(["/", "/roost/prod"]),
        "style": st.sampled_from(["host", "path"]),
    },
)
_sftp = st.fixed_dictionaries(
    {
        "host": st.sampled_from(["backup.example.com", "192.0.2.8"]),
        "user": st.sampled_from(["roost", "u12345-sub1"]),
        "path": st.sampled_from(["/", "/srv/backups"]),
        "host_keys": st.just([_KEY]),
    },
    optional={"port": st.sampled_from([22, 23, 65535])},
)
_keep = st.fixed_dictionaries(
    {}, optional={"daily": st.integers(1, 366), "weekly": st.integers(1, 520), "monthly": st.integers(0, 120)}
)
_drill = st.fixed_dictionaries(
    {},
    optional={
        "day": st.sampled_from(["monday", "sunday", "never"]),
        "at": _times,
        "memory_mb": st.integers(64, 1_048_576),
    },
)
_backups = st.one_of(
    st.booleans(),
    st.fixed_dictionaries(
        {},
        optional={
            "at": _times,
            "full_every_days": st.integers(1, 31),
            "keep": _keep,
            "dumps": st.integers(0, 100),
            "offsite": st.one_of(_s3.map(lambda s3: {"s3": s3}), _sftp.map(lambda sftp: {"sftp": sftp})),
            "heartbeat": st.booleans(),
            "alert": st.booleans(),
            "drill": _drill,
        },
    ),
)
_server = st.fixed_dictionaries(
    {
        "acme_email": st.just("ops@atlas.dev"),
        "acme_dns": st.just({"plugin": "rfc2136", "settings": {"server": "192.0.2.53"}}),
    },
    optional={
        "acme_directory": st.sampled_from(["production", "staging", "https://ca.atlas.dev/directory"]),
        "timezone": st.sampled_from(["Etc/UTC", "Europe/Berlin"]),
        "admin_users": st.just([{"name": "anna", "authorized_keys": [f"{_KEY} anna@laptop"]}]),
        "ssh": st.sampled_from([{"port": 22}, {"port": 2222}]),
        "firewall": st.builds(lambda rules: {"allow": rules}, _rules),
        "edge": st.sampled_from(
            [
                {"tls_profile": "modern"},
                {"trusted_proxies": {"networks": ["192.0.2.0/24", "2001:db8::1"], "header": "CF-Connecting-IP"}},
            ]
        ),
        "postgresql": st.sampled_from(
            [
                {"memory_share": 0.5},
                {"settings": {"work_mem": "8MB", "jit": False}},
                {"disk": "hdd"},
            ]
        ),
        "backups": _backups,
        "redis": st.sampled_from([{"maxmemory_mb": 64}, {"policy": "noeviction"}]),
    },
)


@st.composite
def valid_stacks(draw: st.DrawFn, fewest_apps: int = 1, most_apps: int = 3) -> dict[str, Any]:
    """Draw a stack that passes all checks of the model and across applications, which are called site0, site1, ..."""
    apps = []
    for number in range(draw(st.integers(fewest_apps, most_apps))):
        app = draw(_entries) | draw(_options)
        if isinstance(app.get("database"), dict) and "name" in app["database"]:
            app["database"] = {"name": f"other{number}"}
        domains = draw(st.lists(st.sampled_from(["www", "a-b.c", "x1"]), min_size=1, unique=True))
        apps.append(
            app
            | {
                "name": f"site{number}",
                "domains": [f"{word}.site{number}.example.de" for word in domains],
                "source": {"git": "https://git.example.com/site.git", "version": "v1"},
                "redis": {"database": number},
            }
        )
    _lead_to_other_applications(draw, apps)
    stack: dict[str, Any] = draw(_server)
    return stack | {"apps": apps}


def without_waf(stack: dict[str, Any]) -> dict[str, Any]:
    """Make a stack one for hosts that have no ModSecurity."""
    for app in stack["apps"]:
        app.get("edge", {}).pop("waf", None)
    return stack


def _lead_to_other_applications(draw: st.DrawFn, apps: list[dict[str, Any]]) -> None:
    """Let locations of the first application lead to others, of which the last may do without domains."""
    places = apps[0].get("edge", {}).get("locations", [])
    for place, other in zip(places, apps[1:], strict=False):
        if draw(st.booleans()):
            place["app"] = other["name"]
            other["domains"] = draw(st.sampled_from([other["domains"], []]))
            if not other["domains"]:
                other.get("edge", {}).pop("locations", None)
