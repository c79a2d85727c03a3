#!/usr/bin/env python3
"""Writes vectors.json: requests with the verdict that a verifier must reach, and why; and
doctor.json: refused requests with what the doctor must find.

Every signature is computed here with Python's own hmac and hashlib, from the text that the case
itself joins together; nothing of the Rust crate is used. With --openssl each code is computed a
second time by the openssl command and compared.

    python3 make_vectors.py [--openssl]
"""
import base64
import hashlib
import hmac
import json
import pathlib
import subprocess
import sys

NOW = 1767225600  # 2026-01-01T00:00:00Z
NOW_TEXT = "2026-01-01T00:00:00Z"
SECRET = "northgate-secret-2026"
OTHER = "lakeside-secret-2026"
KEY_B64 = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # 24 bytes
BODY = '{"message":{"type":"status-update","call":{"id":"call-12345"},"status":"in-progress"}}'
URL = "https://hooks.example.com/api/vapi/webhook?tenant=a"
WITH_OPENSSL = "--openssl" in sys.argv[1:]

cases = []
checked = 0


def code(key, payload, algorithm="sha256"):
    """The HMAC of payload: bytes in, bytes out."""
    global checked
    key = key.encode() if isinstance(key, str) else key
    payload = payload.encode() if isinstance(payload, str) else payload
    result = hmac.new(key, payload, getattr(hashlib, algorithm)).digest()
    if WITH_OPENSSL and key:  # openssl takes no empty key
        command = ["openssl", "dgst", "-" + algorithm, "-mac", "HMAC", "-macopt", "hexkey:" + key.hex(), "-binary"]
        assert subprocess.run(command, input=payload, capture_output=True, check=True).stdout == result
        checked += 1
    return result


def hexed(key, payload, algorithm="sha256"):
    return code(key, payload, algorithm).hex()


def b64ed(key, payload, algorithm="sha256"):
    return base64.b64encode(code(key, payload, algorithm)).decode()


def key(preset=None, label="current", secret=SECRET, not_before=None, not_after=None, scheme=None, **recipe):
    """One credential; keyword arguments besides the first ones are fields of a recipe of one's own."""
    made = {"label": label, "secret": secret}
    if scheme is None and preset is None:
        scheme = "hmac"
    if preset is not None:
        made["preset"] = preset
    else:
        made["scheme"] = scheme
    made.update(recipe)
    if not_before:
        made["not_before"] = not_before
    if not_after:
        made["not_after"] = not_after
    return made


def case(name, credentials, headers, verdict, body=BODY, now=NOW_TEXT, method="POST", url=None):
    """verdict: ("accepted", label), ("refused", reason) or ("unusable", error)."""
    assert verdict[0] in ("accepted", "refused", "unusable")
    made = {"name": name, "now": now, "method": method, "url": url, "headers": headers}
    if isinstance(body, bytes):
        made["body_base64"] = base64.b64encode(body).decode()
    else:
        made["body"] = body
    made["credentials"] = credentials if isinstance(credentials, list) else [credentials]
    made["verdict"], made["because"] = verdict
    cases.append(made)


ACCEPTED = ("accepted", "current")


def refused(reason):
    return ("refused", reason)


def vapi(signature, timestamp=str(NOW)):
    return [["x-signature", signature], ["x-timestamp", timestamp]]


def good(timestamp=str(NOW), secret=SECRET, body=BODY):
    return hexed(secret, f"{timestamp}.{body}")


# --- algorithm x encoding x prefix
for algorithm in ("sha256", "sha512", "sha1"):
    for encoding, encode in (("hex", hexed), ("base64", b64ed)):
        for prefix in (None, algorithm + "=", "v1,"):
            recipe = {"algorithm": algorithm, "encoding": encoding}
            if prefix:
                recipe["prefix"] = prefix
            signature = (prefix or "") + encode(SECRET, f"{NOW}.{BODY}", algorithm)
            name = f"{algorithm}, {encoding}, prefix {prefix}"
            case(name, key(**recipe), vapi(signature), ACCEPTED)
            broken = (prefix or "") + encode(OTHER, f"{NOW}.{BODY}", algorithm)
            case(name + ", of another secret", key(**recipe), vapi(broken), refused("invalid_signature"))

# --- prefix
case("prefix missing", key(prefix="sha256="), vapi(good()), refused("malformed_header"))
case("prefix in the wrong case", key(prefix="sha256="), vapi("SHA256=" + good()), refused("malformed_header"))
case("prefix where none belongs", key(), vapi("sha256=" + good()), refused("malformed_header"))
case("prefix twice", key(prefix="sha256="), vapi("sha256=sha256=" + good()), refused("malformed_header"))
case("prefix alone", key(prefix="sha256="), vapi("sha256="), refused("malformed_header"))
case("prefix that is empty is none", key(prefix=""), vapi(good()), ACCEPTED)
case("prefix that cannot stand in a header", key(prefix="v1\n"), vapi(good()), ("unusable", "recipe"))

