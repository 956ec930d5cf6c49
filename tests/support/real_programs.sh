# Asks the programs of a converged host whether they accept other files than those that are there.
# $1: a gzipped tar archive in base64 with the files below etc/, and `apps`, the names of the applications.
# All of it happens on copies, in a mount namespace of its own: the host itself doesn't notice.
set -eu
work=$(mktemp -d /var/tmp/rendered-XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir "$work/new"
base64 --decode <<<"$1" | tar --extract --gzip --directory "$work/new"

export work
unshare --mount bash -eu <<'INNER'
cp --archive /etc "$work/etc"
rm -f "$work"/etc/nginx/sites-enabled/* "$work"/etc/supervisor/conf.d/* "$work"/etc/systemd/system/atlas@*
cp --recursive "$work/new/etc/." "$work/etc/"
mount -t tmpfs none /srv
mount -t tmpfs none /var/log/nginx
mount -t tmpfs none /var/log/roost
for app in $(cat "$work/new/apps"); do
  cp --recursive --dereference /etc/roost/tls/atlas "$work/etc/roost/tls/$app"
  echo "$app:x:59999:59999::/srv/$app:/usr/sbin/nologin" >>"$work/etc/passwd"
  mkdir -p "/var/log/roost/$app"
  for slot in blue green; do
    mkdir -p "/srv/$app/slots/$slot/venv/bin" "/srv/$app/slots/$slot/src"
    for program in python gunicorn uvicorn; do ln -s /bin/true "/srv/$app/slots/$slot/venv/bin/$program"; done
  done
done
mount --bind "$work/etc" /etc

complain() { printf '%s\n' "$1 does not accept its files:" "$2"; failed=1; }
failed=0
ask() { said=$("$@" 2>&1) || complain "$1" "$said"; }

ask nginx -t
ask visudo --check
ask sshd -t
ask nft --check --file /etc/nftables.conf
ask /usr/local/lib/roost/postgresql-check "$(ls /etc/postgresql)" main
ask /usr/bin/python3 -c 'from supervisor.options import ServerOptions
ServerOptions().realize(["-c", "/etc/supervisor/supervisord.conf"])'

# redis-server has no check of its own: it is right if it still runs after a second.
said=$(timeout 1 redis-server /etc/redis/roost.conf --port 0 --unixsocket "$work/socket" --dir "$work" --pidfile "$work/pid" 2>&1) && code=0 || code=$?
[ "$code" = 124 ] || complain redis-server "$said"

units=$(for app in $(cat "$work/new/apps"); do echo "$app@blue.service $app@green.socket"; done)
said=$(systemd-analyze --man=no verify $units {nginx,supervisor,redis-server,nftables,certbot}.service 2>&1) && code=0 || code=$?
# Debian's own units may earn a warning; ours must not.
mine=$(grep -E 'site[0-9]+@|roost' <<<"$said") || true
[ "$code" = 0 ] && [ -z "$mine" ] || complain systemd-analyze "$said"
exit "$failed"
INNER
