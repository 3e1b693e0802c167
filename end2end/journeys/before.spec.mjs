// Before the button, all of it without scripts: what was foretold is what comes; a second person says yes to exactly what starts; the last
// question is answered in words.
import { expect, signIn, test } from '../house/page.mjs';
import { SAMPLE, draft, sampleApp } from '../house/sample.mjs';
import { demo } from '../house/start.mjs';

let house;
let app;
test.beforeAll(async () => { house = await demo(); });
test.afterAll(async () => { await house?.end(); });
test.use({ javaScriptEnabled: false });

const PASSWORD = 'eine ruhige Glocke im Turm';
const button = (page, name) => page.getByRole('button', { name, exact: true });
const open = (page, path) => page.goto(`${house.url}${path}`);

test.beforeEach(async ({ page }) => {
  await signIn(page, house);
  app = await sampleApp(page, house);
});

/** Presses what the composer offers. */
async function press(page, campaign) {
  await open(page, campaign);
  await page.getByText('开始…', { exact: true }).click();
  await button(page, '确认开始').click();
}

/** Sets one bound of the policy page and saves it; the others stay. */
async function bound(page, field, value) {
  await open(page, `${app}/policy`);
  await page.locator(`[name="rules[${field}]"]`).fill(value);
  await button(page, '保存规则').click();
  await expect(page.locator(`[name="rules[${field}]"]`)).toHaveValue(value);
  await expect(page.locator('.error-box')).toHaveCount(0);
}

/** The figure under a label of the forecast's head. */
async function figure(page, label) {
  const text = await page.locator('.kpi').filter({ has: page.getByText(label, { exact: true }) }).locator('b').textContent();
  return Number(text.replaceAll(',', ''));
}

/** Ends what the sample workspace still sends, slowly by design: a forecast would wait for it. */
async function quiet(page) {
  for (;;) {
    await open(page, `${app}/campaigns?state=running`);
    const running = page.locator('main td a[href*="/campaigns/"]');
    if (await running.count() === 0) return;
    await running.first().click();
    await page.getByText('取消任务…', { exact: true }).click();
    await button(page, '确认取消').click();
    await expect(page.getByText('已取消', { exact: true }).first()).toBeVisible();
  }
}

/** Opens an address again and again until it shows this. */
async function until(page, path, seen) {
  await expect(async () => {
    await open(page, path);
    await seen();
  }).toPass({ timeout: 90_000 });
}