# --- encoding
case("hex in upper case", key(), vapi(good().upper()), ACCEPTED)
case("hex in mixed case", key(), vapi(good()[:20].upper() + good()[20:]), ACCEPTED)
case("hex cut by one digit", key(), vapi(good()[:-1]), refused("malformed_header"))
case("hex cut by one byte", key(), vapi(good()[:-2]), refused("malformed_header"))
case("hex with one byte more", key(), vapi(good() + "00"), refused("malformed_header"))
case("hex with a letter that is none", key(), vapi("g" + good()[1:]), refused("malformed_header"))
case("hex with a space before it", key(), vapi(" " + good()), refused("malformed_header"))
case("hex with 0x", key(), vapi("0x" + good()), refused("malformed_header"))
case("base64 where hex belongs", key(), vapi(b64ed(SECRET, f"{NOW}.{BODY}")), refused("malformed_header"))
case("hex where base64 belongs", key(encoding="base64"), vapi(good()), refused("malformed_header"))
padded = b64ed(SECRET, f"{NOW}.{BODY}")
case("base64 without padding", key(encoding="base64"), vapi(padded.rstrip("=")), ACCEPTED)
# SHA-256 codes leave two unused bits in the last letter; a set one would be a second spelling.
last = padded.rstrip("=")[-1]
alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
second = padded.rstrip("=")[:-1] + alphabet[alphabet.index(last) + 1] + "="
case("base64 with unused bits set", key(encoding="base64"), vapi(second), refused("malformed_header"))
sha512 = hexed(SECRET, f"{NOW}.{BODY}", "sha512")
case("code of a longer algorithm", key(), vapi(sha512), refused("malformed_header"))
case("first half of a longer code", key(), vapi(sha512[:64]), refused("invalid_signature"))
case("code of a shorter algorithm", key(), vapi(hexed(SECRET, f"{NOW}.{BODY}", "sha1")), refused("malformed_header"))
case("last byte differs", key(), vapi(good()[:-2] + f"{int(good()[-2:], 16) ^ 1:02x}"), refused("invalid_signature"))
case("signature of nothing but zeros", key(), vapi("0" * 64), refused("invalid_signature"))
case("signature empty", key(), vapi(""), refused("malformed_header"))
case("signature not ascii", key(), vapi("\u00e9" * 32), refused("malformed_header"))
case("signature of 5 kB", key(), vapi("a" * 5_000), refused("malformed_header"))

# --- secret
raw = base64.b64decode(KEY_B64)
case("base64 secret is decoded", key(secret=KEY_B64, secret_is_base64=True), vapi(hexed(raw, f"{NOW}.{BODY}")), ACCEPTED)
case("base64 secret without padding", key(secret="c2VjcmV0LWtleQ", secret_is_base64=True),
     vapi(hexed("secret-key", f"{NOW}.{BODY}")), ACCEPTED)
case("base64 secret in the url alphabet", key(secret="-_-_-_-_", secret_is_base64=True),
     vapi(hexed(base64.urlsafe_b64decode("-_-_-_-_"), f"{NOW}.{BODY}")), ACCEPTED)
case("base64 secret used as text by the sender", key(secret=KEY_B64, secret_is_base64=True),
     vapi(hexed(KEY_B64, f"{NOW}.{BODY}")), refused("invalid_signature"))
case("text secret that looks like base64", key(secret=KEY_B64), vapi(hexed(KEY_B64, f"{NOW}.{BODY}")), ACCEPTED)
case("text secret decoded by the sender", key(secret=KEY_B64), vapi(hexed(raw, f"{NOW}.{BODY}")), refused("invalid_signature"))
case("base64 secret that is none", key(secret="not base64!", secret_is_base64=True), vapi(good()), ("unusable", "secret_not_base64"))
case("base64 secret of padding only", key(secret="====", secret_is_base64=True), vapi(good()), ("unusable", "secret_not_base64"))
case("base64 secret with a mark and no more", key(preset="standard-webhooks", secret="whsec_"), [], ("unusable", "secret_empty"))
case("empty secret", key(secret=""), vapi(hexed("", f"{NOW}.{BODY}")), ("unusable", "empty_secret"))
case("empty secret in a header", key(preset="x-vapi-secret", secret=""), [["x-vapi-secret", ""]], ("unusable", "empty_secret"))
case("empty token", key(preset="bearer", secret=""), [["authorization", "Bearer "]], ("unusable", "empty_secret"))
long = "k" * 300
case("secret longer than a hash block", key(secret=long), vapi(hexed(long, f"{NOW}.{BODY}")), ACCEPTED)
case("secret that is not ascii", key(secret="s\u00e9cret-\u2603"), vapi(hexed("s\u00e9cret-\u2603", f"{NOW}.{BODY}")), ACCEPTED)

# --- payload format
def formatted(text, payload, expected=ACCEPTED, extra=(), url=None, method="POST", **recipe):
    headers = [["x-signature", hexed(SECRET, payload)], ["x-timestamp", str(NOW)], *extra]
    case(f"payload {text}: {expected[0]} {len(cases)}", key(payload_format=text, **recipe), headers, expected, url=url, method=method)


