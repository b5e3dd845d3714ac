// One case per run: `node cases.mjs NAME`, with BASE_URL, API_KEY and RETRIES in the environment. The last line on
// standard output is JSON: what the case saw (`result`), the SDK's error if it threw one, and the bodies it sent.
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const sent = [];
const client = new OpenAI({
  baseURL: process.env.BASE_URL,
  apiKey: process.env.API_KEY,
  maxRetries: Number(process.env.RETRIES ?? 0),
  fetch: (url, init) => {
    if (init?.body) sent.push(init.body);
    return fetch(url, init);
  },
});
const chat = client.chat.completions;
const asked = {
  model: "fake/fake-1",
  messages: [{ role: "user", content: 'Grüß Gott, 世界 \u2028 "quoted" \\' }],
};
const weather = {
  type: "function",
  function: {
    name: "weather",
    description: "Looks up the weather.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

async function textOf(stream) {
  let text = "";
  const usage = [];
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? "";
    if (chunk.usage) usage.push(chunk.usage.total_tokens);
  }
  return { text, usage };
}

async function firstChunk(stream) {
  for await (const chunk of stream) return chunk.id;
}

const cases = {
  unary: async () => {
    const { data, response, request_id } = await chat.create({ ...asked, temperature: 0.1, seed: 7 }).withResponse();
    return {
      text: data.choices[0].message.content,
      tokens: data.usage.total_tokens,
      requestId: request_id,
      timing: response.headers.get("server-timing"),
      cookie: response.headers.get("set-cookie"),
    };
  },
  stream: async () => textOf(await chat.create({ ...asked, stream: true })),
  streamWithUsage: async () =>
    textOf(await chat.create({ ...asked, stream: true, stream_options: { include_usage: true } })),
  tools: async () => {
    const completion = await chat.create({ ...asked, tools: [weather], tool_choice: "required" });
    return completion.choices[0].message.tool_calls[0].function;
  },
  streamedTools: async () => {
    const completion = await chat.stream({ ...asked, tools: [weather] }).finalChatCompletion();
    return completion.choices[0].message.tool_calls[0].function;
  },
  vision: async () => {
    const url = "data:image/png;base64," + "iVBORw0KGgo".repeat(20000);
    const content = [
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url, detail: "low" } },
    ];
    const completion = await chat.create({ ...asked, messages: [{ role: "user", content }] });
    return completion.choices[0].message.content;
  },
  structured: async () => {
    const place = z.object({ city: z.string(), people: z.number().int() });
    const completion = await chat.parse({ ...asked, response_format: zodResponseFormat(place, "place") });
    return completion.choices[0].message.parsed;
  },
  choices: async () => (await chat.create({ ...asked, n: 3 })).choices.map((choice) => choice.index),
  logprobs: async () => {
    const completion = await chat.create({ ...asked, logprobs: true, top_logprobs: 1 });
    return completion.choices[0].logprobs.content[0].top_logprobs[0].logprob;
  },
  models: async () => {
    const ids = [];
    for await (const model of client.models.list()) ids.push(model.id);
    return { ids, one: (await client.models.retrieve("fake/fake-1")).id };
  },
  unknownModel: async () => chat.create({ ...asked, model: "gpt-none" }),
  badRequest: async () => chat.create({ ...asked, messages: [{ role: 7 }] }),
  timeout: async () => chat.create(asked, { timeout: 500 }),
  abortBeforeHead: async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 500);
    return chat.create(asked, { signal: controller.signal });
  },
  abortStream: async () => {
    const stream = await chat.create({ ...asked, stream: true });
    const id = await firstChunk(stream);
    stream.controller.abort();
    return id;
  },
  interrupted: async () => {
    const stream = await chat.create({ ...asked, stream: true });
    for await (const chunk of stream) process.stdout.write(chunk.id + "\n");
  },
};

let told;
try {
  told = { result: await cases[process.argv[2]]() };
} catch (error) {
  const { name, status, code, param, type, message } = error;
  told = { error: { name: error.constructor.name ?? name, status, code, param, type, message } };
}
process.stdout.write(JSON.stringify({ ...told, sent }) + "\n");
