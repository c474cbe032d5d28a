// Hand over one document with Java alone (17 or newer, no libraries).
//
//   java Submit.java GATEWAY CLIENT KEY.pem CORPORATION DOCUMENT
//
// KEY.pem is your Ed25519 private key as PKCS #8 (openssl genpkey -algorithm ed25519 -out key.pem). Java cannot derive the
// public key from it by itself, so put that beside it: openssl pkey -in key.pem -pubout -out key.pem.pub. Prints the
// outcome with its receipts; the exit status says whether the document was taken.

import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

public class Submit {
    static final Base64.Encoder B64 = Base64.getEncoder(), B64URL = Base64.getUrlEncoder().withoutPadding();
    static PrivateKey key;
    static String jwk;

    public static void main(String[] arguments) throws Exception {
        String gateway = arguments[0], client = arguments[1], corporation = arguments[3];
        key = KeyFactory.getInstance("Ed25519").generatePrivate(
            new PKCS8EncodedKeySpec(pem(Path.of(arguments[2]))));
        byte[] known = pem(Path.of(arguments[2] + ".pub"));
        jwk = "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\""
            + B64URL.encodeToString(Arrays.copyOfRange(known, known.length - 32, known.length)) + "\"}";
        // The key's name is its RFC 7638 thumbprint: SHA-256 over its members in the order of the alphabet, without any space.
        String kid = B64URL.encodeToString(sha256(utf8(jwk)));
        long now = Instant.now().getEpochSecond();
        HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build(); // without TLS it would ask for HTTP/2

        // 1. Who we are: an assertion signed with our key, good for one token within a minute (RFC 7523). A proof binds the
        //    token to our key, so that it is of no use to anybody else.
        String assertion = jwt("\"kid\":\"" + kid + "\",\"typ\":\"client-authentication+jwt\"", String.format(
            "\"iss\":\"%s\",\"sub\":\"%s\",\"aud\":\"%s\",\"exp\":%d", client, client, gateway, now + 60));
        Map<String, String> form = new LinkedHashMap<>();
        form.put("grant_type", "client_credentials");
        form.put("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        form.put("client_assertion", assertion);
        String asked = form.entrySet().stream()
            .map(field -> field.getKey() + "=" + URLEncoder.encode(field.getValue(), StandardCharsets.UTF_8))
            .collect(Collectors.joining("&"));
        String answer = http.send(HttpRequest.newBuilder(URI.create(gateway + "/oauth2/token"))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("DPoP", proof("POST", gateway + "/oauth2/token", null))
            .POST(HttpRequest.BodyPublishers.ofString(asked)).build(), BodyHandlers.ofString()).body();
        var found = Pattern.compile("\"access_token\":\"([^\"]+)\"").matcher(answer);
        if (!found.find()) throw new IllegalStateException("no token: " + answer);

        // 2. What we hand over: its digest (RFC 9530), another proof, and a signature over the request with both (RFC 9421).
        byte[] document = Files.readAllBytes(Path.of(arguments[4]));
        String address = gateway + "/v1/submissions", target = address + "?recipient=" + corporation;
        Map<String, String> headers = new LinkedHashMap<>();
        headers.put("authorization", "DPoP " + found.group(1));
        headers.put("content-digest", "sha-256=:" + B64.encodeToString(sha256(document)) + ":");
        headers.put("content-type", "application/octet-stream");
        headers.put("dpop", proof("POST", address, found.group(1)));
        headers.put("idempotency-key", UUID.randomUUID().toString());
        Map<String, String> values = new LinkedHashMap<>();
        values.put("@method", "POST");
        values.put("@target-uri", target);
        values.putAll(headers);
        String covered = values.keySet().stream().map(name -> '"' + name + '"').collect(Collectors.joining(" "));
        String params = "(" + covered + ");created=" + now + ";keyid=\"" + kid + "\";tag=\"fapi-2-request\"";
        values.put("@signature-params", params);
        String base = values.entrySet().stream()
            .map(line -> '"' + line.getKey() + "\": " + line.getValue()).collect(Collectors.joining("\n"));

        // 3. The same Idempotency-Key and bytes may be sent again, proven and signed anew, and give the same receipt.
        var request = HttpRequest.newBuilder(URI.create(target))
            .header("signature-input", "hayame=" + params)
            .header("signature", "hayame=:" + B64.encodeToString(sign(base)) + ":")
            .POST(HttpRequest.BodyPublishers.ofByteArray(document));
        headers.forEach(request::header);
        var outcome = http.send(request.build(), BodyHandlers.ofString());
        System.out.println(outcome.body());
        System.exit(outcome.statusCode() / 100 == 2 ? 0 : 1);
    }

    /** Shows, once, that we hold the key to which the token is bound (RFC 9449). */
    static String proof(String method, String address, String token) throws Exception {
        String hash = token == null ? "" : ",\"ath\":\"" + B64URL.encodeToString(sha256(utf8(token))) + "\"";
        return jwt("\"jwk\":" + jwk + ",\"typ\":\"dpop+jwt\"",
            "\"htm\":\"" + method + "\",\"htu\":\"" + address + "\"" + hash);
    }

    static String jwt(String header, String claims) throws Exception {
        String said = B64URL.encodeToString(utf8("{\"alg\":\"Ed25519\"," + header + "}")) + "."
            + B64URL.encodeToString(utf8(String.format("{\"iat\":%d,\"jti\":\"%s\",%s}",
                Instant.now().getEpochSecond(), UUID.randomUUID(), claims)));
        return said + "." + B64URL.encodeToString(sign(said));
    }

    static byte[] sign(String text) throws Exception {
        Signature signature = Signature.getInstance("Ed25519");
        signature.initSign(key);
        signature.update(utf8(text));
        return signature.sign();
    }

    static byte[] pem(Path file) throws Exception {
        return Base64.getMimeDecoder().decode(Files.readString(file).replaceAll("-----[A-Z ]+-----", ""));
    }

    static byte[] sha256(byte[] bytes) throws Exception {
        return MessageDigest.getInstance("SHA-256").digest(bytes);
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
