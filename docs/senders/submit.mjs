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
const kid = sha256(JSON.stringify(isEc ? { crv, kty, x, y } : { crv, kty, x })).toString("base64url");
const now = Math.floor(Date.now() / 1000);

// 1. Who we are: an assertion signed with our key, good for one token within a minute (RFC 7523).
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
const header = { alg: isEc ? "ES256" : "Ed25519", kid, typ: "client-authentication+jwt" };
const claims = { iss: client, sub: client, aud: gateway, iat: now, exp: now + 60, jti: randomUUID() };
const jwt = `${part(header)}.${part(claims)}`;
const answer = await fetch(`${gateway}/oauth2/token`, {
  method: "POST",
  body: new URLSearchParams({
    grant_type: "client_credentials",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: `${jwt}.${signed(jwt).toString("base64url")}`,
  }),
});
if (!answer.ok) throw new Error(`no token: ${answer.status} ${await answer.text()}`);
const { access_token: token } = await answer.json();

// 2. What we hand over: its digest (RFC 9530), and a signature over the request that carries it (RFC 9421).
const document = readFileSync(file);
const target = `${gateway}/v1/submissions?recipient=${corporation}`;
const headers = {
  authorization: `Bearer ${token}`,
  "content-digest": `sha-256=:${sha256(document).toString("base64")}:`,
  "content-type": "application/octet-stream",
  "idempotency-key": randomUUID(),
};
const values = { "@method": "POST", "@target-uri": target, ...headers };
const covered = Object.keys(values).map((name) => `"${name}"`).join(" ");
const params = `(${covered});created=${now};keyid="${kid}";tag="fapi-2-request"`;
const lines = Object.entries({ ...values, "@signature-params": params }).map(([name, value]) => `"${name}": ${value}`);
const signature = signed(lines.join("\n")).toString("base64");

// 3. The same key and the same bytes may be sent again, signed anew, and give the same receipt.
const outcome = await fetch(target, {
  method: "POST",
  body: document,
  headers: { ...headers, "signature-input": `hayame=${params}`, signature: `hayame=:${signature}:` },
});
console.log(await outcome.text());
process.exitCode = outcome.ok ? 0 : 1;
