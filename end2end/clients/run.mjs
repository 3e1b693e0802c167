// `node end2end/clients/run.mjs`: public APNs clients against `carillon simulator`, over TLS, in strict and in lenient mode.
// What they send must be on the twin's books, and what the twin says must reach them: the twin is not shaped like our adapter.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { Carillon, freePort } from '../house/start.mjs';
import { apns2, nodeApn } from './clients.mjs';

const CLIENTS = { 'node-apn': nodeApn, apns2 };
const BUNDLE = 'com.example.clients';
const HOUR_MS = 3_600_000;
const token = (n, start = '4f00') => start + n.toString(16).padStart(64 - start.length, '0');

let passed = 0, failed = 0;
async function check(name, body) {
  try {
    await body();
    passed += 1;
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${error?.stack ?? error}`);
  }
}

/** A twin of its own, its control API as functions. */
async function startTwin(dials) {
  const [port, control] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${control}/simulator`;
  const process = new Carillon(['simulator', '--listen', `127.0.0.1:${port}`, '--control', `127.0.0.1:${control}`]).start();
  await process.ready(`${url}/state`);
  const ask = async (method, path, body) => {
    const answer = await fetch(`${url}/${path}`, { method, body: body && JSON.stringify(body) });
    return { status: answer.status, said: answer.headers.get('content-type')?.includes('json') ? await answer.json() : await answer.text() };
  };
  const told = async (...what) => {
    const { status, said } = await ask(...what);
    assert.equal(status, 200, JSON.stringify(said));
    return said;
  };
  await told('PATCH', 'dials/apns', dials);
  return { port, ask, told, ca: await told('GET', 'ca.pem'), stop: () => process.stop() };
}

/** A key of its own per client: nobody signs anew in the eyes of Apple. */
async function account(twin, number) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const p8 = privateKey.export({ type: 'pkcs8', format: 'pem' });
  const account = { vendor: 'apns', team_id: `TEAM00000${number}`, key_id: `KEY000000${number}`, key: p8, bundle_id: BUNDLE, environment: 'production' };
  await twin.told('POST', 'accounts', account);
  return { account, p8 };
}

/** Device messages the twin took, all keys together or one. */
async function taken(twin, key) {
  const { counts } = await twin.told('GET', 'ledger/counts');
  return counts.filter((c) => c.verdict === 'accepted' && (key === undefined || c.key === key)).reduce((sum, c) => sum + c.count, 0);
}

