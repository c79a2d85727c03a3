// Fastify: verified, logged, answered without a write.

import Fastify from "fastify";
import { MAX_BODY, admit, port, record, refusal } from "./gateway.js";

// Its own log would be a second line for every message.
const app = Fastify({ logger: false, bodyLimit: MAX_BODY });
app.removeAllContentTypeParsers();
app.addContentTypeParser("*", { parseAs: "buffer" }, (_, body, done) => done(null, body));
app.get("/health/ready", () => ({}));
app.post("/api/webhooks/vapi", (request, reply) => {
  const started = performance.now();
  const admitted = admit(request.headers, request.body);
  if (admitted.status === 200) {
    Object.assign(admitted, { status: 501, code: "not_supported" });
  }
  reply.code(admitted.status).type("application/json").send(refusal(admitted));
  record(admitted, admitted.code, started);
});
await app.listen({ port, host: "127.0.0.1" });