formatted("{timestamp}.{body}", f"{NOW}.{BODY}")
formatted("{timestamp}{body}", f"{NOW}{BODY}")
formatted("{body}", BODY)
formatted("{body}.{timestamp}", f"{BODY}.{NOW}")
formatted("v0:{timestamp}:{body}", f"v0:{NOW}:{BODY}")
formatted("{method}.{timestamp}.{body}", f"POST.{NOW}.{BODY}")
formatted("{method}.{timestamp}.{body}", f"PUT.{NOW}.{BODY}", method="PUT")
formatted("{method}.{timestamp}.{body}", f"post.{NOW}.{BODY}", refused("invalid_signature"))
formatted("{url}.{timestamp}.{body}", f"{URL}.{NOW}.{BODY}", url=URL)
formatted("{method} {url}\n{timestamp}\n{body}", f"POST {URL}\n{NOW}\n{BODY}", url=URL)
formatted("{url}.{timestamp}.{body}", f"{URL}.{NOW}.{BODY}", refused("missing_url"))
formatted("{url}.{timestamp}.{body}", f"{URL}/.{NOW}.{BODY}", refused("invalid_signature"), url=URL)
formatted("{url}.{timestamp}.{body}", f"https://evil.example/.{NOW}.{BODY}", refused("invalid_signature"),
          extra=[["host", "evil.example"]], url=URL)
formatted("{svix-id}.{timestamp}.{body}", f"msg_1.{NOW}.{BODY}", extra=[["x-id", "msg_1"]], message_id_header="x-id")
formatted("{svix-id}.{timestamp}.{body}", f"msg_1.{NOW}.{BODY}", refused("invalid_signature"),
          extra=[["x-id", "msg_2"]], message_id_header="x-id")
formatted("{svix-id}.{timestamp}.{body}", f"msg_1.{NOW}.{BODY}", refused("missing_header"), message_id_header="x-id")
formatted("{svix-id}.{timestamp}.{body}", f"msg_1.{NOW}.{BODY}", refused("repeated_header"),
          extra=[["x-id", "msg_1"], ["X-Id", "msg_1"]], message_id_header="x-id")
formatted("{svix-id}.{timestamp}.{body}", f".{NOW}.{BODY}", refused("malformed_header"), extra=[["x-id", ""]], message_id_header="x-id")
# The same bytes, cut elsewhere: an old signed message whose id swallows its old timestamp.
formatted("{svix-id}.{timestamp}.{body}", f"msg_1.1500000000.x.{NOW}.{BODY}", refused("malformed_header"),
          extra=[["x-id", "msg_1.1500000000.x"]], message_id_header="x-id")
formatted("{svix-id}.{timestamp}.{body}", f"{NOW}.{BODY}", ("unusable", "recipe"))
formatted("{timestamp}.{body}", BODY, refused("invalid_signature"))
formatted("{body}", f"{NOW}.{BODY}", refused("invalid_signature"))
for text in ("{nonce}.{body}", "{timestamp}", "{body}{body}", "{timestamp}.{body", "{timestamp}}.{body}", ""):
    formatted(text, f"{NOW}.{BODY}", ("unusable", "payload_format"))

# --- the body counts to the byte
for name, signed, sent in (
    ("trailing newline added", BODY, BODY + "\n"),
    ("trailing newline lost", BODY + "\n", BODY),
    ("white space rewritten", BODY, json.dumps(json.loads(BODY))),
    ("escape rewritten", '{"a":"\\u00e9"}', '{"a":"\u00e9"}'),
    ("one letter changed", BODY, BODY.replace("12345", "12346")),
):
    case("body: " + name, key(), vapi(good(body=signed)), refused("invalid_signature"), body=sent)
case("body empty", key(), vapi(good(body="")), ACCEPTED, body="")
binary = bytes(range(256))
case("body of any bytes", key(), vapi(hexed(SECRET, str(NOW).encode() + b"." + binary)), ACCEPTED, body=binary)
big = "[" + "1," * 10_000 + "1]"
case("body of 20 kB", key(), vapi(good(body=big)), ACCEPTED, body=big)

# --- no timestamp
alone = [["x-signature", hexed(SECRET, BODY)]]
case("no timestamp, default format: the body alone", key(include_timestamp=False), alone, ACCEPTED)
case("no timestamp, body format", key(include_timestamp=False, payload_format="{body}"), alone, ACCEPTED)
case("no timestamp, an old one is not read", key(include_timestamp=False), alone + [["x-timestamp", "1"]], ACCEPTED)
case("no timestamp, no header named", key(include_timestamp=False, timestamp_header=None), alone, ACCEPTED)
case("no timestamp, signed with one", key(include_timestamp=False), vapi(good()), refused("invalid_signature"))
case("no timestamp, format of one's own has it", key(include_timestamp=False, payload_format="{timestamp}:{body}"),
     alone, ("unusable", "recipe"))
case("timestamp asked for, no header named", key(timestamp_header=None), vapi(good()), ("unusable", "recipe"))
case("timestamp asked for, not signed, fresh", key(payload_format="{body}"), alone + [["x-timestamp", str(NOW)]], ACCEPTED)
case("timestamp asked for, not signed, absent", key(payload_format="{body}"), alone, refused("missing_header"))
case("timestamp asked for, not signed, old", key(payload_format="{body}"), alone + [["x-timestamp", str(NOW - 301)]],
     refused("stale_timestamp"))

# --- window, in every unit
for unit, write in (
    ("seconds", lambda t: str(t)),
    ("milliseconds", lambda t: str(t * 1000)),
    ("microseconds", lambda t: str(t * 1_000_000)),
):
    for offset in (-301, -300, -299, 0, 299, 300, 301):
        text = write(NOW + offset)
        verdict = ACCEPTED if abs(offset) <= 300 else refused("stale_timestamp")
        case(f"{unit}, {offset:+} s", key(), vapi(good(text), text), verdict)
