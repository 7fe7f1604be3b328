#!/usr/bin/env bash
# make_secrets.sh FOLDER [NAMESPACE]: prints the Secrets that the manifests mount, for `kubectl apply -f -`, made from an
# authority, certificates and tokens in FOLDER. What is there is used again: remove a certificate or a token, and the
# next run makes another. Keep FOLDER to yourself: ca.key can make certificates, the tokens open the ports. Between two
# that are to be made ca.key may be kept elsewhere.
set -euo pipefail

folder=${1:?usage: make_secrets.sh FOLDER [NAMESPACE]}
namespace=${2:-leadline}
umask 077
mkdir -p "$folder"
cd "$folder"

key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)

fail() {
  printf 'make_secrets.sh: %s\n' "$1" >&2
  exit 1
}

# quietly COMMAND...: shows what it says only when it fails.
quietly() {
  local said
  said=$("$@" 2>&1) || fail "$1 $2 failed:"$'\n'"$said"
}

# issue NAME ALTERNATIVES: a certificate of our authority.
issue() {
  [[ ! -s $1.crt || ! -s $1.key ]] || return 0
  [[ -s ca.key ]] || fail "$1.crt is to be made, and ca.key is not in $folder to sign it with"
  quietly openssl req "${key[@]}" -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
  quietly openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -out "$1.crt" \
    -extfile <(printf 'subjectAltName=%s\n' "$2")
  rm "$1.csr"
}

token() {
  [[ -s $1 ]] || openssl rand -hex 32 >"$1"
}

hash() {
  printf 'sha256:%s\n' "$(tr -d '\n' <"$1" | sha256sum | cut -d' ' -f1)"
}

# secret NAME KEY=FILE...
secret() {
  printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: %s\n' "$1" "$namespace"
  printf '  labels:\n    app.kubernetes.io/part-of: leadline\ntype: Opaque\ndata:\n'
  shift
  local entry
  for entry in "$@"; do
    printf '  %s: %s\n' "${entry%%=*}" "$(base64 -w0 <"${entry#*=}")"
  done
  printf -- '---\n'
}

if [[ ! -s ca.crt ]]; then
  # Another authority would not be that of the certificates that are there.
  [[ ! -e ca.key ]] || fail "ca.key is in $folder without its ca.crt"
  quietly openssl req -x509 "${key[@]}" -days 3650 -subj "/CN=Leadline CA" -keyout ca.key -out ca.crt
fi
service=leadline-collector
issue collector "DNS:$service,DNS:$service.$namespace,DNS:$service.$namespace.svc,DNS:localhost,IP:127.0.0.1"
issue agent "DNS:leadline-agent"
token agent.token
token reader.token

secret leadline-collector ca.crt=ca.crt tls.crt=collector.crt tls.key=collector.key \
  http-tokens=<(hash reader.token) grpc-tokens=<(hash agent.token) reader.token=reader.token
secret leadline-agent ca.crt=ca.crt tls.crt=agent.crt tls.key=agent.key \
  http-tokens=<(hash reader.token) agent.token=agent.token
