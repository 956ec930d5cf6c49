# Asks nginx on this host what it says to the configurations of other stacks, each a folder of the gzipped tar archive on
# the standard input. Nothing is printed if it accepts them all. The host itself doesn't notice: see unshare(1).
set -eu
work=$(mktemp -d /var/tmp/stacks-XXXXXX)
trap 'rm -rf "$work"' EXIT
mkdir "$work/stacks"
tar --extract --gzip --directory "$work/stacks"
cp --archive /etc "$work/etc"

export work
unshare --mount bash -eu <<'INNER'
mount -t tmpfs none /var/log/nginx
mount --bind "$work/etc" /etc
for stack in "$work"/stacks/*; do
  rm -rf /etc/nginx/conf.d /etc/nginx/sites-enabled /etc/nginx/snippets
  cp --recursive "$stack/etc/." /etc/
  for app in $(cat "$stack/apps"); do ln -sfn /etc/roost/tls/atlas "/etc/roost/tls/$app"; done
  said=$(nginx -t 2>&1) && code=0 || code=$?
  [ "$code" = 0 ] && ! grep -E '\[(warn|error|emerg)\]' <<<"$said" >&2 || printf '%s: %s\n' "${stack##*/}" "$said"
done
INNER
