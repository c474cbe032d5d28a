#!/usr/bin/env bash
# Hand over one document with curl and openssl alone.
#
#   submit.sh GATEWAY CLIENT KEY.pem CORPORATION DOCUMENT
#
# KEY.pem is your private key (openssl genpkey -algorithm ed25519 -out key.pem); its public half is what you were
# enrolled with (openssl pkey -in key.pem -pubout). Prints the outcome with its receipts; the exit status says whether
# the document was taken.
set -euo pipefail
gateway=$1 client=$2 key=$3 corporation=$4 document=$5

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
b64() { openssl base64 -A; }
b64url() { b64 | tr '+/' '-_' | tr -d '='; }
sign() { cat >"$work/text" && openssl pkeyutl -sign -rawin -inkey "$key" -in "$work/text"; }

# The key's name is its RFC 7638 thumbprint: SHA-256 over its members in the order of the alphabet, without any space.
x=$(openssl pkey -in "$key" -pubout -outform DER | tail -c 32 | b64url)
kid=$(printf '{"crv":"Ed25519","kty":"OKP","x":"%s"}' "$x" | openssl dgst -sha256 -binary | b64url)
now=$(date +%s)

# 1. Who we are: an assertion signed with our key, good for one token within a minute (RFC 7523).
header=$(printf '{"alg":"Ed25519","kid":"%s","typ":"client-authentication+jwt"}' "$kid" | b64url)
claims=$(printf '{"iss":"%s","sub":"%s","aud":"%s","iat":%d,"exp":%d,"jti":"%s"}' \
    "$client" "$client" "$gateway" "$now" "$((now + 60))" "$(openssl rand -hex 16)" | b64url)
assertion=$header.$claims.$(printf '%s.%s' "$header" "$claims" | sign | b64url)
token=$(curl --silent --show-error --fail-with-body "$gateway/oauth2/token" \
    --data grant_type=client_credentials --data "client_assertion=$assertion" \
    --data-urlencode client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer |
    sed -E 's/.*"access_token":"([^"]+)".*/\1/')

# 2. What we hand over: its digest (RFC 9530), and a signature over the request that carries it (RFC 9421).
target="$gateway/v1/submissions?recipient=$corporation"
type=application/octet-stream
digest="sha-256=:$(openssl dgst -sha256 -binary "$document" | b64):"
idempotency_key=$(openssl rand -hex 16)
covered='("@method" "@target-uri" "authorization" "content-digest" "content-type" "idempotency-key")'
params="$covered;created=$now;keyid=\"$kid\";tag=\"fapi-2-request\""
signature=$(printf '"@method": POST\n"@target-uri": %s\n"authorization": Bearer %s\n"content-digest": %s\n"content-type": %s\n"idempotency-key": %s\n"@signature-params": %s' \
    "$target" "$token" "$digest" "$type" "$idempotency_key" "$params" | sign | b64)

# 3. The same key and the same bytes may be sent again, signed anew, and give the same receipt.
curl --silent --show-error --fail-with-body "$target" --data-binary "@$document" \
    --header "Authorization: Bearer $token" --header "Content-Type: $type" \
    --header "Content-Digest: $digest" --header "Idempotency-Key: $idempotency_key" \
    --header "Signature-Input: hayame=$params" --header "Signature: hayame=:$signature:"
echo
