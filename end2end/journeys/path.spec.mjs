// The true path: from an empty database to a funnel that equals the simulator's ledger to the unit.
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { Carillon } from '../client/carillon.mjs';
import { accessible, expect, hydrated, signIn, test } from '../house/page.mjs';
import { storeOf } from '../house/cluster.mjs';
import { serve, until } from '../house/start.mjs';

const EMAIL = 'admin@carillon.example';
const PASSWORD = 'nine bells at quarter past four';
const DEVICES = Number(process.env.JOURNEY_DEVICES ?? 100_000);
/** What somebody may write anywhere; it must stay text everywhere. */
const NASTY = '</textarea><img src=x onerror=alert(1)>';
const P8 = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
const ACCOUNTS = [
  { vendor: 'apns', team_id: 'TEAM123456', key_id: 'KEY1234567', key: P8, bundle_id: 'com.example.shop', environment: 'production' },
  { vendor: 'xiaomi', package_name: 'com.example.shop', app_secret: 'xiaomi-secret-of-the-journey', channels: [{ id: '100234' }] },
];

test.describe.configure({ mode: 'serial' });

let house;
let shared;
let cookies = [];
/** What one step leaves for the next: paths and keys. */
const known = {};

// The same way on both stores: one process with SQLite, two nodes on PostgreSQL and Redis.
test.beforeAll(async ({}, info) => {
  shared = await storeOf(info);
  house = await serve(shared);
});
test.afterAll(async () => {
  await house?.end();
  await shared?.end();
});
test.beforeEach(async ({ context }) => { if (cookies.length > 0) await context.addCookies(cookies); });
test.afterEach(async ({ context }) => { cookies = await context.cookies(); });

const button = (page, name) => page.getByRole('button', { name, exact: true });
const ask = async (path) => (await fetch(`${house.simulator}/simulator/${path}`)).json();
const tell = async (path, body) => {
  const answer = await fetch(`${house.simulator}/simulator/${path}`, { method: 'POST', body: JSON.stringify(body) });
  expect(answer.ok, await answer.text()).toBe(true);
};
const token = (vendor, i) => (vendor === 'apns' ? `a1${i.toString(16).padStart(62, '0')}` : `reg-${String(i).padStart(9, '0')}`);

test('the first person comes in by the one-time link, which then is spent', async ({ page }) => {
  const [link] = await house.carillon.says(/http:\/\/\S+\/first\?token=\S+/);
  await page.goto(link);
  await hydrated(page);
  await accessible(page, 'the first sign-in');
  await page.getByLabel('姓名').fill('周运营');
  await page.getByLabel('邮箱').fill(EMAIL);
  await page.getByLabel('新密码').fill(PASSWORD);
  await button(page, '创建管理员').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('欢迎使用 Carillon');
  await accessible(page, 'the first steps');
  await page.context().clearCookies();
  await page.goto(link);
  await page.getByLabel('姓名').fill('另一个人');
  await page.getByLabel('邮箱').fill('other@carillon.example');
  await page.getByLabel('新密码').fill(PASSWORD);
  await button(page, '创建管理员').click();
  await expect(page.getByRole('alert')).toBeVisible();
  await signIn(page, { url: house.url, email: EMAIL, password: PASSWORD });
});

test('an app with credentials and lanes for both vendors', async ({ page }) => {
  for (const account of ACCOUNTS) await tell('accounts', account);
  const ca = await (await fetch(`${house.simulator}/simulator/ca.pem`)).text();
  const { base_urls: bases } = await ask('state');
  await page.goto(house.url);
  await page.getByRole('link', { name: '注册应用' }).click();
  await page.getByLabel('名称').fill(NASTY.slice(0, 60));
  await page.getByLabel('说明').fill(NASTY);
  await button(page, '注册应用').click();
  await expect(page).toHaveURL(/\/apps\/app_[^/]+\/settings/);
  known.app = /\/apps\/app_[^/]+/.exec(page.url())[0];
  known.appSecret = (await page.locator('#fresh-secret').textContent()).trim();
  known.appKey = (await page.getByText('appKey', { exact: true }).locator('xpath=following-sibling::dd').first().textContent()).trim();
  await accessible(page, 'app settings');
  await page.reload();
  await expect(page.locator('#fresh-secret'), 'shown once').toHaveCount(0);

  await hydrated(page);
  const fields = {
    apns: { team_id: 'TEAM123456', key_id: 'KEY1234567', bundle_id: 'com.example.shop', p8: P8 },
    xiaomi: { package_name: 'com.example.shop', app_secret: 'xiaomi-secret-of-the-journey', channel_id: '100234' },
  };
  for (const vendor of ['apns', 'xiaomi']) {
    const card = page.locator('section.card').filter({ has: page.locator(`#${vendor}-base_url`) });
    await card.getByText('凭据 · 填写凭据').click();
    for (const [name, value] of Object.entries(fields[vendor])) await page.locator(`#${vendor}-${name}`).fill(value);
    await card.locator('form').filter({ has: page.locator(`#${vendor}-${Object.keys(fields[vendor])[0]}`) }).getByRole('button', { name: '保存' }).click();
    await expect(card.getByText('可用', { exact: true })).toBeVisible();
    await card.getByText('通道设置', { exact: true }).click();
    await page.locator(`#${vendor}-base_url`).fill(bases[vendor]);
    await page.locator(`#${vendor}-ca_pem`).fill(ca);
    await card.locator('form').filter({ has: page.locator(`#${vendor}-base_url`) }).getByRole('button', { name: '保存' }).click();
    await page.reload();
    await hydrated(page);
    await expect(page.locator(`#${vendor}-base_url`)).toHaveValue(bases[vendor]);
  }
  const html = await page.content();
  expect(html, 'secrets are never shown again').not.toContain('xiaomi-secret-of-the-journey');
  expect(html).not.toContain(P8.split('\n')[1]);
});

