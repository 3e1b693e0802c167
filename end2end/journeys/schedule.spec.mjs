// When a campaign goes, without scripts: sending hours are chosen, refused with what was typed, and hold it; both languages and themes.
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

/** `HH:MM` of the app's zone, so many minutes from now. */
const clock = (minutes) => new Date(Date.now() + minutes * 60_000).toLocaleTimeString('en-GB', { timeZone: 'Asia/Shanghai', hour: '2-digit', minute: '2-digit' });

test('outside its hours it waits and says until when', async ({ page }) => {
  test.setTimeout(180_000);
  const campaign = await draft(page, house, app, '只在白天发');
  await page.getByRole('link', { name: '时间', exact: true }).click();
  await expect(page.getByRole('heading', { level: 1 })).toContainText('时间 · 只在白天发');
  await expect(page.getByText('全天', { exact: true })).toBeVisible();
  // Half of a time is no hours; what was typed stays.
  await page.locator('#opens').fill('09:00');
  await page.locator('#ask_after').fill('0');
  await button(page, '保存安排').click();
  await expect(page.locator('#closes-error')).toContainText('请填写时间');
  await expect(page.locator('#ask_after-error')).toContainText('1 到 10080');
  await expect(page.locator('#opens')).toHaveValue('09:00');
  // Two hours that begin in an hour: shut now.
  const [opens, closes] = [clock(60), clock(180)];
  await page.locator('#opens').fill(opens);
  await page.locator('#closes').fill(closes);
  await page.locator('#ask_after').fill('30');
  await button(page, '保存安排').click();
  await expect(page.getByText(`只在 ${opens}–${closes}（Asia/Shanghai）发送 · 现在不在时段内`)).toBeVisible();
  await expect(page.getByText('晚 30 分钟以内照发；再晚就等人决定')).toBeVisible();

  // The last question names them, and the composer leaves them alone.
  await open(page, campaign);
  await page.locator('#business').fill('白天');
  await button(page, '保存草稿').last().click();
  await open(page, `${campaign}/start`);
  await expect(page.getByText(`只在 ${opens}–${closes}（Asia/Shanghai）发送`)).toBeVisible();
  await button(page, '确认开始').click();
  await expect(page).toHaveURL(new RegExp(`${campaign}$`));
  await expect(async () => {
    await open(page, campaign);
    await expect(page.getByText(`不在发送时段 ${opens}–${closes}`).first()).toBeVisible({ timeout: 500 });
  }).toPass({ timeout: 90_000 });
  await open(page, `${campaign}/schedule`);
  await expect(button(page, '保存安排'), 'no draft any more').toHaveCount(0);
  await open(page, campaign);
  await page.getByText('取消任务…', { exact: true }).click();
  await button(page, '确认取消').click();
  await expect(page.getByText('已取消', { exact: true }).first()).toBeVisible();
});

test('the page holds for everybody, in both languages, both themes and on a phone', async ({ page, browser }) => {
  const campaign = await draft(page, house, app, '给所有人看');
  // The check itself is a script; the page carries none.
  const state = await page.context().storageState();
  for (const [locale, words] of [['zh-CN', '现在的安排'], ['en-US', 'As it stands']]) {
    const context = await browser.newContext({ javaScriptEnabled: true, locale, storageState: state });
    const looked = await context.newPage();
    for (const colorScheme of ['light', 'dark']) {
      await looked.emulateMedia({ colorScheme });
      await open(looked, `${campaign}/schedule`);
      await expect(looked.getByRole('heading', { name: words })).toBeVisible();
      await expect(looked.locator('script[type="module"]')).toHaveCount(0);
      await accessible(looked, `schedule ${locale} ${colorScheme}`);
    }
    await looked.setViewportSize({ width: 390, height: 800 });
    await open(looked, `${campaign}/schedule`);
    const wide = await looked.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wide, `schedule at 390 px in ${locale}`).toBeLessThanOrEqual(0);
    await context.close();
  }
});