test('the forecast tells every subtraction, and the facts stand beside it', async ({ page }) => {
  await quiet(page);
  const campaign = await draft(page, house, app, '推演一次');
  await page.getByRole('link', { name: '推演', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('推演 · 推演一次');
  const [planned, dropped, sent, missed] = await Promise.all(['计划', '会被留下', '会交给厂商', '赶不上截止'].map((l) => figure(page, l)));
  expect(planned).toBeGreaterThan(100);
  expect(dropped, 'some are nobody, some switched off').toBeGreaterThan(0);
  expect(planned, 'every device is told of once').toBe(dropped + sent + missed);
  const minus = await page.getByRole('table', { name: '逐项扣减' }).locator('td.n').allTextContents();
  const sum = minus.filter((text) => text.startsWith('−')).map((text) => Number(text.slice(1).replaceAll(',', ''))).reduce((a, b) => a + b, 0);
  expect(sum, 'the reasons add up').toBe(dropped);

  await press(page, campaign);
  await expect(button(page, '暂停').or(page.getByText('已完成', { exact: true })).first()).toBeVisible();
  // The sample lanes send slowly, by design; who is left out and who goes where is known once all are planned.
  const rules = page.getByRole('table', { name: '推演与事实：每条规则' }).locator('tbody tr');
  const lanes = page.getByRole('table', { name: '推演与事实：各通道' }).locator('tbody tr');
  await until(page, `${campaign}/forecast`, () => expect(rules.first().locator('td').nth(2)).toHaveText(planned.toLocaleString('en'), { timeout: 1_000 }));
  expect(await rules.count()).toBeGreaterThan(1);
  expect(await lanes.count()).toBeGreaterThan(0);
  for (const row of await rules.all()) await expect(row.locator('td').last()).toHaveText('✓ 一致');
  for (const row of await lanes.all()) await expect(row.locator('td').nth(3)).toHaveText('✓ 一致');
  expect(await figure(page, '会交给厂商'), 'the one that was shown').toBe(sent);

  // Every recipient, as a file: as many lines as were planned, and the head.
  const file = await page.getByRole('link', { name: /导出每个接收人的结果/ }).getAttribute('href');
  const answer = await page.request.get(`${house.url}${file}`);
  expect(answer.headers()['content-disposition']).toContain('outcomes.csv');
  const lines = (await answer.text()).trimEnd().split('\r\n');
  expect(lines).toHaveLength(planned + 1);
  expect(lines.filter((line) => line.includes(',accepted,')).length).toBeGreaterThan(0);
  // And one of them finds the message again, by account and lane.
  const [message, user, , , lane] = lines.find((line) => line.includes(',accepted,')).split(',');
  const other = lane === 'meizu' ? 'umeng' : 'meizu';
  await open(page, `${app}/messages?user=${encodeURIComponent(user)}&vendor=${lane}&ip=127.0.0.1`);
  await expect(page.locator('main td code', { hasText: message })).toHaveCount(1);
  await open(page, `${app}/messages?user=nobody-of-that-name&vendor=${other}`);
  await expect(page.locator('main td code')).toHaveCount(0);
});

test('a large one waits for a second person; who wrote it cannot be that; an edit makes the yes void', async ({ page, browser, complaints }) => {
  complaints.expect(/status of 403/);
  // The second person.
  await open(page, '/people');
  const form = page.locator('form', { has: button(page, '添加人员') });
  await form.getByLabel('姓名').fill('林审批');
  await form.getByLabel('邮箱').fill('lin@carillon.example');
  await form.getByLabel('所有应用里的角色').selectOption('approver');
  await button(page, '添加人员').click();
  const link = /\/link\?token=[\w-]+/.exec(await page.locator('.ok-box code').first().textContent())[0];
  const second = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 390, height: 844 }, locale: 'zh-CN' });
  const lin = await second.newPage();
  await open(lin, link);
  await lin.getByLabel('新密码').fill(PASSWORD);
  await button(lin, '设置新密码').click();
  if (/sign-in/.test(lin.url())) await signIn(lin, { url: house.url, email: 'lin@carillon.example', password: PASSWORD });

  await bound(page, 'approve_above', '1');
  const campaign = await draft(page, house, app, '等人审批');
  await press(page, campaign);
  await expect(page).toHaveURL(/\/start$/);
  await expect(page.getByText('还差另一个人的审批')).toBeVisible();
  await expect(button(page, '确认开始')).toBeDisabled();

  // Own work: the button is off, and a request past the button is refused.
  await page.getByRole('link', { name: '打开审批页' }).click();
  await expect(page.getByText('你写过这个任务；请另一个人审批').first()).toBeVisible();
  await expect(button(page, '通过')).toBeDisabled();
  const own = page.locator('form', { has: button(page, '通过') });
  const fields = Object.fromEntries(await Promise.all(['app', 'id', 'revision'].map(async (n) => [n, await own.locator(`[name="${n}"]`).getAttribute('value')])));
  const action = await own.getAttribute('action');
  const answer = await page.request.post(`${house.url}${action}`, { form: { ...fields, 'sections[0]': 'message', said: 'approved' }, headers: { origin: house.url } });
  expect(await answer.text()).toContain('not_allowed');
  await page.reload();
  await expect(page.getByText('未审', { exact: true })).toHaveCount(3);
  await page.locator('#ask-comment').fill('今晚要发');
  await button(page, '请求审批').click();
  await expect(page.getByText('今晚要发')).toBeVisible();

  // On a phone: found in the list of what waits; a refusal without a word is none, then a yes to all three.
  await open(lin, '/approvals');
  const waiting = lin.locator('section.card', { hasText: '等人审批' });
  await expect(waiting).toContainText('今晚要发');
  const list = await lin.locator('main').evaluate((main) => main.scrollWidth - document.documentElement.clientWidth);
  expect(list, 'the list keeps to a phone').toBeLessThanOrEqual(0);
  await waiting.getByRole('link', { name: '查看并审批' }).click();
  await expect(lin).toHaveURL(new RegExp(`${campaign}/approval$`));
  const wide = await lin.locator('main').evaluate((main) => main.scrollWidth - document.documentElement.clientWidth);
  expect(wide, 'nothing hangs over the edge of a phone').toBeLessThanOrEqual(0);
  await button(lin, '驳回').click();
  await expect(lin.getByText('写明为什么驳回、要改什么').first()).toBeVisible();
  await button(lin, '通过').click();
  await expect(lin.getByText('✓ 三个部分都已通过')).toBeVisible();
  await open(lin, '/approvals');
  await expect(waiting).toHaveCount(0);

  // Any edit makes it void.
  await open(page, campaign);
  await page.locator('#business').fill('改一下');
  await button(page, '保存草稿').last().click();
  await expect(page.locator('#business')).toHaveValue('改一下');
  await press(page, campaign);
  await expect(page.getByText('还差另一个人的审批')).toBeVisible();
  await open(lin, `${campaign}/approval`);
  await expect(lin.getByText('已作废（之后有改动）').first()).toBeVisible();
  await button(lin, '通过').click();
  await expect(lin.getByText('✓ 三个部分都已通过')).toBeVisible();
  await press(page, campaign);
  await expect(button(page, '暂停').or(page.getByText('已完成', { exact: true })).first()).toBeVisible();
  await second.close();
  await bound(page, 'approve_above', '');
});

test('business types are called key, as they were typed', async ({ page }) => {
  await bound(page, 'key', '复诊提醒, 缴费');
  await open(page, `${app}/policy`);
  await expect(page.locator('[name="rules[key]"]')).toHaveValue('复诊提醒, 缴费');
  await bound(page, 'key', '');
});

test('above a size the name of the app is typed, and the question is a sentence', async ({ page }) => {
  await bound(page, 'confirm_above', '1');
  const campaign = await draft(page, house, app, '最后一问');
  await press(page, campaign);
  await expect(page).toHaveURL(/\/start$/);
  await expect(page.getByText(new RegExp(`现在就用应用「${SAMPLE}」（.+）向 [\\d,]+ 台设备发送「最后一问」。`))).toBeVisible();
  await expect(page.getByText(/第一台 .+ UTC.*，最后一台约 .+ UTC.*；.+ 之后不再发送。/)).toBeVisible();
  await page.locator('#app_name').fill('别的应用');
  await button(page, '确认开始').click();
  await expect(page.locator('#app_name-error')).toContainText(`须输入应用名「${SAMPLE}」`);
  await expect(page.locator('#app_name'), 'what was typed is still there').toHaveValue('别的应用');
  await page.locator('#app_name').fill(SAMPLE);
  await button(page, '确认开始').click();
  await expect(page).toHaveURL(new RegExp(`${campaign}$`));
  await expect(button(page, '暂停').or(page.getByText('已完成', { exact: true })).first()).toBeVisible();
});
