"""The reference of stack.yml, made from its JSON Schema."""

from collections.abc import Iterator

from roost.schema import Json, stack_schema

_INTRODUCTION = """\
# stack.yml

One mapping, `stack:`, in `inventories/<environment>/group_vars/all/stack.yml` says everything about an environment
except which hosts it has (that is `hosts.yml`). The smallest one:

```yaml
stack:
  acme_email: ops@example.com
  apps:
    - name: atlas
      framework: django
      domains: [atlas.example.com]
      source: {git: https://git.example.com/atlas.git, version: v1.4.2}
      wsgi: atlas.wsgi
      celery: {app: atlas}
```

An application of FastAPI with Alembic and one of Flask, as in `examples/apps`:

```yaml
    - name: pulse
      framework: fastapi
      domains: [pulse.example.com]
      source: {git: https://git.example.com/pulse.git, version: v1}
      asgi: pulse.main:app
      database: true
      static: {root: pulse/static}
      release_commands: [alembic upgrade head]
    - name: memo
      framework: flask
      domains: [memo.example.com]
      source: {git: https://git.example.com/memo.git, version: v1}
      wsgi: memo:app
      database: true
      release_commands: [flask --app memo init-db]
```

A front end built with npm, here React with Vite in the folder `frontend` of the application's source (`guestbook` in
`examples/apps`). It answers every URL but those of `backend`, `static`, `media` and the health path:

```yaml
    - name: guestbook
      framework: flask
      domains: [guestbook.example.com]
      source: {git: https://git.example.com/guestbook.git, version: v1}
      wsgi: guestbook:app
      database: true
      release_commands: [flask --app guestbook init-db]
      frontend: {path: frontend, kind: static, build: npm run build, backend: [/api/]}
```

It is built once for each release, before anything live is touched, by an account that is neither root nor the
application's and sees none of its secrets. `package-lock.json` must be in the source, for `npm ci`.

With `kind: node` a server answers instead, such as one of Next.js (`output: "standalone"` in its configuration):

```yaml
      frontend: {path: site, kind: node}
```

It runs beside the application in each slot, in the same sandbox and with the same environment, goes live together with
it, and finds it at the Unix socket `APPLICATION_SOCKET`. Whatever port it asks for, it gets a socket of its own.
A page loaded before a deploy still finds the files of `assets`, for both kinds.

WebSockets and event streams of an `asgi` application pass through without a declaration. After a deploy,
requests, streams and WebSockets of the old release have `max_request_time` to end by themselves. A WebSocket is then
closed with the code 1012, and clients connect to the new release. The next deploy waits for that.

How the internet reaches an application is said under `edge`. Every answer, also an error or a redirect, has headers
that keep browsers safe, and an application that sends its own has the last word. The rest is off until you ask for it:

```yaml
      edge:
        headers: {content_security_policy: "default-src 'self'"}
        limits: {rate: 20/s, burst: 50}
        locations:
          - {path: /accounts/login/, limits: {rate: 10/m, burst: 5}}
          - {path: /api/upload/, max_body_mb: 500, max_request_time: 300}
          - {path: /news/, cache: 10}
          - {path: /admin/, password: true, allow: [203.0.113.0/24]}
          - {path: /ws/, app: pulse}
        pages: {unavailable: pages/back-soon.html}
```

A location with an `app` hands one domain to several applications: all below `/ws/` to `pulse`, the rest to `atlas`,
with the URL as it is. `pulse` may then have no domain at all (`domains: []`). Each can be in maintenance by itself.
Limits count for each address; what is too much is answered with 429 and `Retry-After`. Answers in the cache survive
their application for a while: nginx gives old ones while it can't get new ones.

`pages` are HTML files of the source, in the place of those that nginx shows by itself; each deploy copies them. As long
as the live release has none, a plain page of Roost's is shown. Roost's pages have a policy of their own in the place of
your `content_security_policy`, or they would lose their style; yours have what you declared, so mind it in them.

With `waf: detect` ModSecurity looks at each request, and `/var/log/nginx/modsecurity.audit` has a line of JSON for what
OWASP's core rules take for an attack. Read it for a week, write exceptions for honest requests into
`/etc/modsecurity/crs/REQUEST-900-EXCLUSION-RULES-BEFORE-CRS.conf`, then say `waf: block`. Behind a CDN, say the stack's
`edge: {trusted_proxies: {networks: [...], header: CF-Connecting-IP}}`, or limits and allow-lists see the CDN alone.

With `pages: {forbidden: ...}` and `waf: block`, what was refused is examined again to be written down, always as a GET.
An `error_page` of a `snippet` leads to a location with `modsecurity off;`, please: one for 413 would otherwise let any
upload that is too large end a process of nginx.

`roost check` refuses what is wrong, with the line and the key, before any host is touched; so does every playbook.
Values are never templated. Only a whole value may refer to a secret of the vault, like
`"{{ vault_apps.atlas.API_KEY }}"`, in `env`, `database.url` and `database.admin_url`.

Editors check the file while you type with this line at its top:

```yaml
# yaml-language-server: $schema=../../../../docs/stack.schema.json
```

## Where the code comes from

| `source` | a release is |
| --- | --- |
| `{git: https://git.example.com/atlas.git, version: main}` | what this branch, tag or commit is at the deploy |
| `{path: apps/atlas}` | what is in a folder on your machine, without what its `.gitignore` files name |
| `{pypi: atlas-site==1.4.2}` | a package of the index, and what it depends on |

The servers fetch a git repository by themselves. Three ways into a private one:

- A **deploy key**: `source: {git: git@git.example.com:atlas.git, version: main, deploy_key: true}`, then add what
  `roost deploy-key atlas` prints at the git server, for reading. The private half is made up and lies in the vault; on
  a server it exists in memory only, while git runs. `roost secrets set atlas deploy_key <key` sets one of your own.
- Your **ssh agent**: set `ssh_agent_forwarding: true` and `ansible_ssh_extra_args: -o ForwardAgent=yes` in the
  inventory, and `ansible_become_flags: -H -S -n --preserve-env=SSH_AUTH_SOCK` if you don't log in as root. Then only
  you can deploy, and whoever is root on a server can use your agent while you are connected.
- A **folder**: your machine sends what it has, and the servers need no way to the git server.

There are no tokens in `https://` addresses: they would be readable in the declaration. A git server reached over ssh is
known by the `host_keys` that you declare; without any, each server keeps the first one it meets in
`/srv/<app>/known_hosts`. Submodules and files in Git LFS are left out of a release from git, with a warning; a folder
has them, because they lie there.

Dependencies come from `requirements.txt`, unless `python: {lock: uv.lock}` or `python: {pyproject: pyproject.toml}`
is declared. Hashes in a requirements file are checked, and a lock that doesn't fit its `pyproject.toml` is refused.
Releases on one server share the files of equal packages.
"""