for text, verdict in (
    ("2026-01-01T00:00:00Z", ACCEPTED),
    ("2026-01-01T00:00:00.000Z", ACCEPTED),
    ("2026-01-01T01:00:00+01:00", ACCEPTED),
    ("2025-12-31T23:55:00Z", ACCEPTED),
    ("2025-12-31T23:54:59Z", refused("stale_timestamp")),
    ("2026-01-01T00:05:00Z", ACCEPTED),
    ("2026-01-01T00:05:01Z", refused("stale_timestamp")),
    ("2026-01-01T00:00:00", refused("malformed_header")),
    ("2026-01-01", refused("malformed_header")),
    ("Thu, 01 Jan 2026 00:00:00 GMT", refused("malformed_header")),
):
    case(f"iso {text}", key(), vapi(good(text), text), verdict)
case("milliseconds, 300.001 s behind", key(), vapi(good(str(NOW * 1000 - 300_001)), str(NOW * 1000 - 300_001)), refused("stale_timestamp"))
case("milliseconds, 300.001 s ahead", key(), vapi(good(str(NOW * 1000 + 300_001)), str(NOW * 1000 + 300_001)), refused("stale_timestamp"))
case("clock with a fraction, 300.5 s", key(), vapi(good(str(NOW - 300)), str(NOW - 300)), refused("stale_timestamp"), now="2026-01-01T00:00:00.500Z")
for text in (f"0{NOW}", f"000{NOW}"):
    case(f"seconds with zeros before: the literal text is signed, {text}", key(), vapi(good(text), text), ACCEPTED)
case("seconds with zeros before, signed without", key(), vapi(good(), f"0{NOW}"), refused("invalid_signature"))
for text in ("0", "1", "99999999999", "1000000000000", "99999999999999999"):
    case(f"number {text} is another time", key(), vapi(good(text), text), refused("stale_timestamp"))
for text in ("", " ", f" {NOW}", f"{NOW} ", f"+{NOW}", f"-{NOW}", f"{NOW}.0", f"{NOW}.5", "1e9", "0x6955b900", "NaN", "null",
             "1767225600000000000", "9" * 30, f"{NOW}, {NOW}", "\u0661\u0667\u0666\u0667", "T" * 5000):
    case(f"timestamp unreadable: {text[:24]!r}", key(), vapi(good(text), text), refused("malformed_header"))

# --- headers
case("names in another case", key(), [["X-Signature", good()], ["X-TIMESTAMP", str(NOW)]], ACCEPTED)
case("names in another case in the recipe", key(signature_header="X-Sig", timestamp_header="X-Time"),
     [["x-sig", good()], ["x-time", str(NOW)]], ACCEPTED)
case("no headers", key(), [], refused("missing_header"))
case("no signature", key(), [["x-timestamp", str(NOW)]], refused("missing_header"))
case("no timestamp header", key(), [["x-signature", good()]], refused("missing_header"))
case("signature under another name", key(), [["x-vapi-signature", good()], ["x-timestamp", str(NOW)]], refused("missing_header"))
case("signature repeated, the same", key(), vapi(good()) + [["x-signature", good()]], refused("repeated_header"))
case("signature repeated, in another case of the name", key(), vapi(good()) + [["X-SIGNATURE", good()]], refused("repeated_header"))
case("signature repeated, a wrong one first", key(), [["x-signature", "0" * 64]] + vapi(good()), refused("repeated_header"))
case("signature repeated in one value", key(), vapi(f"{good()}, {good()}"), refused("malformed_header"))
case("timestamp repeated, the same", key(), vapi(good()) + [["x-timestamp", str(NOW)]], refused("repeated_header"))
case("timestamp repeated, an old one", key(), vapi(good()) + [["x-timestamp", "1"]], refused("repeated_header"))
case("other headers may repeat", key(), vapi(good()) + [["cookie", "a"], ["cookie", "b"]], ACCEPTED)
case("stale and wrong: stale, before any hashing", key(), vapi("0" * 64, str(NOW - 999)), refused("stale_timestamp"))
case("a header name that is none", key(signature_header="x signature"), vapi(good()), ("unusable", "recipe"))
case("an empty header name", key(signature_header=""), vapi(good()), ("unusable", "recipe"))

# --- presets
case("vapi-hmac", key("vapi-hmac"), vapi(good()), ACCEPTED)
xvapi = [["x-vapi-signature", good()], ["x-vapi-timestamp", str(NOW)]]
case("x-vapi-signature", key("x-vapi-signature"), xvapi, ACCEPTED)
case("x-vapi-signature with headers of vapi-hmac", key("x-vapi-signature"), vapi(good()), refused("missing_header"))
case("x-vapi-signature that holds the secret", key("x-vapi-signature"), [["x-vapi-signature", SECRET], ["x-vapi-timestamp", str(NOW)]],
     refused("malformed_header"))

