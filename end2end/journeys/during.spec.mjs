// While it runs, all of it without scripts: a campaign begins with a few and waits for a person; what was sent is taken back, and the
// counts add up to the devices reached.
import { accessible, expect, signIn, test } from '../house/page.mjs';
import { draft, sampleApp } from '../house/sample.mjs';
import { demo } from '../house/start.mjs';

let house;
let app;
test.beforeAll(async () => { house = await demo(); });
test.afterAll(async () => { await house?.end(); });
test.use({ javaScriptEnabled: false });

const button = (page, name) => page.getByRole('button', { name, exact: true });
const open = (page, path) => page.goto(`${house.url}${path}`);

test.beforeEach(async ({ page }) => {
  await signIn(page, house);
  app = await sampleApp(page, house);
});

/** Opens an address again and again until it shows this. */
async function until(page, path, seen) {
  await expect(async () => {
    await open(page, path);
    await seen();
  }).toPass({ timeout: 90_000 });
}

/** Ends what the sample workspace still sends, slowly by design: the lanes are shared. */
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

test('it begins with a few, waits for a person, and is taken back', async ({ page }) => {
  test.setTimeout(300_000);
  await quiet(page);
  const campaign = await draft(page, house, app, '灰度与召回');
  await open(page, `${campaign}/ramp`);
  await expect(page.getByText('现在的设置：一次发给所有人。')).toBeVisible();
  await page.locator('#shares').fill('10, 5');
  await page.locator('#minutes').fill('0.2');
  await button(page, '按步开始').click();
  await expect(page.locator('#shares-error')).toContainText('写递增的百分比');
  await expect(page.locator('#shares')).toHaveValue('10, 5');
  await page.locator('#shares').fill('5, 50');
  await page.locator('#minutes').fill('0.2');
  await button(page, '按步开始').click();
  await expect(page.getByText('5 % → 50 % → 100 %')).toBeVisible();

  await open(page, `${campaign}/start`);
  await expect(page.getByText('5 % → 50 % → 100 %')).toBeVisible();
  await button(page, '确认开始').click();
  await expect(page).toHaveURL(new RegExp(`${campaign}$`));

  // The first step is out and was looked at: it waits, and the running view says so.
  await until(page, `${campaign}/ramp`, () => expect(page.getByText('等人决定')).toBeVisible({ timeout: 500 }));
  await expect(page.getByText('第 1 步 / 共 3 步')).toBeVisible();
  await expect(page.getByRole('table', { name: '守护指标' }).locator('tbody tr')).toHaveCount(3);
  await open(page, campaign);
  await expect(page.getByRole('link', { name: /灰度第 1\/3 步：等人决定/ })).toBeVisible();
  await open(page, `${campaign}/ramp`);
  await button(page, '继续下一步').click();
  await until(page, `${campaign}/ramp`, () => expect(page.getByText('第 2 步 / 共 3 步')).toBeVisible({ timeout: 500 }));

  // Taken back: an unticked box does nothing.
  await open(page, `${campaign}/recall`);
  await button(page, '召回').click();
  await expect(page.getByText('勾选确认：召回不能撤销').first()).toBeVisible();
  await page.getByRole('checkbox').check();
  await page.locator('#body').fill('发错了，请忽略');
  await button(page, '召回').click();
  await until(page, `${campaign}/recall`, () => expect(page.getByText('✓ 已完成')).toBeVisible({ timeout: 500 }));
  const sum = await page.getByText(/= 已撤回/).textContent();
  const [reached, ...parts] = [...sum.replaceAll(',', '').matchAll(/\d+/g)].map(([n]) => Number(n));
  expect(parts.reduce((a, b) => a + b, 0), sum).toBe(reached);
  expect(reached, sum).toBeGreaterThan(0);
  expect(parts.at(-1), 'everybody was asked about').toBe(0);
  await open(page, campaign);
  await expect(page.getByText('已取消', { exact: true }).first()).toBeVisible();
  // In the list of messages the recall stands as one of its own.
  await open(page, `${app}/messages?origin=recall`);
  await expect(page.locator('main tbody tr')).not.toHaveCount(0);
  await page.locator('main tbody a[href*="/messages/"]').first().click();
  await expect(page.getByText('发错了，请忽略')).toBeVisible();
});

test('both pages hold for everybody, in both themes and on a phone', async ({ page, browser }) => {
  const campaign = await draft(page, house, app, '给所有人看');
  // The check itself is a script; the pages carry none.
  const context = await browser.newContext({ javaScriptEnabled: true, locale: 'zh-CN', storageState: await page.context().storageState() });
  const looked = await context.newPage();
  for (const colorScheme of ['light', 'dark']) {
    await looked.emulateMedia({ colorScheme });
    for (const step of ['ramp', 'recall']) {
      await open(looked, `${campaign}/${step}`);
      await accessible(looked, `${step} ${colorScheme}`);
    }
  }
  await looked.setViewportSize({ width: 390, height: 800 });
  for (const step of ['ramp', 'recall']) {
    await open(looked, `${campaign}/${step}`);
    const wide = await looked.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wide, `${step} at 390 px`).toBeLessThanOrEqual(0);
  }
  await context.close();
});
