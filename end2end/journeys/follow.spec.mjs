// What follows a send: resends for want of a receipt, marketing's own quota, and a blacklist from a file; with and without scripts.
import { accessible, expect, hydrated, signIn, test } from '../house/page.mjs';
import { sampleApp } from '../house/sample.mjs';
import { demo } from '../house/start.mjs';

let house;
test.beforeAll(async () => { house = await demo(); });
test.afterAll(async () => { await house?.end(); });

const button = (page, name) => page.getByRole('button', { name, exact: true });

const speak = (context, lang) => context.addCookies([{ name: 'lang', value: lang, url: house.url }]);

/** axe is a script itself: it has nothing to say where there are none. */
let scripts = true;
const looked = async (page, what) => { if (scripts) await accessible(page, what); };

/** `before`: what the lane says of itself until it is told otherwise. */
async function follow(page, before, times) {
  const app = await sampleApp(page, house);
  await page.goto(`${house.url}${app}/resends`);
  await hydrated(page);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('重发与批量配额');
  await looked(page, 'resends and bulk quota');
  const xiaomi = page.locator('section#xiaomi');
  await expect(xiaomi).toContainText(before);
  await xiaomi.locator('#xiaomi-receipt_wait_s').fill('60');
  await xiaomi.locator('#xiaomi-resend_times').fill(`${times}`);
  await xiaomi.locator('#xiaomi-bulk_quota').fill('5000');
  await xiaomi.getByRole('button', { name: '保存' }).click();
  await expect(page.locator('section#xiaomi')).toContainText(`60 秒没有回执就重发，最多 ${times} 次；每天批量 5000`);

  // A lane whose repeats nothing keeps from being shown twice refuses, and keeps what was typed.
  const umeng = page.locator('section#umeng');
  await umeng.locator('#umeng-receipt_wait_s').fill('60');
  await umeng.locator('#umeng-resend_times').fill('1');
  await umeng.getByRole('button', { name: '保存' }).click();
  await expect(page.locator('section#umeng')).toContainText('不自动重发');
  await expect(page.locator('#umeng-resend_times'), 'what was typed stays').toHaveValue('1');
  return app;
}

async function file(page, app, name, body, group = '') {
  await page.goto(`${house.url}${app}/policy`);
  await hydrated(page);
  await page.locator('#file-group').fill(group);
  await page.locator('#file-reason').fill('用户来电');
  await page.locator('#file').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(body) });
  await button(page, '上传并加入黑名单').click();
  await expect(page).toHaveURL(/policy\?returned=/);
}

async function blacklist(page, app, first) {
  await file(page, app, '名单.csv', `账号,分组\n${first},复诊提醒\n${first}-2,\n${first}-2,\n,复诊提醒\n`, '运营');
  await expect(page.locator('.note-box[role=status]')).toHaveText('名单.csv：4 行，2 个已在黑名单，1 行重复，1 行不可用');
  await expect(page.getByRole('table', { name: '不可用的行（不计表头）' })).toContainText('没有账号');
  const row = page.getByRole('row').filter({ hasText: `${first}-2` });
  await expect(row).toContainText('运营');
  await expect(row).toContainText('用户来电');
  await looked(page, 'the policy page with a report');
  // A file without a column of accounts is refused with what was seen.
  await file(page, app, 'cities.csv', 'city,age\nBeijing,1\nShanghai,2\n');
  await expect(page.getByRole('alert').filter({ hasText: 'city, age' })).toBeVisible();
}

test('a lane is told what follows its sends, and a file fills the blacklist', async ({ page, context, complaints }) => {
  complaints.expect(/status of 4\d\d/);
  await signIn(page, house);
  await speak(context, 'zh');
  const app = await follow(page, '不等回执', 2);
  await page.goto(`${house.url}${app}/lanes`);
  await hydrated(page);
  await expect(page.getByRole('link', { name: /60 秒没有回执就重发/ }).first()).toBeVisible();
  await blacklist(page, app, 'blocked-one');
  await page.goto(`${house.url}/audit`);
  await expect(page.getByRole('row').filter({ hasText: '修改重发与批量配额' }).first()).toContainText('小米');
  await expect(page.getByRole('row').filter({ hasText: '从文件加入黑名单' }).first()).toBeVisible();
});

test('who gave no receipt is told by lane, and sent to again by hand', async ({ page, context }) => {
  await signIn(page, house);
  await speak(context, 'zh');
  const app = await sampleApp(page, house);
  await page.goto(`${house.url}${app}/messages`);
  const message = await page.locator('main tbody a[href*="/messages/msg_"]').first().getAttribute('href');
  await page.goto(`${house.url}${message}`);
  await hydrated(page);
  await page.getByRole('link', { name: '没有回执的', exact: true }).click();
  await expect(page).toHaveURL(/\/again$/);
  await hydrated(page);
  await accessible(page, 'without a receipt');
  await expect(page.getByRole('table')).toContainText('小米');
  const send = button(page, '向没有回执的再发一次');
  if (await send.isEnabled()) {
    await send.click();
    await expect(page.locator('.note-box[role=status]')).toHaveText('已放回通道排队。');
    await page.goto(`${house.url}/audit`);
    await expect(page.getByRole('row').filter({ hasText: '手动重发没有回执的' }).first()).toBeVisible();
  } else {
    await expect(send).toHaveAttribute('title', /.+/);
  }
  await speak(context, 'en');
  await page.goto(`${house.url}${message}/again`);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Without a receipt');
});

test.describe('with scripts off', () => {
  test.use({ javaScriptEnabled: false, viewport: { width: 390, height: 844 } });
  test.beforeAll(() => { scripts = false; });

  test('the same pages on a phone', async ({ page, context }) => {
    await signIn(page, house);
    await speak(context, 'zh');
    const app = await follow(page, '60 秒没有回执就重发，最多 2 次', 3);
    await blacklist(page, app, 'blocked-two');
    for (const path of ['resends', 'policy']) {
      await page.goto(`${house.url}${app}/${path}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect(wide, `${path} fits a phone`).toBeLessThanOrEqual(0);
    }
  });
});