# --- secret header
case("x-vapi-secret", key("x-vapi-secret"), [["X-Vapi-Secret", SECRET]], ACCEPTED)
case("x-vapi-secret wrong", key("x-vapi-secret"), [["x-vapi-secret", OTHER]], refused("invalid_signature"))
case("x-vapi-secret cut", key("x-vapi-secret"), [["x-vapi-secret", SECRET[:-1]]], refused("invalid_signature"))
case("x-vapi-secret longer", key("x-vapi-secret"), [["x-vapi-secret", SECRET + "x"]], refused("invalid_signature"))
case("x-vapi-secret in another case", key("x-vapi-secret"), [["x-vapi-secret", SECRET.upper()]], refused("invalid_signature"))
case("x-vapi-secret with a space", key("x-vapi-secret"), [["x-vapi-secret", SECRET + " "]], refused("invalid_signature"))
case("x-vapi-secret empty", key("x-vapi-secret"), [["x-vapi-secret", ""]], refused("malformed_header"))
case("x-vapi-secret absent", key("x-vapi-secret"), [], refused("missing_header"))
case("x-vapi-secret repeated", key("x-vapi-secret"), [["x-vapi-secret", SECRET]] * 2, refused("repeated_header"))
case("x-vapi-secret of 5000 bytes", key("x-vapi-secret"), [["x-vapi-secret", "a" * 5000]], refused("malformed_header"))
case("x-vapi-secret as its hash", key("x-vapi-secret"), [["x-vapi-secret", hashlib.sha256(SECRET.encode()).hexdigest()]],
     refused("invalid_signature"))
case("secret header of one's own", key(scheme="secret_header", header="X-Api-Key"), [["x-api-key", SECRET]], ACCEPTED)
case("secret header not ascii", key("x-vapi-secret", secret="p\u00e4ss"), [["x-vapi-secret", "p\u00e4ss"]], ACCEPTED)

# --- bearer
case("bearer", key("bearer"), [["Authorization", "Bearer " + SECRET]], ACCEPTED)
case("bearer wrong", key("bearer"), [["authorization", "Bearer " + OTHER]], refused("invalid_signature"))
case("bearer without the word", key("bearer"), [["authorization", SECRET]], refused("malformed_header"))
case("bearer with the word in another case", key("bearer"), [["authorization", "bearer " + SECRET]], refused("malformed_header"))
case("bearer with two spaces", key("bearer"), [["authorization", "Bearer  " + SECRET]], refused("invalid_signature"))
case("bearer without a token", key("bearer"), [["authorization", "Bearer "]], refused("malformed_header"))
case("bearer absent", key("bearer"), [], refused("missing_header"))
case("bearer repeated", key("bearer"), [["authorization", "Bearer " + SECRET], ["Authorization", "Bearer x"]], refused("repeated_header"))
plain = key(scheme="bearer", header="X-Vapi-Secret", prefix=None)
case("bearer, prefix off", plain, [["x-vapi-secret", SECRET]], ACCEPTED)
case("bearer, prefix off, sent with it", plain, [["x-vapi-secret", "Bearer " + SECRET]], refused("invalid_signature"))
case("bearer, prefix of one's own", key(scheme="bearer", header="authorization", prefix="Token "), [["authorization", "Token " + SECRET]], ACCEPTED)

# --- standard webhooks
def standard(signature, timestamp=NOW, message_id="msg_p5jXN8AQM9LWM0D4loKWxJek"):
    return [["webhook-id", message_id], ["webhook-timestamp", str(timestamp)], ["webhook-signature", signature]]


sw = key("standard-webhooks", secret="whsec_" + KEY_B64)
sw_payload = f"msg_p5jXN8AQM9LWM0D4loKWxJek.{NOW}.{BODY}"
sw_good = "v1," + b64ed(raw, sw_payload)
sw_bad = "v1," + b64ed(OTHER, sw_payload)
case("standard webhooks", sw, standard(sw_good), ACCEPTED)
case("standard webhooks, secret without the mark", key("standard-webhooks", secret=KEY_B64), standard(sw_good), ACCEPTED)
case("standard webhooks, wrong", sw, standard(sw_bad), refused("invalid_signature"))
case("standard webhooks, two signatures, the second is ours", sw, standard(f"{sw_bad} {sw_good}"), ACCEPTED)
case("standard webhooks, two signatures, the first is ours", sw, standard(f"{sw_good} {sw_bad}"), ACCEPTED)
case("standard webhooks, two wrong ones", sw, standard(f"{sw_bad} {sw_bad}"), refused("invalid_signature"))
case("standard webhooks, another version is skipped", sw, standard(f"v1a,AAAA v2,{sw_good[3:]} {sw_good}"), ACCEPTED)
case("standard webhooks, other versions only", sw, standard(f"v1a,AAAA v2,{sw_good[3:]}"), refused("malformed_header"))
case("standard webhooks, no version", sw, standard(sw_good[3:]), refused("malformed_header"))
case("standard webhooks, version in another case", sw, standard("V" + sw_good[1:]), refused("malformed_header"))
case("standard webhooks, 16 values", sw, standard(" ".join([sw_bad] * 15 + [sw_good])), ACCEPTED)
case("standard webhooks, 17 values", sw, standard(" ".join([sw_bad] * 16 + [sw_good])), refused("malformed_header"))
case("standard webhooks, repeated header", sw, standard(sw_good) + [["webhook-signature", sw_good]], refused("repeated_header"))
case("standard webhooks, no id", sw, standard(sw_good)[1:], refused("missing_header"))
case("standard webhooks, id with a space", sw, standard("v1," + b64ed(raw, f"a b.{NOW}.{BODY}"), message_id="a b"), refused("malformed_header"))
case("standard webhooks, stale", sw, standard("v1," + b64ed(raw, f"msg_p5jXN8AQM9LWM0D4loKWxJek.{NOW - 301}.{BODY}"), NOW - 301),
     refused("stale_timestamp"))
