// The laboratory: dials and scripts of the simulator from the browser, with and without scripts, audited in human words.
import { accessible, expect, hydrated, signIn, test } from '../house/page.mjs';
import { demo } from '../house/start.mjs';

let house;
test.beforeAll(async () => { house = await demo(); });
test.afterAll(async () => { await house?.end(); });

const button = (page, name) => page.getByRole('button', { name, exact: true });
const ask = async (path) => (await fetch(`${house.simulator}/simulator/${path}`)).json();
const scripts = (page) => page.locator('section.card').filter({ has: page.getByRole('heading', { name: '脚本', exact: true }) });

test('dials turn at once, only those that were touched, and a wrong value is told beside its field', async ({ page }) => {
  await signIn(page, house);
  await page.getByRole('link', { name: '实验室' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('实验室');
  await hydrated(page);
  await accessible(page, 'the laboratory');
  // The sample campaign went through every lane.
  for (const vendor of ['华为', '荣耀', '极光']) await expect(page.getByRole('row').filter({ hasText: vendor }).first()).toContainText(/×/);
  await page.getByRole('row').filter({ hasText: 'OPPO' }).getByRole('link', { name: '调旋钮' }).first().click();
  await expect(page).toHaveURL(/vendor=oppo/);
  await expect(page.locator('#dial-receipts-delivered_share')).toHaveValue('90');
  await accessible(page, 'the dials of a vendor');
  // Turned by somebody else meanwhile: stays.
  await fetch(`${house.simulator}/simulator/dials/oppo`, { method: 'PATCH', body: JSON.stringify({ slow_ms: 77 }) });
  await page.locator('#dial-latency_ms').fill('120');
  await page.locator('#dial-partial_share').fill('2.5');
  await page.locator('#dial-goaway_error').selectOption('true');
  await button(page, '应用').click();
  await expect.poll(() => ask('dials/oppo')).toMatchObject({ latency_ms: 120, partial_share: 0.025, goaway_error: true, slow_ms: 77 });
  await expect(page.getByRole('row').filter({ hasText: 'OPPO' }).first()).toContainText('延迟（毫秒） 120');
  await page.locator('#dial-latency_ms').fill('quick');
  await button(page, '应用').click();
  await expect(page.locator('#dial-latency_ms-error')).toHaveText('需要整数');
  await expect(page.locator('#dial-latency_ms'), 'what was typed stays').toHaveValue('quick');
  expect((await ask('dials/oppo')).latency_ms).toBe(120);
  await button(page, '全部回到原位').click();
  await expect.poll(async () => (await ask('dials/oppo')).latency_ms).toBe(0);

  await page.goto(`${house.url}/audit`);
  const entry = page.getByRole('row').filter({ hasText: '调仿真器的旋钮' }).last();
  await expect(entry).toContainText('OPPO');
  await expect(entry).toContainText('延迟（毫秒）');
  await expect(page.locator('main td code'), 'no codes for people').toHaveCount(0);
  await page.locator('#action').selectOption('laboratory.');
  await button(page, '筛选').click();
  await expect(page).toHaveURL(/action=laboratory\./);
  await expect(page.getByRole('row').filter({ hasText: '登录' })).toHaveCount(0);
  await accessible(page, 'the audit log');
});

test('a script is planned, seen, stopped; what it changed is put back', async ({ page }) => {
  await signIn(page, house);
  await page.goto(`${house.url}/laboratory`);
  await hydrated(page);
  await page.locator('#plan-vendor').selectOption('huawei');
  await page.locator('#plan-effect').selectOption('down');
  await page.locator('#plan-minutes').fill('5');
  await page.locator('#plan-vendor').locator('xpath=ancestor::form').getByRole('button', { name: '开始' }).click();
  await expect(scripts(page).getByText('进行中', { exact: true })).toBeVisible();
  await expect.poll(async () => (await ask('dials/huawei')).outage).toBe('error');
  await expect(page.getByRole('row').filter({ hasText: '华为' }).first()).toContainText('中断 error');
  await accessible(page, 'a script at play');
  await button(page, '停止并复原').click();
  await expect(scripts(page).getByText('已停止并复原', { exact: true })).toBeVisible();
  expect((await ask('dials/huawei')).outage).toBe('none');

  // Line by line; a line that makes no sense is named and nothing plays.
  await page.getByText('逐行写脚本').click();
  await page.locator('#script-text').fill('+0s nokia outage=error');
  await page.locator('#script-text').locator('xpath=ancestor::form').getByRole('button', { name: '开始' }).click();
  await expect(page.locator('#script-text-error')).toContainText('第 1 行');
  await expect(page.locator('#script-text')).toHaveValue('+0s nokia outage=error');
  await page.locator('#script-name').fill('一瞬间');
  await page.locator('#script-text').fill('+0s vivo latency_ms=7\n+100ms vivo latency_ms=0');
  await page.locator('#script-text').locator('xpath=ancestor::form').getByRole('button', { name: '开始' }).click();
  const row = scripts(page).getByRole('row').filter({ hasText: '一瞬间' });
  await expect(async () => {
    await page.reload();
    await expect(row.getByText('已完成', { exact: true })).toBeVisible({ timeout: 500 });
  }).toPass();
  await row.getByRole('button', { name: '再来一次' }).click();
  await expect(scripts(page).getByRole('row').filter({ hasText: '一瞬间' })).toHaveCount(2);
});

test('figures move without a reload', async ({ page }) => {
  await signIn(page, house);
  await page.goto(house.url);
  await expect(page).toHaveURL(/\/apps\/app_[0-9a-z]+\//);
  // The app whose second campaign runs for some minutes.
  await page.goto(`${house.url}/apps`);
  for (const href of await page.locator('main td a[href^="/apps/app_"]').evaluateAll((all) => all.map((a) => a.getAttribute('href')))) {
    const app = /\/apps\/app_[0-9a-z]+/.exec(href)[0];
    await page.goto(`${house.url}${app}/campaigns`);
    if (await page.locator('main td a[href*="/campaigns/"]').count() === 0) continue;
    for (const path of ['lanes', 'overview']) {
      await page.goto(`${house.url}${app}/${path}`);
      await hydrated(page);
      await page.evaluate(() => { globalThis.sameDocument = true; });
      const text = () => page.locator('main').innerText();
      const before = await text();
      await expect.poll(text, { timeout: 20_000, intervals: [1_000] }).not.toBe(before);
      expect(await page.evaluate(() => globalThis.sameDocument), `${path} was not loaded again`).toBe(true);
    }
  }
});

test.describe('with scripts off', () => {
  test.use({ javaScriptEnabled: false });

  test('the page reads, plans and turns; what was refused comes back as it was typed', async ({ page }) => {
    await signIn(page, house);
    await page.goto(`${house.url}/laboratory?vendor=meizu`);
    await expect(page.getByRole('heading', { name: '账本的最新条目' })).toBeVisible();
    await page.locator('#dial-http_share').fill('40');
    await page.locator('#dial-slow_share').fill('lots');
    await button(page, '应用').click();
    await expect(page.locator('#dial-slow_share-error')).toHaveText('需要 0 到 100 之间的百分比');
    await expect(page.locator('#dial-slow_share')).toHaveValue('lots');
    await expect(page.locator('#dial-http_share')).toHaveValue('40');
    expect((await ask('dials/meizu')).http_share).toBe(0);
    await page.locator('#dial-slow_share').fill('10');
    await button(page, '应用').click();
    await expect(page.locator('#dial-slow_share')).toHaveValue('10');
    expect(await ask('dials/meizu')).toMatchObject({ http_share: 0.4, slow_share: 0.1 });

    await page.locator('#plan-at').fill('soon');
    await page.locator('#plan-minutes').locator('xpath=ancestor::form').getByRole('button', { name: '开始' }).click();
    await expect(page.locator('#plan-at')).toHaveValue('soon');
    await expect(page.locator('#plan-at-error')).toContainText('12:03');
    await page.locator('#plan-at').fill('');
    await page.locator('#plan-minutes').locator('xpath=ancestor::form').getByRole('button', { name: '开始' }).click();
    await expect(scripts(page).getByText('进行中', { exact: true }).first()).toBeVisible();
    await button(page, '停止并复原').first().click();
    await expect(scripts(page).getByText('进行中', { exact: true })).toHaveCount(0);
  });

  test('messages are found by time, in the zone of the console', async ({ page }) => {
    await signIn(page, house);
    await page.goto(`${house.url}/apps`);
    const hrefs = await page.locator('main td a[href^="/apps/app_"]').evaluateAll((all) => all.map((a) => a.getAttribute('href')));
    const counts = [];
    for (const href of hrefs) {
      const app = /\/apps\/app_[0-9a-z]+/.exec(href)[0];
      const rows = async (query) => {
        const answer = await page.goto(`${house.url}${app}/messages?${query}`);
        expect(answer.status()).toBe(200);
        return page.locator('main tbody tr').count();
      };
      const all = await rows('');
      counts.push(all);
      if (all === 0) continue;
      // The whole of tomorrow and yesterday, as the browser's own clock of Shanghai says it.
      const local = (hours) => new Date(Date.now() + (8 + hours) * 3_600_000).toISOString().slice(0, 16);
      expect(await rows(`from=${local(-2)}&to=${local(1)}`)).toBe(all);
      expect(await rows(`from=${local(1)}`)).toBe(0);
      expect(await rows(`to=${local(-2)}`)).toBe(0);
      await rows('');
      await page.locator('#from').fill(local(-2));
      await button(page, '筛选').click();
      await expect(page).toHaveURL(/from=20\d\d-/);
      await expect(page.locator('main tbody tr')).toHaveCount(all);
      await page.goto(`${house.url}${app}/messages?from=yesterday`);
      await expect(page.getByText('请填写日期和时间')).toBeVisible();
    }
    expect(Math.max(...counts), 'the sample workspace has messages').toBeGreaterThan(1);
  });
});