test('a device registers by the signed API, and a test send reaches it', async ({ page }) => {
  const api = new Carillon({ baseUrl: house.url, appKey: known.appKey, appSecret: known.appSecret });
  known.api = api;
  const { ids } = await api.registerDevices([
    { user_id: 'tester', model: 'iPhone 17', test: true, notifications_on: true, tokens: [{ vendor: 'apns', token: token('apns', 0xabc) }] },
  ]);
  expect(ids).toHaveLength(1);
  const wrong = new Carillon({ baseUrl: house.url, appKey: known.appKey, appSecret: `${known.appSecret}x` });
  await expect(wrong.device(ids[0])).rejects.toMatchObject({ status: 401, problem: { code: 'signature_wrong' } });

  await page.goto(`${house.url}${known.app}/devices`);
  await expect(page.getByRole('row').filter({ hasText: 'tester' })).toBeVisible();

  const crowd = await api.uploadCrowd(Buffer.from('用户ID\ntester\n'), `name=${encodeURIComponent(`one ${NASTY}`)}`);
  expect(crowd.valid).toBe(1);
  await page.goto(`${house.url}${known.app}/copies/new`);
  await hydrated(page);
  await page.locator('#name').fill('第一条');
  await page.locator('#title').fill('您好，{{name|朋友}}');
  await page.locator('#body').fill(NASTY);
  await button(page, '保存').click();
  await expect(page).toHaveURL(/\/copies\/cpy_|\/copies\/copy_|\/copies\/[a-z]+_[0-9a-z]+/);
  await expect(page.locator('#body')).toHaveValue(NASTY);

  await compose(page, '测试发送', 'one');
  await button(page, '发送测试').click();
  await expect(page.getByText(/接收 1 · 拒绝 0/)).toBeVisible();
  const entry = await ask(`ledger/tokens/${token('apns', 0xabc)}?vendor=apns`);
  expect(entry).toMatchObject({ title: '您好，朋友', body: NASTY });
});

test('the call that the settings show for copying works as it stands', async ({ page }) => {
  await page.goto(`${house.url}${known.app}/settings`);
  const shown = await page.locator('pre code').textContent();
  const script = shown.replace("SECRET='as_...'; USER='u1'", `SECRET='${known.appSecret}'; USER='tester'`);
  expect(script, 'the two places to fill in').not.toBe(shown);
  const answer = JSON.parse(execFileSync('bash', ['-eo', 'pipefail', '-c', script], { encoding: 'utf8' }));
  expect(answer.id).toMatch(/^msg_/);
  await page.goto(`${house.url}${known.app}/messages/${answer.id}`);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Hello');
});

/** A saved draft with this crowd and the first copy. */
async function compose(page, name, crowd) {
  await page.goto(`${house.url}${known.app}/campaigns/new`);
  await hydrated(page);
  await page.locator('#name').fill(name);
  await choose(page.locator('#crowd'), crowd);
  await choose(page.locator('#copy'), '第一条');
  // At the top and at the end of the form; both send it.
  await button(page, '保存草稿').last().click();
  await expect(page).toHaveURL(/\/campaigns\/(?!new)/);
  await expect(page.getByText('✓ 可以开始')).toBeVisible();
}

/** Chooses the option whose text begins so. */
async function choose(select, beginning) {
  const value = await select.locator('option').filter({ hasText: new RegExp(`^\\s*${beginning} `) }).first().getAttribute('value');
  await select.selectOption(value);
}

/** What the page says of an outcome in the equation. */
async function inEquation(page, outcome) {
  const sentence = await page.locator('section.equation header .num').textContent();
  const found = new RegExp(`${outcome} ([\\d,]+)`).exec(sentence);
  return found ? Number(found[1].replaceAll(',', '')) : 0;
}