# The example that the Standard Webhooks specification publishes; nothing of it is computed here.
case("standard webhooks, published example", sw,
     [["webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"], ["webhook-timestamp", "1614265330"],
      ["webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="]],
     ACCEPTED, body='{"test": 2432232314}', now="2021-02-25T15:02:10Z")
svix = key(signature_header="svix-signature", timestamp_header="svix-timestamp", message_id_header="svix-id", prefix="v1,",
           encoding="base64", secret_is_base64=True, payload_format="{svix-id}.{timestamp}.{body}", secret="whsec_" + KEY_B64)
case("svix layout as a recipe of one's own", svix,
     [["svix-id", "msg_1"], ["svix-timestamp", str(NOW)], ["svix-signature", "v1," + b64ed(raw, f"msg_1.{NOW}.{BODY}")]], ACCEPTED)
case("several values where the recipe is no list", key(prefix="sha256="), vapi(f"sha256={'0' * 64} sha256={good()}"), refused("malformed_header"))

# --- several credentials
old, new = key(label="old", secret="old-secret-2025"), key(label="new")
case("rotation: the new secret", [old, new], vapi(good()), ("accepted", "new"))
case("rotation: the old secret", [old, new], vapi(good(secret="old-secret-2025")), ("accepted", "old"))
case("rotation: neither", [old, new], vapi(good(secret=OTHER)), refused("invalid_signature"))
both = [key("x-vapi-signature", "signed"), key("x-vapi-secret", "plain")]
case("two schemes: the first", both, xvapi, ("accepted", "signed"))
case("two schemes: the second", both, [["x-vapi-secret", SECRET]], ("accepted", "plain"))
case("two schemes: a wrong signature beats an absent header", both, [["x-vapi-signature", "0" * 64], ["x-vapi-timestamp", str(NOW)]],
     refused("invalid_signature"))
case("two schemes: a stale one beats an absent header", both, [["x-vapi-signature", good()], ["x-vapi-timestamp", "1"]], refused("stale_timestamp"))
case("two schemes: a repeated one beats a malformed one", both, [["x-vapi-signature", "?"], ["x-vapi-timestamp", "1"]] + [["x-vapi-secret", "a"]] * 2,
     refused("repeated_header"))
case("two schemes: a malformed one beats an absent one", both, [["x-vapi-secret", ""]], refused("malformed_header"))
case("two schemes: invalid beats stale", both, [["x-vapi-signature", good()], ["x-vapi-timestamp", "1"], ["x-vapi-secret", OTHER]],
     refused("invalid_signature"))
five = [key(label=f"k{n}", secret=f"secret-{n}") for n in range(5)]
case("five active: the last", five, vapi(good(secret="secret-4")), ("accepted", "k4"))
six = five + [key(label="k5", secret="secret-5")]
case("six active: the sixth is not tried", six, vapi(good(secret="secret-5")), refused("invalid_signature"))
latest = five + [key(label="k5", secret="secret-5", not_before="2025-12-01T00:00:00Z")]
case("six active: the last to start is tried", latest, vapi(good(secret="secret-5")), ("accepted", "k5"))
expired = [key(label=f"e{n}", secret=f"gone-{n}", not_after="2025-06-01T00:00:00Z") for n in range(6)]
case("expired ones do not count towards five", expired + five, vapi(good(secret="secret-4")), ("accepted", "k4"))

# --- when a credential counts
case("no credential", [], vapi(good()), refused("no_credential"))
case("no credential and no headers", [], [], refused("no_credential"))
case("expired", key(not_after="2025-12-31T23:59:59Z"), vapi(good()), refused("no_credential"))
case("ends this instant", key(not_after=NOW_TEXT), vapi(good()), refused("no_credential"))
case("ends in a second", key(not_after="2026-01-01T00:00:01Z"), vapi(good()), ACCEPTED)
case("starts in a second", key(not_before="2026-01-01T00:00:01Z"), vapi(good()), refused("no_credential"))
case("starts this instant", key(not_before=NOW_TEXT), vapi(good()), ACCEPTED)
case("within its window", key(not_before="2025-01-01T00:00:00Z", not_after="2027-01-01T00:00:00Z"), vapi(good()), ACCEPTED)
case("window that is empty", key(not_before=NOW_TEXT, not_after=NOW_TEXT), vapi(good()), ("unusable", "empty_window"))
case("expired beside an active one", [key(label="expired", secret=OTHER, not_after="2025-12-31T00:00:00Z"), key()], vapi(good()), ACCEPTED)
case("expired beside an active one, signed with the expired", [key(label="expired", secret=OTHER, not_after="2025-12-31T00:00:00Z"), key()],
     vapi(good(secret=OTHER)), refused("invalid_signature"))

# --- the doctor: what is wrong, the likeliest first; each cause with its detail after a space
vectors, cases = cases, []


def doctor(name, credentials, headers, *causes, **more):
    case(name, credentials, headers, ("refused", list(causes)), **more)


