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
sha256() { openssl dgst -sha256 -binary; }
sign() { cat >"$work/text" && openssl pkeyutl -sign -rawin -inkey "$key" -in "$work/text"; }

jwt() { # HEADER CLAIMS
    local said
    said=$(printf %s "$1" | b64url).$(printf %s "$2" | b64url)
    printf %s.%s "$said" "$(printf %s "$said" | sign | b64url)"
}
proof() { # METHOD ADDRESS [TOKEN]: shows, once, that we hold the key to which the token is bound (RFC 9449)
    jwt "{\"alg\":\"Ed25519\",\"jwk\":$jwk,\"typ\":\"dpop+jwt\"}" \
        "{\"htm\":\"$1\",\"htu\":\"$2\",\"iat\":$now,\"jti\":\"$(openssl rand -hex 16)\"${3:+,\"ath\":\"$(printf %s "$3" | sha256 | b64url)\"}}"
}

# The key's name is its RFC 7638 thumbprint: SHA-256 over its members in the order of the alphabet, without any space.
x=$(openssl pkey -in "$key" -pubout -outform DER | tail -c 32 | b64url)
jwk="{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"$x\"}"
kid=$(printf %s "$jwk" | sha256 | b64url)
now=$(date +%s)

# 1. Who we are: an assertion signed with our key, good for one token within a minute (RFC 7523). A proof binds the token
#    to our key, so that it is of no use to anybody else.
assertion=$(jwt "{\"alg\":\"Ed25519\",\"kid\":\"$kid\",\"typ\":\"client-authentication+jwt\"}" \
    "{\"iss\":\"$client\",\"sub\":\"$client\",\"aud\":\"$gateway\",\"iat\":$now,\"exp\":$((now + 60)),\"jti\":\"$(openssl rand -hex 16)\"}")
token=$(curl --silent --show-error --fail-with-body "$gateway/oauth2/token" \
    --header "DPoP: $(proof POST "$gateway/oauth2/token")" \
    --data grant_type=client_credentials --data "client_assertion=$assertion" \
    --data-urlencode client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer |
    sed -E 's/.*"access_token":"([^"]+)".*/\1/')

# 2. What we hand over: its digest (RFC 9530), another proof, and a signature over the request with both (RFC 9421).
address=$gateway/v1/submissions
target="$address?recipient=$corporation"
type=application/octet-stream
digest="sha-256=:$(sha256 <"$document" | b64):"
dpop=$(proof POST "$address" "$token")
idempotency_key=$(openssl rand -hex 16)
covered='("@method" "@target-uri" "authorization" "content-digest" "content-type" "dpop" "idempotency-key")'
params="$covered;created=$now;keyid=\"$kid\";tag=\"fapi-2-request\""
signature=$(printf '"@method": POST\n"@target-uri": %s\n"authorization": DPoP %s\n"content-digest": %s\n"content-type": %s\n"dpop": %s\n"idempotency-key": %s\n"@signature-params": %s' \
    "$target" "$token" "$digest" "$type" "$dpop" "$idempotency_key" "$params" | sign | b64)

# 3. The same Idempotency-Key and bytes may be sent again, proven and signed anew, and give the same receipt.
curl --silent --show-error --fail-with-body "$target" --data-binary "@$document" \
    --header "Authorization: DPoP $token" --header "DPoP: $dpop" --header "Content-Type: $type" \
    --header "Content-Digest: $digest" --header "Idempotency-Key: $idempotency_key" \
    --header "Signature-Input: hayame=$params" --header "Signature: hayame=:$signature:"
echo
