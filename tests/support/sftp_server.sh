# An SSH server for SFTP alone, for tests: sftp_server.sh PORT ACCOUNT. It listens on 127.0.0.1. The account has no shell, is
# shut up in a folder where it may write to /backups, and knows /etc/sftp/key. The server's keys are in /etc/sftp/host_keys.
set -eu
port=$1 account=$2

export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -y install --no-install-recommends openssh-server >/dev/null
id -u "$account" >/dev/null 2>&1 || useradd --home-dir / --shell /usr/sbin/nologin --password '*' "$account"
install -d /etc/sftp "/srv/$account"
install -d -o "$account" -g "$account" "/srv/$account/backups"
for kind in ed25519 ecdsa; do
  [ -e "/etc/sftp/host_$kind" ] || ssh-keygen -q -N '' -t "$kind" -f "/etc/sftp/host_$kind"
done
[ -e /etc/sftp/key ] || ssh-keygen -q -N '' -t ed25519 -f /etc/sftp/key
cp /etc/sftp/key.pub /etc/sftp/authorized_keys
cut -d ' ' -f 1,2 /etc/sftp/host_*.pub >/etc/sftp/host_keys

cat >/etc/sftp/sshd_config <<X
ListenAddress 127.0.0.1:$port
HostKey /etc/sftp/host_ed25519
HostKey /etc/sftp/host_ecdsa
PidFile none
AllowUsers $account
AuthorizedKeysFile /etc/sftp/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
ChrootDirectory /srv/$account
Subsystem sftp internal-sftp
ForceCommand internal-sftp
DisableForwarding yes
X
# OpenSSH of Debian 13 would shut this host out for what the tests spoil.
if sshd -T -f /etc/sftp/sshd_config | grep -q ^persourcepenalties; then
  echo "PerSourcePenalties no" >>/etc/sftp/sshd_config
fi
cat >/etc/systemd/system/sftp.service <<X
[Service]
ExecStart=/usr/sbin/sshd -D -f /etc/sftp/sshd_config
[Install]
WantedBy=multi-user.target
X
systemctl daemon-reload
systemctl enable --quiet --now sftp