PRETTY = json.dumps(json.loads(BODY), indent=2)
SPACED = json.dumps(json.loads(BODY))
xvs = key("x-vapi-signature")


def xvapi_of(signature, timestamp=str(NOW)):
    return [["x-vapi-signature", signature], ["x-vapi-timestamp", timestamp]]


doctor("matches", key(), vapi(good()), "matches")
doctor("no credential", [], vapi(good()), "no_credential")
doctor("body made compact on the way", key(), vapi(good(body=SPACED)), "body_reserialised")
doctor("body indented on the way", key(), vapi(good()), "body_reserialised", body=PRETTY)
doctor("body spaced on the way", key(), vapi(good()), "body_reserialised", body=SPACED)
doctor("body was indented by the sender", key(), vapi(good(body=PRETTY)), "body_reserialised")
doctor("body escaped on the way", key(), vapi(good(body='{"a":"\u00e9","b":"a/b"}')), "body_reserialised",
       body='{"a": "\\u00e9", "b": "a\\/b"}')
doctor("newline added", key(), vapi(good()), "trailing_newline", body=BODY + "\n")
doctor("carriage return and newline added", key(), vapi(good()), "trailing_newline", body=BODY + "\r\n")
doctor("newline lost", key(), vapi(good(body=BODY + "\n")), "trailing_newline")
doctor("spaced and a newline added", key(), vapi(good()), "body_reserialised", body=SPACED + "\n")
doctor("headers of another preset", xvs, vapi(good()), "wrong_header x-signature")
doctor("headers of the other preset", key(), xvapi_of(good()), "wrong_header x-vapi-signature")
doctor("another preset altogether", key(secret="whsec_" + KEY_B64), standard(sw_good), "wrong_header webhook-signature")
doctor("another preset and a body rewritten", xvs, vapi(good()), "body_reserialised", "wrong_header x-signature", body=SPACED)
doctor("only the signature header differs", key(signature_header="x-sig"), vapi(good()), "wrong_header x-signature")
doctor("only the timestamp header differs", key(timestamp_header="x-time"), vapi(good()), "wrong_header x-timestamp")
doctor("only the message id header differs",
       key(payload_format="{svix-id}.{timestamp}.{body}", message_id_header="x-id"),
       vapi(hexed(SECRET, f"msg_1.{NOW}.{BODY}")) + [["x-message-id", "msg_1"]], "wrong_header x-message-id")
doctor("clock behind", key(), vapi(good(str(NOW - 900)), str(NOW - 900)), "clock_skew -900")
doctor("clock ahead", key(), vapi(good(str(NOW + 301)), str(NOW + 301)), "clock_skew 301")
doctor("clock behind, in milliseconds", key(), vapi(good(str(NOW * 1000 - 900_000)), str(NOW * 1000 - 900_000)), "clock_skew -900")
doctor("clock behind and another header", xvs, vapi(good(str(NOW - 900)), str(NOW - 900)), "wrong_header x-signature", "clock_skew -900")
doctor("clock behind, not signed", key(payload_format="{body}"), alone + [["x-timestamp", str(NOW - 900)]], "clock_skew -900")
doctor("clock behind and another secret", key(), vapi(good(str(NOW - 900), OTHER), str(NOW - 900)), "clock_skew -900")
doctor("secret should be decoded", key(secret=KEY_B64), vapi(hexed(raw, f"{NOW}.{BODY}")), "secret_is_base64 true")
doctor("secret with a mark should be decoded", key(secret="whsec_" + KEY_B64), vapi(hexed(raw, f"{NOW}.{BODY}")), "secret_is_base64 true")
doctor("secret should not be decoded", key(secret=KEY_B64, secret_is_base64=True), vapi(hexed(KEY_B64, f"{NOW}.{BODY}")),
       "secret_is_base64 false")
doctor("secret stored with a newline", key(secret=SECRET + "\n"), vapi(good()), "secret_whitespace")
doctor("base64 instead of hex", key(), vapi(padded), "wrong_encoding base64")
doctor("hex instead of base64", key(encoding="base64"), vapi(good()), "wrong_encoding hex")
doctor("prefix too many", key(), vapi("sha256=" + good()), "wrong_prefix sha256=")
doctor("prefix missing", key(prefix="sha256="), vapi(good()), "wrong_prefix none")
doctor("prefix in another case", key(prefix="sha256="), vapi("Sha256=" + good()), "wrong_prefix Sha256=")
doctor("sha512 instead of sha256", key(), vapi(sha512), "wrong_algorithm sha512")
doctor("sha1 instead of sha256, with its prefix", key(), vapi("sha1=" + hexed(SECRET, f"{NOW}.{BODY}", "sha1")),
       "wrong_prefix sha1=", "wrong_algorithm sha1")
doctor("the body alone is signed", key(), vapi(hexed(SECRET, BODY)), "wrong_payload_format {body}")
doctor("the body alone is signed, no timestamp sent", key(), alone, "wrong_payload_format {body}")
doctor("the timestamp is signed after all", key(include_timestamp=False), vapi(good()), "wrong_payload_format {timestamp}.{body}")
doctor("another separator", key(), vapi(hexed(SECRET, f"{NOW}:{BODY}")), "wrong_payload_format {timestamp}:{body}")
doctor("url with a slash", key(payload_format="{url}.{body}"), vapi(hexed(SECRET, f"https://a.example/hook/.{BODY}")),
       "wrong_url https://a.example/hook/", url="https://a.example/hook")