_TYPES = {"string": "text", "integer": "number", "number": "number", "boolean": "true/false", "object": "mapping"}


def stack_reference() -> str:
    """Return docs/stack.md."""
    schema = stack_schema()
    sections = (_section(path, definition) for path, definition in _walk(schema, "stack", schema["$defs"]["Stack"]))
    return "\n".join([_INTRODUCTION, *sections])


def _walk(schema: Json, path: str, definition: Json) -> Iterator[tuple[str, Json]]:
    """Yield each mapping of the stack with its path, the outer ones first."""
    yield path, definition
    for key, value in definition["properties"].items():
        for inner, suffix in _mappings(schema, value):
            yield from _walk(schema, f"{path}.{key}{suffix}", inner)


def _mappings(schema: Json, value: Json) -> Iterator[tuple[Json, str]]:
    for choice in value.get("anyOf", [value]):
        if "$ref" in choice:
            yield schema["$defs"][choice["$ref"].rpartition("/")[2]], ""
        elif "$ref" in choice.get("items", {}):
            yield schema["$defs"][choice["items"]["$ref"].rpartition("/")[2]], "[]"


def _section(path: str, definition: Json) -> str:
    required = definition.get("required", [])
    rows = [
        f"| `{key}` | {_type(value)} | {_default(key in required, value)} | {value['description']} |"
        for key, value in definition["properties"].items()
    ]
    table = ["| key | type | default | meaning |", "| --- | --- | --- | --- |", *rows]
    return "\n".join([f"## `{path}`", "", definition["description"], "", *table, ""])


def _type(value: Json) -> str:
    if "anyOf" in value:
        return ", ".join(_type(choice) for choice in value["anyOf"])
    if "$ref" in value:
        return "mapping"
    if "enum" in value or "const" in value:
        return ", ".join(f"`{choice}`" for choice in value.get("enum", [value.get("const")]))
    if value["type"] == "array":
        return f"list of {_type(value['items'])}".replace("list of mapping", "list of mappings")
    return _TYPES[value["type"]] + _range(value)


def _range(value: Json) -> str:
    low, high = value.get("minimum", value.get("exclusiveMinimum")), value.get("maximum")
    if high is None:
        return ""
    return f", {'above ' if 'exclusiveMinimum' in value else ''}{low} to {high}"


def _default(required: bool, value: Json) -> str:
    if required:
        return "required"
    default = value.get("default")
    if isinstance(default, list):
        return ", ".join(f"`{item['name'] if isinstance(item, dict) else item}`" for item in default)
    return "" if default is None else f"`{str(default).lower() if isinstance(default, bool) else default}`"
