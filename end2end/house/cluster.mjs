// A PostgreSQL and a Redis of the journey's own: a private folder, free ports, gone with the journey however it ends.
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, until } from './start.mjs';

const ROOM = '/usr/lib/postgresql';
const missing = (what) => new Error(`${what} is missing: scripts/setup test installs it`);

/** Where `initdb` and `postgres` are, the newest version first. */
function programs() {
  const versions = existsSync(ROOM) ? readdirSync(ROOM).map(Number).filter(Boolean).sort((a, b) => b - a) : [];
  const found = versions.map((version) => join(ROOM, String(version), 'bin')).find((folder) => existsSync(join(folder, 'initdb')));
  if (!found) throw missing('PostgreSQL');
  return found;
}

/** PostgreSQL refuses to run as root: then as its own user. */
function somebody() {
  if (process.getuid() !== 0) return {};
  const id = (flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

const alive = new Set();
process.on('exit', () => { for (const { child, folder } of alive) { child.kill('SIGKILL'); rmSync(folder, { recursive: true, force: true }); } });

function keep(child, folder) {
  const held = { child, folder };
  alive.add(held);
  const gone = new Promise((done) => child.once('exit', done));
  return async (signal) => {
    child.kill(signal);
    await gone;
    alive.delete(held);
    rmSync(folder, { recursive: true, force: true });
  };
}

async function postgres() {
  const bin = programs();
  const who = somebody();
  const folder = mkdtempSync(join(tmpdir(), 'carillon-pg-'));
  if (who.uid !== undefined) chownSync(folder, who.uid, who.gid);
  chmodSync(folder, 0o700);
  const data = join(folder, 'data');
  const as = { ...who, cwd: '/', stdio: ['ignore', 'ignore', 'inherit'] };
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'carillon', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'], as);
  writeFileSync(join(data, 'postgresql.conf'), `fsync = off\nlisten_addresses = ''\nunix_socket_directories = '${folder}'\nmax_connections = 200\n`, { flag: 'a' });
  const child = spawn(join(bin, 'postgres'), ['-D', data], { ...who, cwd: '/', stdio: 'ignore' });
  const end = keep(child, folder);
  await until('PostgreSQL', () => {
    execFileSync(join(bin, 'pg_isready'), ['-q', '-h', folder]);
    return true;
  });
  return { url: `postgres://carillon@localhost/postgres?host=${folder}`, end: () => end('SIGQUIT') };
}

async function redis() {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-redis-'));
  const port = await freePort();
  const child = spawn('redis-server', ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no', '--dir', folder], { stdio: 'ignore' });
  child.once('error', () => { throw missing('Redis'); });
  const end = keep(child, folder);
  await until('Redis', () => new Promise((done, fail) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.once('data', (answer) => { socket.destroy(); done(String(answer).startsWith('+PONG')); });
    socket.once('error', fail);
  }));
  return { url: `redis://127.0.0.1:${port}`, end: () => end('SIGTERM') };
}

/** What several nodes share: `{ env, end }`, the settings of every node. */
export async function cluster() {
  const [database, coordination] = [await postgres(), await redis()];
  return {
    env: { CARILLON_DATABASE_URL: database.url, CARILLON_REDIS_URL: coordination.url },
    end: async () => { await coordination.end(); await database.end(); },
  };
}

/** The same journey on both stores: a cluster in the project "postgres", nothing in the others. */
export async function storeOf(info) {
  return info.project.name === 'postgres' ? cluster() : undefined;
}