async function converse(mode, name, make, number) {
  const twin = await startTwin({ apple_compat: mode === 'lenient' });
  const { account: known, p8 } = await account(twin, number);
  const client = make({ port: twin.port, ca: twin.ca, account: known, p8 });
  const say = (what, body) => check(`${name}, ${mode}: ${what}`, body);
  const refused = async (start, status, reason) => {
    const answer = await client.send(token(1, start), { title: 't', body: 'b' });
    assert.deepEqual([answer.ok, answer.status, answer.reason], [false, status, reason]);
    return answer;
  };
  try {
    await say('a push arrives as it was written', async () => {
      assert.deepEqual(await client.send(token(7), { title: 'Order 发货', body: 'shipped' }), { ok: true });
      const entry = await twin.told('GET', `ledger/tokens/${token(7)}?vendor=apns`);
      assert.deepEqual([entry.title, entry.body, entry.key], ['Order 发货', 'shipped', '']);
    });
    await say('a collapse id is on the books, and the same one again replaces', async () => {
      for (let i = 0; i < 2; i += 1) assert.equal((await client.send(token(8), { title: 't', body: 'b', collapse: 'order-8' })).ok, true);
      assert.equal(await taken(twin, 'order-8'), 2);
      const repeats = await twin.told('GET', 'ledger/repeats?key=order-8');
      assert.deepEqual([repeats.same_key, repeats.extra, repeats.other_key], [1, 1, 0]);
    });
    await say('a collapse id that is too long', async () => {
      const answer = await client.send(token(9), { title: 't', body: 'b', collapse: 'x'.repeat(65) });
      assert.deepEqual([answer.status, answer.reason], [400, 'BadCollapseId']);
    });
    await say('a bad token', () => refused('bad0', 400, 'BadDeviceToken'));
    await say('a token that is none', async () => {
      const answer = await client.send('no-token', { title: 't', body: 'b' });
      assert.deepEqual([answer.status, answer.reason], [400, 'BadDeviceToken']);
    });
    await say('a token of another app', () => refused('0bad', 400, 'DeviceTokenNotForTopic'));
    await say('410 with the time it died', async () => {
      const { timestamp } = await refused('dead', 410, 'Unregistered');
      const age = Date.now() - timestamp;
      assert.ok(age > 0.5 * HOUR_MS && age < 2 * HOUR_MS, `an hour ago, said ${timestamp}`);
    });
    await say('an expired token', () => refused('dea2', 410, 'ExpiredToken'));
    await say('a payload beyond 4 KB', async () => {
      const answer = await client.send(token(10), { title: 't', body: 'b'.repeat(4_097) });
      assert.deepEqual([answer.status, answer.reason], [413, 'PayloadTooLarge']);
    });
    // apns2 always names one.
    if (name === 'node-apn') await say('a missing push type is for the lenient twin only', async () => {
      const answer = await client.send(token(11), { title: 't', body: 'b', pushType: '' });
      assert.deepEqual(mode === 'lenient' ? answer : [answer.status, answer.reason], mode === 'lenient' ? { ok: true } : [400, 'InvalidPushType']);
    });
    await say('nothing that was refused is on the books as taken', async () => {
      assert.equal(await taken(twin), mode === 'lenient' && name === 'node-apn' ? 4 : 3);
    });
    await say('600 devices through many GOAWAYs', () => goaways(twin, client));
    await say('a JWT that has become too old', async () => {
      await twin.told('POST', 'clock', { advance_ms: HOUR_MS + 60_000 });
      // The last connection may just have been sent away: no answer is not this answer.
      let answer;
      for (let tries = 0; tries < 50; tries += 1) {
        answer = await client.send(token(12), { title: 't', body: 'b' });
        if (answer.ok || answer.status !== undefined) break;
      }
      assert.deepEqual([answer.ok, answer.status, answer.reason], [false, 403, 'ExpiredProviderToken']);
    });
    await say('a key that the twin does not know', async () => {
      const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
      const other = make({ port: twin.port, ca: twin.ca, account: known, p8: stranger });
      const answer = await other.send(token(13), { title: 't', body: 'b' });
      await other.end();
      assert.deepEqual([answer.ok, answer.status, answer.reason], [false, 403, 'InvalidProviderToken']);
    });
  } finally {
    await client.end();
    await twin.stop();
  }
}

/**
 * The twin sends every connection away after ten requests. A client may report devices as failed then (Apple's own words:
 * open a new connection); those are sent again, as its user would. Nobody may be lost, and "sent" must be true.
 */
async function goaways(twin, client) {
  await twin.told('PATCH', 'dials/apns', { goaway_every: 10 });
  let open = Array.from({ length: 600 }, (_, i) => token(1_000 + i));
  let said = 0, rounds = 0;
  while (open.length > 0) {
    rounds += 1;
    assert.ok(rounds <= 200, `${open.length} devices still fail after 200 rounds`);
    const part = open.slice(0, 40);
    const answers = await Promise.all(part.map((device) => client.send(device, { title: 'away', body: 'b', collapse: 'away' })));
    const again = part.filter((_, i) => !answers[i].ok);
    for (const answer of answers.filter((a) => !a.ok)) assert.equal(answer.status, undefined, `refused: ${JSON.stringify(answer)}`);
    said += part.length - again.length;
    open = [...open.slice(40), ...again];
  }
  assert.equal(said, 600);
  const counted = await taken(twin, 'away');
  const { same_key, extra, other_key } = await twin.told('GET', 'ledger/repeats?key=away');
  assert.equal(counted - extra, 600, 'each of the 600 is on the books');
  assert.equal(other_key, 0);
  console.log(`        ${rounds} rounds; ${same_key} devices were taken and called failed by the client, and sent again`);
  await twin.told('PATCH', 'dials/apns', { goaway_every: 0 });
}

let number = 1;
for (const mode of ['strict', 'lenient']) {
  for (const [name, make] of Object.entries(CLIENTS)) await converse(mode, name, make, number++);
}
console.log(`clients: ${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
// Both libraries may keep a timer or a half closed connection.
setImmediate(() => process.exit());
