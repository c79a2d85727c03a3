// Express: verified, logged, answered without a write.

import express from "express";
import { MAX_BODY, admit, port, record, refusal } from "./gateway.js";

const app = express();
app.disable("x-powered-by");
app.disable("etag");
app.get("/health/ready", (_, response) => response.json({}));
app.post("/api/webhooks/vapi", express.raw({ type: () => true, limit: MAX_BODY }), (request, response) => {
  const started = performance.now();
  const admitted = admit(request.headers, request.body);
  if (admitted.status === 200) {
    Object.assign(admitted, { status: 501, code: "not_supported" });
  }
  response.status(admitted.status).type("application/json").send(refusal(admitted));
  record(admitted, admitted.code, started);
});
app.listen(port, "127.0.0.1");