test(`a campaign to ${DEVICES} devices: pause, resume, finish; the funnel is the ledger`, async ({ page }) => {
  test.setTimeout(600_000);
  const half = DEVICES / 2;
  for (let from = 0; from < DEVICES; from += 1_000) {
    await known.api.registerDevices(Array.from({ length: 1_000 }, (_, n) => from + n).map((i) => {
      const vendor = i < half ? 'apns' : 'xiaomi';
      return { user_id: `u${i}`, notifications_on: true, tokens: [{ vendor, token: token(vendor, 0x10_0000 + i) }] };
    }));
  }
  const ids = Array.from({ length: DEVICES }, (_, i) => `u${i}`).join('\n');
  const crowd = await known.api.uploadCrowd(Buffer.from(`用户ID\n${ids}\n`), 'name=everybody');
  expect(crowd).toMatchObject({ valid: DEVICES, unknown: 0 });

  await compose(page, `全量 ${NASTY}`.slice(0, 60), 'everybody');
  const before = await ask('ledger/counts');
  await page.getByText('开始…', { exact: true }).click();
  await button(page, '确认开始').click();
  await expect(button(page, '暂停')).toBeVisible();
  // Figures move without a reload.
  await expect.poll(() => inEquation(page, '已接收'), { timeout: 60_000 }).toBeGreaterThan(0);
  await button(page, '暂停').click();
  await expect(page.getByText('已暂停', { exact: true }).first()).toBeVisible();
  // What was in flight ends; then the vendors get nothing more.
  let last = -1;
  const still = await until('a pause that holds', async () => {
    const { taken } = await ask('ledger/counts');
    const same = taken === last;
    last = taken;
    return same && { taken };
  });
  expect(still.taken - before.taken, 'paused before the end').toBeLessThan(DEVICES);
  await accessible(page, 'a paused campaign');
  await button(page, '继续').click();
  await expect(page.getByText('已完成', { exact: true }).first()).toBeVisible({ timeout: 300_000 });
  await page.reload();
  expect(await inEquation(page, '已接收')).toBe(DEVICES);
  await accessible(page, 'a finished campaign');

  await page.getByRole('link', { name: '看漏斗' }).click();
  await hydrated(page);
  const ledger = await ask('ledger/counts');
  const accepted = ({ counts }, vendor) => counts.filter((c) => c.vendor === vendor && c.verdict.startsWith('accepted')).reduce((sum, c) => sum + c.count, 0);
  const taken = (vendor) => accepted(ledger, vendor) - accepted(before, vendor);
  expect(ledger.taken - before.taken).toBe(DEVICES);
  const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: /^厂商接收/ }) });
  const shown = await row.locator('td span.num[title]').evaluateAll((all) => all.map((n) => Number(n.title.replaceAll(',', ''))).filter(Number.isFinite));
  expect(shown, 'all, APNs, Xiaomi').toEqual([DEVICES, taken('apns'), taken('xiaomi')]);
  const repeats = await ask('ledger/repeats');
  expect(repeats).toMatchObject({ same_key: 0, extra: 0, other_key: 0 });
  await accessible(page, 'the funnel');
  await button(page, '重新清点并核对').click();
  await expect(page.getByText(`✓ 逐个清点 ${DEVICES.toLocaleString('en')} 台设备`)).toBeVisible();
});

test('what people wrote stayed text on every page that shows it', async ({ page, complaints }) => {
  page.on('dialog', (dialog) => { complaints.add(`a script ran: ${dialog.message()}`); return dialog.dismiss(); });
  const lists = ['overview', 'campaigns', 'copies', 'crowds', 'funnel', 'messages', 'dead-letters', 'lanes', 'breakers', 'policy', 'settings', 'devices'].map((name) => `${known.app}/${name}`);
  // The laboratory shows names and texts of scripts, and the titles that vendors got.
  await tell('scripts', { name: NASTY, text: NASTY, steps: [{ after_ms: 0, vendor: 'apns', dials: { slow_ms: 3_000 } }] });
  const paths = new Set([...lists, `${known.app}/campaigns/new`, '/apps', '/nodes', '/people', '/audit', '/account', '/laboratory', '/laboratory?vendor=apns']);
  // Sets grow while they are walked: what the lists lead to is looked at too.
  for (const path of paths) {
    await page.goto(`${house.url}${path}`);
    await hydrated(page);
    await expect(page.locator('img[src="x"]'), path).toHaveCount(0);
    if (!lists.includes(path)) continue;
    const found = await page.locator('main td a[href^="/apps/"]').evaluateAll((links) => links.map((a) => a.getAttribute('href')));
    // Pages only: neither filters nor files.
    for (const next of found.filter((href) => !/\?|\.\w+$/.test(href)).slice(0, 3)) paths.add(next);
  }
  expect(paths.size, 'pages of single things too').toBeGreaterThan(18);
  await page.goto(`${house.url}/laboratory`);
  await expect(page.getByRole('cell', { name: NASTY })).toBeVisible();
  await page.goto(`${house.url}${known.app}/campaigns`);
  await expect(page.getByRole('link', { name: '全量 </textarea><img src=x onerror=alert(1)>' })).toBeVisible();
});
