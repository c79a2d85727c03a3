// Shared by the comparison handlers: organizations in memory, verification over the raw bytes, redaction by key name,
// the dedupe key, the log. Written as one would write it for production, with nothing that the task does not need.

import { createCipheriv, createHmac, randomBytes, randomUUID, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import pino from "pino";

const organizations = new Map(
  JSON.parse(readFileSync(process.env.ORGANIZATIONS, "utf8")).map((it) => [it.assistant, it]),
);
const masterKey = Buffer.from(process.env.MASTER_KEY, "base64");

export const MAX_BODY = 8 << 20;
export const port = Number(process.env.PORT);

// Lines are gathered and written off the hot path, as pino recommends for speed.
export const log = pino({ level: "info" }, pino.destination({ dest: 2, sync: false, minLength: 4096 }));

// Reads and verifies a message; answers what the refusal is where there is one.
export function admit(headers, raw) {
  const request = randomUUID();
  let message;
  try {
    message = JSON.parse(raw.toString("utf8")).message;
  } catch {
    return { request, status: 400, code: "unreadable_payload" };
  }
  const assistant = message?.call?.assistantId;
  const organization = organizations.get(assistant);
  if (!organization) return { request, status: 400, code: "unresolved_organization" };
  const timestamp = headers["x-vapi-timestamp"];
  const fresh = Math.abs(Date.now() / 1000 - Number(timestamp)) <= 300;
  const given = Buffer.from(headers["x-vapi-signature"] ?? "", "hex");
  const wanted = createHmac("sha256", organization.secret).update(timestamp + ".").update(raw).digest();
  if (!fresh || given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    return { request, status: 401, code: "unauthorized" };
  }
  return { request, status: 200, organization, assistant, message };
}

export function refusal({ request, code }) {
  return JSON.stringify({ error: "Refused", code, request_id: request });
}

// One line a message, with the fields of the gateway's.
export function record(admitted, verdict, started) {
  log.info({
    org_id: admitted.organization?.id,
    assistant_id: admitted.assistant,
    call_id: admitted.message?.call?.id,
    kind: admitted.message?.type,
    verdict,
    duration_ms: performance.now() - started,
    request_id: admitted.request,
  });
}

const SECRETS = new Set(
  ("accesskey accesstoken apikey apisecret apitoken authorization authtoken bearer bearertoken calltoken clientsecret " +
    "controlurl cookie jwt listenurl passphrase password privatekey refreshtoken secret secretkey serversecret " +
    "serverurlsecret sessiontoken token twilioauthtoken webhooksecret xvapisecret").split(" "),
);

// The tree without what may not be stored, wherever it stands.
export function redact(value) {
  if (Array.isArray(value)) return value.map(redact);
  if (value === null || typeof value !== "object") return value;
  const kept = {};
  for (const key in value) {
    const name = key.toLowerCase().replace(/[-_]/g, "");
    kept[key] = SECRETS.has(name) && value[key] !== null ? "[redacted]" : redact(value[key]);
  }
  return kept;
}

export function seal(text) {
  if (!text) return null;
  const nonce = randomBytes(12);
  const cipher = createCipheriv("chacha20-poly1305", masterKey, nonce, { authTagLength: 16 });
  return Buffer.concat([nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
}

export function dedupeKey(message) {
  return `${message.type}/${message.call.id}/${message.type === "status-update" ? message.status : ""}`;
}

export function trace({ organization, assistant }) {
  return Buffer.from(JSON.stringify({
    steps: [{
      step: "assistant_id", value: assistant, path: "message.call.assistantId", result: "hit",
      organization_id: organization.id, cached: true,
    }],
  }));
}
