// A small independent client of the signed API. No dependencies; written from docs/api.md, not from the server.
// As a library: `new Carillon({ baseUrl, appKey, appSecret })`. As a tool: `node carillon.mjs help`.
import { createHash, createHmac, randomBytes, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** RFC 3986: letters, digits and -._~ stay, everything else is %XX. */
const encode = (bytes) =>
  Array.from(bytes, (b) => (/[A-Za-z0-9\-._~]/.test(String.fromCharCode(b)) ? String.fromCharCode(b) : "%" + b.toString(16).toUpperCase().padStart(2, "0"))).join("");

/** `+` is a space; a % that starts no hex pair stands for itself. */
const decode = (text) => {
  const source = Buffer.from(text, "utf8");
  const out = [];
  for (let i = 0; i < source.length; i++) {
    const pair = source.subarray(i + 1, i + 3).toString("latin1");
    if (source[i] === 0x2b) out.push(0x20);
    else if (source[i] === 0x25 && /^[0-9A-Fa-f]{2}$/.test(pair)) {
      out.push(parseInt(pair, 16));
      i += 2;
    } else out.push(source[i]);
  }
  return Buffer.from(out);
};

export function canonicalQuery(query) {
  const less = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const at = pair.indexOf("=");
      const [name, value] = at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
      return [encode(decode(name)), encode(decode(value))];
    })
    .sort((a, b) => less(a[0], b[0]) || less(a[1], b[1]))
    .map(([name, value]) => `${name}=${value}`)
    .join("&");
}

export const stringToSign = ({ method, path, query, timestamp, nonce, body }) =>
  ["v1", method, path, canonicalQuery(query), timestamp, nonce, sha256(body)].join("\n");

export const sign = (secret, text) => "v1=" + createHmac("sha256", secret).update(text).digest("hex");

export class ApiError extends Error {
  constructor(status, problem) {
    super(`${status} ${problem.code ?? ""} ${problem.detail ?? problem.title ?? ""}`.trim());
    this.status = status;
    this.problem = problem;
  }
}

export class Carillon {
  constructor({ baseUrl, appKey, appSecret, lang = "en" }) {
    Object.assign(this, { baseUrl: baseUrl.replace(/\/$/, ""), appKey, appSecret, lang });
  }

  /** Sends one signed call. `target` is path and query; `body` a value (sent as JSON), bytes, or nothing. */
  async call(method, target, body, headers = {}) {
    const [path, query = ""] = target.split("?");
    const raw = body === undefined ? Buffer.alloc(0) : Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const timestamp = String(Math.floor(Date.now() / 1000));
    const nonce = randomBytes(16).toString("hex");
    const text = stringToSign({ method, path, query, timestamp, nonce, body: raw });
    const response = await fetch(this.baseUrl + target, {
      method,
      headers: {
        "x-app-key": this.appKey,
        "x-timestamp": timestamp,
        "x-nonce": nonce,
        "x-signature": sign(this.appSecret, text),
        "accept-language": this.lang,
        ...(body === undefined ? {} : { "content-type": Buffer.isBuffer(body) ? "application/octet-stream" : "application/json" }),
        ...headers,
      },
      body: body === undefined ? undefined : raw,
    });
    const said = await response.text();
    const value = said === "" ? null : JSON.parse(said);
    if (!response.ok) throw new ApiError(response.status, value ?? {});
    return value;
  }

  registerDevices(devices) {
    return this.call("POST", "/v1/devices", { devices });
  }
  device(id) {
    return this.call("GET", `/v1/devices/${id}`);
  }
  send(message, idempotencyKey = randomUUID()) {
    return this.call("POST", "/v1/messages", message, { "idempotency-key": idempotencyKey });
  }
  message(id) {
    return this.call("GET", `/v1/messages/${id}`);
  }
  recipients(id, query = "") {
    return this.call("GET", `/v1/messages/${id}/recipients${query && "?" + query}`);
  }
  cancel(id) {
    return this.call("POST", `/v1/messages/${id}:cancel`);
  }
  pause(id) {
    return this.call("POST", `/v1/messages/${id}:pause`);
  }
  resume(id) {
    return this.call("POST", `/v1/messages/${id}:resume`);
  }
  resend(id, outcomes) {
    return this.call("POST", `/v1/messages/${id}:resend`, { outcomes });
  }
  uploadCrowd(bytes, query) {
    return this.call("POST", `/v1/crowds?${query}`, bytes);
  }
  crowd(id) {
    return this.call("GET", `/v1/crowds/${id}`);
  }

  /** Polls until nothing waits any more. */
  async finished(id, timeoutMs = 60_000) {
    for (const end = Date.now() + timeoutMs; ; ) {
      const message = await this.message(id);
      if (message.state === "finished" || message.state === "cancelled") return message;
      if (Date.now() > end) throw new Error(`message ${id} is still ${message.state}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** What the client library inside an app does: reports with the client key, never the server secret. */
export async function report(baseUrl, clientKey, reports) {
  const response = await fetch(baseUrl.replace(/\/$/, "") + "/v1/client/reports", {
    method: "POST",
    headers: { "content-type": "application/json", "x-client-key": clientKey },
    body: JSON.stringify({ reports }),
  });
  if (!response.ok) throw new ApiError(response.status, await response.json());
  return response.json();
}

/** Makes (or checks) the published vectors. */
export function checkVectors(vectors) {
  for (const v of vectors) {
    const text = stringToSign({ ...v, body: Buffer.from(v.body) });
    if (text !== v.string_to_sign) throw new Error(`${v.name}: string to sign differs\n${text}\n---\n${v.string_to_sign}`);
    if (sign(v.secret, text) !== v.signature) throw new Error(`${v.name}: signature differs`);
  }
  return vectors.length;
}

const HELP = `Usage (settings from CARILLON_URL, CARILLON_APP_KEY, CARILLON_APP_SECRET):
  node carillon.mjs vectors <file>             check docs/signing-vectors.json
  node carillon.mjs call <METHOD> <path> [json | @file]
  node carillon.mjs send <json | @file>        send and wait until it is over
`;

async function main([command, ...rest]) {
  const read = (text) => JSON.parse(text.startsWith("@") ? readFileSync(text.slice(1), "utf8") : text);
  const client = () =>
    new Carillon({ baseUrl: process.env.CARILLON_URL, appKey: process.env.CARILLON_APP_KEY, appSecret: process.env.CARILLON_APP_SECRET });
  if (command === "vectors") console.log(`${checkVectors(JSON.parse(readFileSync(rest[0], "utf8")))} vectors hold`);
  else if (command === "call") console.log(JSON.stringify(await client().call(rest[0], rest[1], rest[2] && read(rest[2])), null, 2));
  else if (command === "send") {
    const c = client();
    const { id } = await c.send(read(rest[0]));
    console.log(JSON.stringify(await c.finished(id), null, 2));
  } else console.log(HELP);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href)
  main(process.argv.slice(2)).catch((error) => {
    console.error(error.problem ? JSON.stringify(error.problem, null, 2) : error.message);
    process.exitCode = 1;
  });
