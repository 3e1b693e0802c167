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

const alive = new Set();
// A test run that is interrupted leaves nothing behind.
process.on('exit', () => { for (const child of alive) child.kill('SIGKILL'); });

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
    alive.add(this.child);
    this.child.once('exit', () => alive.delete(this.child));
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

/** The demo in a fresh folder, at what `cluster()` gave or with SQLite: `{ url, email, password, carillon, end }`. */
export async function demo(cluster) {
  const folder = freshFolder();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const carillon = new Carillon(['demo'], { CARILLON_DATA_DIR: folder, CARILLON_LISTEN: `127.0.0.1:${port}`, ...cluster?.env }).start();
  await carillon.ready(`${url}/readyz`);
  // Told last, when the sample workspace stands.
  const [, email, password, simulator] = await carillon.says(/sign in as\s+(\S+)\s+password\s+(\S+)\s+simulator\s+(\S+)\/simulator\/state[\s\S]*Stop with/);
  return { url, email, password, simulator, folder, carillon, end: async () => { await carillon.stop(); forget(folder); } };
}

/**
 * `serve` with a fresh database, and a simulator of its own beside it: `{ url, simulator, … }`. With what `cluster()` gave, two
 * nodes share its database: one for people and schedules, one that sends.
 */
export async function serve(cluster) {
  const folder = freshFolder();
  const [port, other, control, tls] = [await freePort(), await freePort(), await freePort(), await freePort()];
  const url = `http://127.0.0.1:${port}`;
  const simulator = `http://127.0.0.1:${control}`;
  const key = join(folder, 'key');
  const made = new Carillon(['admin', 'master-key', '--file', key]).start();
  const how = await made.ended;
  if (how.code !== 0) throw new Error(`admin master-key: ${made.log}`);
  const twin = new Carillon(['simulator', '--listen', `127.0.0.1:${tls}`, '--control', `127.0.0.1:${control}`]).start();
  await twin.ready(`${simulator}/simulator/state`);
  const env = { CARILLON_DATA_DIR: folder, CARILLON_MASTER_KEY_FILE: key, CARILLON_PUBLIC_URL: url, CARILLON_SIMULATOR_URL: simulator, ...cluster?.env };
  const node = async (at, roles) => {
    const settings = { ...env, CARILLON_LISTEN: `127.0.0.1:${at}`, ...(roles ? { CARILLON_ROLES: roles } : {}) };
    return new Carillon(['serve'], settings).start().ready(`http://127.0.0.1:${at}/readyz`);
  };
  const carillon = await node(port, cluster && 'console,api,scheduler');
  const worker = cluster && await node(other, 'worker');
  const end = async () => {
    await worker?.stop();
    await carillon.stop();
    await twin.stop();
    forget(folder);
  };
  return { url, simulator, folder, carillon, worker, twin, end };
}

export function forget(folder) {
  rmSync(folder, { recursive: true, force: true });
}
