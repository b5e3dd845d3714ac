// An hour of everyday load: unary calls, streams, and clients that hang up in the middle. What grows shows in the
// gateway's own memory (its metrics, or `ps`), what slows down in the percentiles here.

import http from "k6/http";

import { BASE_URL, MODEL, number, options as shared, setup as ready, stream, unary } from "./gateway.js";

const rate = number("RATE", 50);
const ABORT_AFTER = "50ms";

function scenario(exec, share) {
  return {
    executor: "constant-arrival-rate",
    exec,
    rate: Math.max(1, Math.round(rate * share)),
    timeUnit: "1s",
    duration: __ENV.DURATION || "1h",
    preAllocatedVUs: Math.max(4, Math.round(rate * share)),
    maxVUs: rate * 20,
  };
}

export const options = shared(
  { name: "unary", run: scenario("calls", 0.6) },
  {
    dropped_iterations: ["count<1"],
    // Those that hang up have no status and would count as failed.
    http_req_failed: [],
    "http_req_failed{kind:unary}": ["rate<0.001"],
    "http_req_failed{kind:stream}": ["rate<0.001"],
    "http_req_duration{kind:unary}": ["p(99)<1000"],
    "http_req_waiting{kind:stream}": ["p(99)<1000"],
  },
);
options.scenarios.streams = scenario("streams", 0.3);
options.scenarios.aborted = scenario("aborted", 0.1);

export const setup = ready;

export function calls() {
  unary();
}

export function streams() {
  stream();
}

/** A caller that gives up while the answer is under way. */
export function aborted() {
  const body = { model: MODEL, stream: true, messages: [{ role: "user", content: "Tell me a very long story." }] };
  http.post(`${BASE_URL}/v1/chat/completions`, JSON.stringify(body), {
    headers: { "content-type": "application/json", authorization: `Bearer ${__ENV.API_KEY}` },
    tags: { kind: "aborted" },
    responseType: "none",
    timeout: ABORT_AFTER,
  });
}
