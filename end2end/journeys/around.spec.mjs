// Around the campaigns: crowds out of crowds and rules, the calendar, the audit log as a file, sign-ins and their second step. What a
// form does is tried without scripts.
import { createHmac } from 'node:crypto';
import { accessible, expect, hydrated, signIn, test } from '../house/page.mjs';
import { sampleApp } from '../house/sample.mjs';
import { demo } from '../house/start.mjs';

let house;
let app;
test.beforeAll(async () => { house = await demo(); });
test.afterAll(async () => { await house?.end(); });

const PASSWORD = 'eine ruhige Glocke im Turm';
const button = (page, name) => page.getByRole('button', { name, exact: true });
const open = (page, path) => page.goto(`${house.url}${path}`);

async function enter(page) {
  await signIn(page, house);
  app = await sampleApp(page, house);
}

/** A crowd of these users, by a file. */
async function upload(page, name, users) {
  await open(page, `${app}/crowds/upload`);
  const buffer = Buffer.from(`user_id\n${users.join('\n')}\n`);
  await page.locator('input[type=file]').setInputFiles({ name: `${name}.csv`, mimeType: 'text/csv', buffer });
  await button(page, '上传').click();
  await page.getByLabel('每行写的是').selectOption('user');
  await button(page, '检查全部行').click();
  await expect(async () => {
    await page.reload();
    await expect(page.getByLabel('人群包名称')).toBeVisible({ timeout: 500 });
  }).toPass();
  await page.getByLabel('人群包名称').fill(name);
  await button(page, '确认，成为人群包').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(name);
}

/** Looks again until it is made. */
async function made(page) {
  await expect(page).toHaveURL(/\/crowds\/makings\/mak_/);
  await expect(async () => {
    await page.reload();
    await expect(page.locator('.page-head .pill')).toHaveText('已完成', { timeout: 500 });
  }).toPass();
}

