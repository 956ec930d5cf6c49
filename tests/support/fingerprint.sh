# Prints one line for everything that a run of site.yml leaves on a host.
# Left out is what differs between two equal hosts: keys, certificates, caches, compiled Python, the turn of a run that
# was killed (the next deploy ends it), and the addresses whose connections the firewall counts at the moment.
set -eu

declared_files() {
  find /etc /usr/local /srv /var/lib/roost -xdev \
    \( -path '/etc/ssh/ssh_host_*' -o -path /etc/letsencrypt -o -path /etc/roost/tls -o -path /etc/ssl \
    -o -path '/srv/*/releases/*/venv' -o -name __pycache__ -o -name '*.lock' -o -name turn.json -o -name lock -o -name '*.cache' \
    -o -name '*-' -o -name 'celerybeat-schedule*' -o -path '*/config_tree/*/originals/*' \) -prune \
    -o -printf '%p %y %m %u:%g %l\n'
}

# Their names are random.
originals() {
  for folder in /var/lib/roost/config_tree/*/originals; do
    echo "$folder $(find "$folder" -type f -exec sha256sum {} + | cut -d ' ' -f 1 | sort | tr '\n' ' ')"
  done
}

checksums() {
  find /etc/nginx /etc/systemd /etc/postgresql /etc/supervisor /etc/ssh/sshd_config* /etc/nftables.conf /etc/sudoers.d \
    /etc/apt/apt.conf.d /usr/local -xdev -type f -exec sha256sum {} +
}

{
  declared_files
  originals
  checksums
  systemctl list-unit-files --state=enabled --no-legend --plain | awk '{print "enabled", $1}'
  systemctl list-units --state=failed --no-legend --plain | awk '{print "failed", $1}'
  systemctl list-units --type=service --state=running --no-legend --plain | awk '{print "running", $1}'
  supervisorctl status | awk '$2 != "STOPPED" && $2 != "EXITED" {print "program", $1, $2}'
  nft --stateless list table inet roost | grep -v 'elements = .* limit rate over'
} | sort
