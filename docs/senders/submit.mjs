// Hand over one document with Node alone (20 or newer, no packages).
//
//   node submit.mjs GATEWAY CLIENT KEY.pem CORPORATION DOCUMENT
//
// KEY.pem is your private key, Ed25519 or P-256. Prints the outcome with its receipts; the exit status says whether the
// document was taken.
import { createHash, createPrivateKey, createPublicKey, randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";

const [gateway, client, keyFile, corporation, file] = process.argv.slice(2);
const key = createPrivateKey(readFileSync(keyFile));
const isEc = key.asymmetricKeyType === "ec";
const signed = (text) =>
  sign(isEc ? "sha256" : null, Buffer.from(text), isEc ? { key, dsaEncoding: "ieee-p1363" } : key);
const sha256 = (bytes) => createHash("sha256").update(bytes).digest();

// The key's name is its RFC 7638 thumbprint: SHA-256 over its members in the order of the alphabet, without any space.
const { crv, kty, x, y } = createPublicKey(key).export({ format: "jwk" });
const jwk = isEc ? { crv, kty, x, y } : { crv, kty, x };
const kid = sha256(JSON.stringify(jwk)).toString("base64url");
const now = Math.floor(Date.now() / 1000);

const alg = isEc ? "ES256" : "Ed25519";
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const jwt = (header, claims) => {
  const said = `${part({ alg, ...header })}.${part({ iat: now, jti: randomUUID(), ...claims })}`;
  return `${said}.${signed(said).toString("base64url")}`;
};
// Shows, once, that we hold the key to which the token is bound (RFC 9449).
const proof = (htm, htu, token) =>
  jwt({ jwk, typ: "dpop+jwt" }, { htm, htu, ...(token && { ath: sha256(token).toString("base64url") }) });

// 1. Who we are: an assertion signed with our key, good for one token within a minute (RFC 7523). A proof binds the token
//    to our key, so that it is of no use to anybody else.
const answer = await fetch(`${gateway}/oauth2/token`, {
  method: "POST",
  headers: { dpop: proof("POST", `${gateway}/oauth2/token`) },
  body: new URLSearchParams({
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: jwt(
      { kid, typ: "client-authentication+jwt" },
      { iss: client, sub: client, aud: gateway, exp: now + 60 },
    ),
  }),
});
if (!answer.ok) throw new Error(`no token: ${answer.status} ${await answer.text()}`);
const { access_token: token } = await answer.json();

// 2. What we hand over: its digest (RFC 9530), another proof, and a signature over the request with both (RFC 9421).
const document = readFileSync(file);
const address = `${gateway}/v1/submissions`;
const target = `${address}?recipient=${corporation}`;
const headers = {
  authorization: `DPoP ${token}`,
  "content-digest": `sha-256=:${sha256(document).toString("base64")}:`,
  "content-type": "application/octet-stream",
  dpop: proof("POST", address, token),
  "idempotency-key": randomUUID(),
};
const values = { "@method": "POST", "@target-uri": target, ...headers };
const covered = Object.keys(values).map((name) => `"${name}"`).join(" ");
const params = `(${covered});created=${now};keyid="${kid}";tag="fapi-2-request"`;
const lines = Object.entries({ ...values, "@signature-params": params }).map(([name, value]) => `"${name}": ${value}`);
const signature = signed(lines.join("\n")).toString("base64");

// 3. The same Idempotency-Key and bytes may be sent again, proven and signed anew, and give the same receipt.
const outcome = await fetch(target, {
  method: "POST",
  body: document,
  headers: { ...headers, "signature-input": `hayame=${params}`, signature: `hayame=:${signature}:` },
});
console.log(await outcome.text());
process.exitCode = outcome.ok ? 0 : 1;