/** The code of an authenticator app (RFC 6238), `ahead` steps from now. */
function code(key, ahead) {
  const signs = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  const bits = [...key.replaceAll(' ', '')].map((c) => signs.indexOf(c).toString(2).padStart(5, '0')).join('');
  const secret = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const tag = createHmac('sha1', secret).update(step).digest();
  return String((tag.readUInt32BE(tag[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

test.describe('with scripts off', () => {
  test.use({ javaScriptEnabled: false });

  test('a crowd is made out of two others and a rule, and keeps how', async ({ page }) => {
    await enter(page);
    const numbers = (from, to) => Array.from({ length: to - from }, (_, i) => `around-${from + i}`);
    await upload(page, '甲', numbers(0, 60));
    await upload(page, '乙', numbers(40, 100));
    await open(page, `${app}/crowds`);
    await page.getByRole('link', { name: '由人群包和规则生成' }).click();

    // What cannot be meant comes back with what was typed.
    await page.locator('#name').fill('甲去乙');
    const of = async (id, words) => page.locator(id).selectOption(await page.locator(`${id} option`).filter({ hasText: words }).first().getAttribute('value'));
    await of('#start', '甲（');
    await page.locator('#device_op').selectOption('minus');
    await button(page, '开始生成').click();
    await expect(page.locator('#device_op-error')).toContainText('至少填写一个终端条件');
    await expect(page.locator('#name')).toHaveValue('甲去乙');

    await page.locator('#device_op').selectOption('');
    await page.locator('#op1').selectOption('minus');
    await of('#set1', '乙（');
    await button(page, '开始生成').click();
    await made(page);
    const sizes = page.getByRole('table', { name: '各步与结果有多少' }).locator('tbody tr');
    await expect(sizes).toHaveCount(3);
    expect(await sizes.locator('td:nth-child(2)').allTextContents()).toEqual(['60', '60', '40']);
    await page.getByRole('link', { name: '打开人群包' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('甲去乙');
    await expect(page.getByText('怎么来的')).toBeVisible();

    // Tags find it again.
    await page.locator('#tags').fill('试验，围绕');
    await button(page, '保存').click();
    await expect(page.locator('#tags')).toHaveValue('试验，围绕');
    await open(page, `${app}/crowds?tag=${encodeURIComponent('围绕')}`);
    await expect(page.locator('main tbody tr')).toHaveCount(1);
    await expect(page.locator('main tbody tr')).toContainText('甲去乙');

    // Every device of the sample app with a usable Xiaomi token.
    await open(page, `${app}/crowds/combine`);
    await page.locator('#name').fill('小米终端');
    await page.locator('#start').selectOption('devices');
    await page.locator('#key').selectOption('device');
    await page.locator('#device_op').selectOption('intersect');
    await page.locator('#vendor').selectOption('xiaomi');
    await button(page, '开始生成').click();
    await made(page);
    const [rows, xiaomi] = await sizes.last().locator('td.n').allTextContents();
    expect(Number(rows)).toBeGreaterThan(0);
    expect(xiaomi, 'all of them have one').toBe(rows);
  });

  test('the second step: set up by a code, asked at sign-in, no code twice, a recovery code without the phone', async ({ page, browser }) => {
    await enter(page);
    // Somebody whose account may be locked out.
    await open(page, '/people');
    const form = page.locator('form', { has: button(page, '添加人员') });
    await form.getByLabel('姓名').fill('周两步');
    await form.getByLabel('邮箱').fill('zhou@carillon.example');
    await form.getByLabel('所有应用里的角色').selectOption('admin');
    await button(page, '添加人员').click();
    const link = /\/link\?token=[\w-]+/.exec(await page.locator('.ok-box code').first().textContent())[0];
    const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 390, height: 844 }, locale: 'zh-CN' });
    const zhou = await context.newPage();
    await open(zhou, link);
    await zhou.getByLabel('新密码').fill(PASSWORD);
    await button(zhou, '设置新密码').click();
    await open(zhou, '/account/second-step');
    await zhou.getByLabel('现在的密码').fill(PASSWORD);
    await button(zhou, '开始设置').click();
    await expect(zhou.getByRole('img', { name: '密钥的二维码' })).toBeVisible();
    const wide = await zhou.locator('main').evaluate((main) => main.scrollWidth - document.documentElement.clientWidth);
    expect(wide, 'nothing hangs over the edge of a phone').toBeLessThanOrEqual(0);
    const key = await zhou.locator('dd code').textContent();
    await zhou.getByLabel('验证器显示的六位数字').fill(code(key, 0));
    await button(zhou, '确认，开启').click();
    const codes = await zhou.locator('ul.codes code').allTextContents();
    expect(codes).toHaveLength(10);
    await zhou.reload();
    await expect(zhou.locator('ul.codes'), 'shown once').toHaveCount(0);

    const password = async () => {
      await context.clearCookies();
      await open(zhou, '/sign-in?next=/account');
      await zhou.getByLabel(/^邮箱/).fill('zhou@carillon.example');
      await zhou.getByLabel(/^密码/).fill(PASSWORD);
      await button(zhou, '登录').click();
      await expect(zhou).toHaveURL(/\/sign-in\/code/);
    };
    const type = async (text) => {
      await zhou.getByLabel('验证码或恢复码').fill(text);
      await button(zhou, '登录').click();
    };
    await password();
    await open(zhou, '/account');
    await expect(zhou, 'the password alone opens nothing').toHaveURL(/\/sign-in\?next/);
    await password();
    const next = code(key, 1);
    await type(next);
    await expect(zhou).toHaveURL(/\/account$/);
    await password();
    await type(next);
    await expect(zhou.getByRole('alert')).toContainText('已用过');
    await type(codes[0]);
    await expect(zhou).toHaveURL(/\/account$/);

    // Seen by an administrator, who takes the second step away, and ends the sign-in.
    await open(page, '/sessions');
    const row = page.getByRole('table', { name: '谁登录着' }).locator('tr', { hasText: '周两步' });
    await expect(row.first()).toBeVisible();
    const steps = page.getByRole('table', { name: '两步登录' }).locator('tr', { hasText: '周两步' });
    await steps.locator('summary').click();
    await steps.getByRole('button').click();
    await expect(steps).toHaveCount(0);
    for (let left = await row.count(); left > 0; left -= 1) {
      await row.first().getByRole('button', { name: '结束' }).click();
      await expect(row).toHaveCount(left - 1);
    }
    await zhou.reload();
    await expect(zhou).toHaveURL(/\/sign-in\?next/);
    await context.close();
  });
});

test('the calendar turns by links and by keys, and shows what was sent today', async ({ page }) => {
  await enter(page);
  await open(page, `${app}/calendar`);
  await hydrated(page);
  await expect(page.locator('td.today a[href*="/campaigns/"]').first()).toBeVisible();
  await accessible(page, 'the month');
  const date = () => new URL(page.url()).searchParams.get('date');
  await page.keyboard.press('w');
  await expect(page).toHaveURL(/view=week/);
  const here = date();
  await page.keyboard.press('ArrowRight');
  await expect.poll(date).not.toBe(here);
  await page.keyboard.press('ArrowLeft');
  await expect.poll(date).toBe(here);
  await page.keyboard.press('d');
  await expect(page).toHaveURL(/view=day/);
  const hours = page.getByRole('table', { name: '每小时负荷' }).locator('tbody tr');
  await expect(hours).toHaveCount(24);
  const loads = await hours.locator('td:nth-child(2) .num').evaluateAll((cells) => cells.map((cell) => Number(cell.title.replaceAll(',', ''))));
  expect(loads.reduce((a, b) => a + b, 0), 'what the sample campaigns asked of the lanes').toBeGreaterThan(0);
  await accessible(page, 'the day');
  await page.getByRole('link', { name: '后 →' }).click();
  await expect.poll(date).not.toBe(here);
});

test('the audit log is filtered, and what fits is a file', async ({ page }) => {
  await enter(page);
  await open(page, '/audit?action=session.');
  await expect(page.locator('main tbody tr').first()).toBeVisible();
  await accessible(page, 'the audit log');
  const href = async (name) => page.getByRole('link', { name }).getAttribute('href');
  const csv = await page.request.get(`${house.url}${await href('导出符合条件的（CSV）')}`);
  const lines = (await csv.text()).trimEnd().split('\r\n');
  expect(lines[0]).toContain('时间');
  expect(lines.slice(1).every((line) => line.includes(',session.')), 'only what fits').toBe(true);
  expect(lines[1]).toMatch(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+08:00/);
  const xlsx = await page.request.get(`${house.url}${await href('导出符合条件的（XLSX）')}`);
  expect(xlsx.headers()['content-disposition']).toContain('audit.xlsx');
  expect((await xlsx.body()).subarray(0, 4).toString('latin1')).toBe('PK\x03\x04');
  // An entry's object leads to all that was done to it.
  await page.locator('main tbody tr td a').first().click();
  await expect(page).toHaveURL(/\/audit\?object=/);
  await expect(page.locator('main tbody tr').first()).toBeVisible();
});

test('the own sign-ins are listed, and another one is ended', async ({ page, browser }) => {
  await enter(page);
  const context = await browser.newContext({ locale: 'zh-CN' });
  const other = await context.newPage();
  await signIn(other, house);
  await open(page, '/account');
  await hydrated(page);
  await page.getByRole('link', { name: '我的登录与两步登录' }).click();
  await expect(page).toHaveURL(/\/account\/sessions$/);
  await expect(page.getByText('本浏览器')).toHaveCount(1);
  const before = await button(page, '结束').count();
  expect(before).toBeGreaterThan(0);
  await button(page, '结束').first().click();
  await expect(button(page, '结束')).toHaveCount(before - 1);
  await context.close();
});
