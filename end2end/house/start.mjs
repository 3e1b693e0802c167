// Starts the release `carillon` in a fresh data folder on free ports, waits until it is ready, ends it by its process id.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

const BIN = process.env.CARILLON_BIN ?? resolve(import.meta.dirname, '../../target/release/carillon');
const SITE = process.env.CARILLON_SITE_DIR ?? resolve(import.meta.dirname, '../../target/site');
const READY_MS = 60_000;

export async function freePort() {
  const server = createServer();
  await new Promise((done, fail) => server.once('error', fail).listen(0, '127.0.0.1', done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

export function freshFolder() {
  return mkdtempSync(join(tmpdir(), 'carillon-'));
}

/** Asks again until `probe` gives something true; fails with `what` after `limit` ms. */
export async function until(what, probe, limit = READY_MS) {
  const end = Date.now() + limit;
  let last = '';
  while (Date.now() < end) {
    try {
      const found = await probe();
      if (found) return found;
    } catch (error) {
      last = String(error?.message ?? error);
    }
    await pause(100);
  }
  throw new Error(`${what}: not within ${limit} ms ${last}`);
}

/** One process of `carillon`. `args` after the binary; `env` on top of the machine's. */
export class Carillon {
  constructor(args, env = {}) {
    this.args = args;
    this.env = env;
    this.log = '';
  }

  start() {
    this.log = '';
    this.child = spawn(BIN, this.args, { env: { ...process.env, CARILLON_SITE_DIR: SITE, NO_COLOR: '1', ...this.env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.ended = new Promise((done) => this.child.once('exit', (code, signal) => done({ code, signal })));
    this.ended.then((how) => { this.end = how; });
    this.end = undefined;
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (part) => { this.log += part; });
    }
    return this;
  }

  /** Waits for `url` to answer 2xx. */
  async ready(url) {
    await until(`carillon ${this.args.join(' ')}`, async () => {
      if (this.end) throw new Error(`ended at once (${JSON.stringify(this.end)}):\n${this.log.slice(-3000)}`);
      return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
    }).catch((error) => { throw new Error(`${error.message}\n${this.log.slice(-3000)}`); });
    return this;
  }

  /** Waits for a line of the log. */
  async says(pattern) {
    return until(`log line ${pattern}`, () => pattern.exec(this.log));
  }

  /** `SIGKILL` is a crash, `SIGTERM` a polite end. */
  async stop(signal = 'SIGTERM') {
    if (!this.child || this.end) return this.end;
    this.child.kill(signal);
    const hard = setTimeout(() => this.child.kill('SIGKILL'), 30_000);
    const how = await this.ended;
    clearTimeout(hard);
    return how;
  }
}

export function forget(folder) {
  rmSync(folder, { recursive: true, force: true });
}
