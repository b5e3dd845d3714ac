// What all scenarios share: where the gateway is, one unary and one streaming call, and what each must fulfil.
//
// BASE_URL, API_KEY and MODEL come from the environment (k6 run -e NAME=value). Load is for machines of one's own: any
// other address than loopback is refused unless ALLOW_REMOTE=1 says that it is meant.

import { check, fail } from "k6";
import http from "k6/http";

export const BASE_URL = (__ENV.BASE_URL || "http://127.0.0.1:8080").replace(/\/+$/, "");
export const MODEL = __ENV.MODEL || "sandbox/echo";

const LOOPBACK = /^https?:\/\/(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?$/;
const PROMPT =
  "I am looking for two books that belong together: a quiet one with letters for me, and one with short chapters and " +
  "some humour for my sister, who reads much faster than I do. Neither of us wants anything about war. What do you have?";

if (!LOOPBACK.test(BASE_URL) && __ENV.ALLOW_REMOTE !== "1") {
  throw new Error(`BASE_URL ${BASE_URL} is not this machine. Set ALLOW_REMOTE=1 if you may put load on it.`);
}
if (!__ENV.API_KEY) {
  throw new Error("API_KEY is not set. Mint one: fastgw keys create load --json");
}

/** A number from the environment, or its default. */
export function number(name, otherwise) {
  const value = Number(__ENV[name] || otherwise);
  if (!(value > 0)) {
    throw new Error(`${name} must be a positive number, not ${__ENV[name]}`);
  }
  return value;
}

/** Thresholds of every scenario; `more` adds its own. */
export function thresholds(more) {
  return Object.assign(
    {
      // One failure in a thousand would be a finding: nothing here is meant to be limited or refused.
      checks: ["rate>0.999"],
      http_req_failed: ["rate<0.001"],
    },
    more,
  );
}

/** Options of every scenario: nothing is sent to anybody but the gateway, bodies are kept only where they are looked at. */
export function options(scenario, more) {
  return {
    scenarios: { [scenario.name]: scenario.run },
    thresholds: thresholds(more),
    summaryTrendStats: ["min", "med", "p(95)", "p(99)", "max"],
    userAgent: "fastgw-k6",
  };
}

function post(stream) {
  const body = {
    model: MODEL,
    messages: [
      { role: "system", content: "You are the assistant of a library. Answer in plain sentences." },
      { role: "user", content: PROMPT },
    ],
    temperature: 0.7,
  };
  if (stream) {
    body.stream = true;
    body.stream_options = { include_usage: true };
  }
  return http.post(`${BASE_URL}/v1/chat/completions`, JSON.stringify(body), {
    headers: { "content-type": "application/json", authorization: `Bearer ${__ENV.API_KEY}` },
    tags: { kind: stream ? "stream" : "unary" },
    timeout: "60s",
  });
}

/** One unary call; the answer must be whole. */
export function unary() {
  const answer = post(false);
  check(answer, {
    "unary: status 200": (r) => r.status === 200,
    "unary: request id": (r) => Boolean(r.headers["X-Request-Id"]),
    "unary: text and usage": (r) => {
      if (r.status !== 200) return false;
      const body = r.json();
      return body.choices[0].message.content.length > 0 && body.usage.total_tokens > 0;
    },
  });
  return answer;
}

/** One streaming call. k6 sees whole bodies: the time to the first byte is `http_req_waiting`, events have no times. */
export function stream() {
  const answer = post(true);
  check(answer, {
    "stream: status 200": (r) => r.status === 200,
    "stream: event stream": (r) => (r.headers["Content-Type"] || "").startsWith("text/event-stream"),
    "stream: has events": (r) => (r.body || "").split("\ndata: ").length > 2,
    "stream: usage asked for, usage given": (r) => (r.body || "").includes('"total_tokens"'),
    "stream: ends with its end mark": (r) => (r.body || "").trimEnd().endsWith("data: [DONE]"),
  });
  return answer;
}

/** Called once before the load: a wrong key or model is told at once, not a million times. */
export function setup() {
  const answer = post(false);
  if (answer.status !== 200) {
    fail(`${BASE_URL} answered ${answer.status} (${answer.error || ""}): ${String(answer.body).slice(0, 500)}`);
  }
}
