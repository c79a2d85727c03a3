// Express and pg: verified, redacted, and kept in one transaction, which is committed before the answer.

import { randomUUID } from "node:crypto";
import express from "express";
import pg from "pg";
import { MAX_BODY, admit, dedupeKey, log, port, record, redact, refusal, seal, trace } from "./gateway.js";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
const RANKS = { scheduled: 1, queued: 2, ringing: 3, "in-progress": 4, forwarding: 5, ended: 6 };

// Named statements are prepared once for each connection.
const EVENT = {
  name: "event",
  text: `INSERT INTO webhook_events (organization_id, id, kind, vapi_call_id, dedupe_key, verdict, trace, body, body_bytes,
           request_id) VALUES ($1, $2, $3, $4, $5, 'accepted', $6, $7, $8, $9)
         ON CONFLICT (organization_id, dedupe_key) DO UPDATE SET deliveries = webhook_events.deliveries + 1`,
};
const PIN = {
  name: "pin",
  text: "INSERT INTO call_pins (organization_id, vapi_call_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
};
const CONTACT = {
  name: "contact",
  text: `INSERT INTO contacts (organization_id, id, phone, name, last_call_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (organization_id, phone) DO UPDATE SET last_call_at = excluded.last_call_at,
           name = CASE WHEN contacts.name = '' THEN excluded.name ELSE contacts.name END
         RETURNING id`,
};
const STATE = ["contact_id", "started_at", "ended_at", "ended_reason"];
const CALL = {
  name: "call",
  text: `INSERT INTO call_logs (organization_id, vapi_call_id, call_type, status, status_rank, vapi_assistant_id,
           phone_number_id, customer_number, sealed_control_url, ${STATE.join(", ")})
         VALUES (${Array.from({ length: 9 + STATE.length }, (_, i) => `$${i + 1}`).join(", ")})
         ON CONFLICT (organization_id, vapi_call_id) DO UPDATE SET status = excluded.status,
           status_rank = excluded.status_rank, sealed_control_url = excluded.sealed_control_url,
           ${STATE.map((it) => `${it} = coalesce(excluded.${it}, call_logs.${it})`).join(", ")}
         WHERE call_logs.status_rank < excluded.status_rank`,
};
const REPORTED = [
  "duration_ms", "cost", "transcript", "summary", "structured_data", "success_evaluation", "recording_url",
  "stereo_recording_url",
];
const REPORT = {
  name: "report",
  text: `INSERT INTO call_reports (organization_id, vapi_call_id, ${REPORTED.join(", ")})
         VALUES (${Array.from({ length: 2 + REPORTED.length }, (_, i) => `$${i + 1}`).join(", ")})
         ON CONFLICT (organization_id, vapi_call_id) DO UPDATE SET
           ${REPORTED.map((it) => `${it} = coalesce(excluded.${it}, call_reports.${it})`).join(", ")}`,
};

// The fields that the ledger takes from a message.
function ledger(message, contact) {
  if (message.type !== "end-of-call-report") {
    const isOver = message.status === "ended";
    const sealed = isOver ? null : seal(message.call.monitor?.controlUrl);
    return { status: message.status, sealed, values: [null, null, null, message.endedReason] };
  }
  const { artifact = {}, analysis = {} } = message;
  return {
    status: "ended",
    sealed: null,
    values: [contact, message.startedAt, message.endedAt, message.endedReason],
    report: [
      Math.round(Date.parse(message.endedAt) - Date.parse(message.startedAt)), message.cost, artifact.transcript,
      analysis.summary, JSON.stringify(analysis.structuredData ?? null), analysis.successEvaluation, artifact.recordingUrl,
      artifact.stereoRecordingUrl,
    ],
  };
}

async function keep(admitted) {
  const { organization: { id: org }, message, request } = admitted;
  const { call } = message;
  const body = Buffer.from(JSON.stringify({ message: redact(message) }));
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await client.query(EVENT, [
      org, randomUUID(), message.type, call.id, dedupeKey(message), trace(admitted), body, body.length, request,
    ]);
    await client.query(PIN, [org, call.id]);
    let contact = null;
    if (message.type === "end-of-call-report") {
      const customer = call.customer ?? {};
      const values = [org, randomUUID(), customer.number, customer.name ?? "", message.endedAt];
      contact = (await client.query(CONTACT, values)).rows[0].id;
    }
    const row = ledger(message, contact);
    await client.query(CALL, [
      org, call.id, call.type, row.status, RANKS[row.status] ?? 0, call.assistantId, call.phoneNumberId,
      call.customer?.number, row.sealed, ...row.values,
    ]);
    if (row.report) await client.query(REPORT, [org, call.id, ...row.report]);
    await client.query("COMMIT");
    client.release();
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    client.release(error);
    throw error;
  }
}

const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.get("/health/ready", (_, response) => response.json({}));
app.post("/api/webhooks/vapi", express.raw({ type: () => true, limit: MAX_BODY }), async (request, response) => {
  const started = performance.now();
  const admitted = admit(request.headers, request.body);
  if (admitted.status === 200) {
    try {
      await keep(admitted);
      response.status(200).type("application/json").send("{}");
      return record(admitted, "accepted", started);
    } catch (error) {
      log.error(error, "not kept");
      Object.assign(admitted, { status: 503, code: "unavailable" });
    }
  }
  response.status(admitted.status).type("application/json").send(refusal(admitted));
  record(admitted, admitted.code, started);
});
app.listen(port, "127.0.0.1");