doctor("url without its query", key(payload_format="{url}.{body}"), vapi(hexed(SECRET, f"https://a.example/hook.{BODY}")),
       "wrong_url https://a.example/hook", url="https://a.example/hook?a=b")
doctor("only the path of the url", key(payload_format="{url}.{body}"), vapi(hexed(SECRET, f"/hook.{BODY}")),
       "wrong_url /hook", url="https://a.example/hook")
doctor("no url configured", key(payload_format="{url}.{body}"), vapi(hexed(SECRET, f"/hook.{BODY}")), "missing_url")
doctor("no headers", key(), [], "missing_signature_header x-signature", "missing_timestamp_header x-timestamp")
doctor("only the timestamp is missing", key(), vapi(good())[:1], "missing_timestamp_header x-timestamp")
doctor("only the message id is missing", sw, standard(sw_good)[1:], "missing_message_id_header webhook-id")
doctor("timestamp in nanoseconds, another secret", key(), vapi(good(secret=OTHER), str(NOW * 10**9)), "unreadable_timestamp x-timestamp")
doctor("timestamp in nanoseconds, signed", key(), vapi(good(str(NOW * 10**9)), str(NOW * 10**9)), "unreadable_timestamp x-timestamp")
doctor("signature repeated", key(), vapi(good()) + [["X-Signature", good()]], "repeated_header x-signature")
doctor("timestamp repeated", key(), vapi(good()) + [["x-timestamp", str(NOW)]], "repeated_header x-timestamp")
doctor("signature empty", key(), vapi(""), "malformed_header x-signature")
doctor("signature is a word", key(), vapi("hello"), "malformed_header x-signature")
doctor("message id with the separator", sw, standard("v1," + b64ed(raw, f"a.b.{NOW}.{BODY}"), message_id="a.b"), "malformed_header webhook-id")
doctor("another secret", key(), vapi(good(secret=OTHER)), "no_match")
doctor("secret header, another secret", key("x-vapi-secret"), [["x-vapi-secret", OTHER]], "no_match")
doctor("secret header missing", key("x-vapi-secret"), [], "missing_signature_header x-vapi-secret")
doctor("secret header repeated", key("x-vapi-secret"), [["x-vapi-secret", SECRET]] * 2, "repeated_header x-vapi-secret")
doctor("secret in another header", key("x-vapi-secret"), [["x-vapi-signature", SECRET]], "wrong_header x-vapi-signature")
doctor("secret as bearer token", key("x-vapi-secret"), [["authorization", "Bearer " + SECRET]],
       "wrong_header authorization", "wrong_prefix Bearer ")
doctor("secret stored with a space", key("x-vapi-secret", secret=SECRET + " "), [["x-vapi-secret", SECRET]], "secret_whitespace")
doctor("bearer in another case", key("bearer"), [["authorization", "bearer " + SECRET]], "wrong_prefix bearer ")
doctor("bearer without the word", key("bearer"), [["authorization", SECRET]], "wrong_prefix none")
doctor("secret sent where an hmac belongs", xvs, [["x-vapi-secret", SECRET]], "wrong_scheme secret_header")
doctor("token sent where an hmac belongs", xvs, [["authorization", "Bearer " + SECRET]], "wrong_scheme bearer")
doctor("hmac sent where the secret belongs", key("x-vapi-secret"), xvapi_of(good()), "wrong_scheme hmac")
doctor("expired", key(not_after="2025-06-01T00:00:00Z"), vapi(good()), "inactive_credential")
doctor("expired and another secret", key(not_after="2025-06-01T00:00:00Z"), vapi(good(secret=OTHER)), "inactive_credential")
doctor("not yet valid", key(not_before="2026-06-01T00:00:00Z"), vapi(good()), "inactive_credential")
doctor("not yet valid, with a newline added", key(not_before="2026-06-01T00:00:00Z"), vapi(good()),
       "inactive_credential", "trailing_newline", body=BODY + "\n")
doctor("signed with the expired one", [key(label="gone", secret=OTHER, not_after="2025-06-01T00:00:00Z"), key()],
       vapi(good(secret=OTHER)), "inactive_credential")
doctor("the sixth", six, vapi(good(secret="secret-5")), "inactive_credential")
doctor("two credentials, the second explains it", [old, new], vapi(good()), "trailing_newline", body=BODY + "\n")
doctor("two credentials, the compared one comes first", [key("x-vapi-secret", "plain"), key()], vapi(good(secret=OTHER)),
       "no_match", "missing_signature_header x-vapi-secret")

doctors, cases = cases, vectors + cases
for made in doctors:
    made["name"] = "doctor: " + made["name"]
names = [made["name"] for made in cases]
assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)
for file, made in (("vectors.json", vectors), ("doctor.json", doctors)):
    target = pathlib.Path(__file__).with_name(file)
    target.write_text("[\n" + ",\n".join(json.dumps(one) for one in made) + "\n]\n")
print(f"{len(vectors)} + {len(doctors)} cases" + (f", {checked} codes compared with openssl" if WITH_OPENSSL else ""))
