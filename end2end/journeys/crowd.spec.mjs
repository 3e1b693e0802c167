// A file as Excel in China writes it: uploaded, mapped, checked, its rejects downloaded, confirmed.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { accessible, expect, hydrated, signIn, test } from '../house/page.mjs';
import { storeOf } from '../house/cluster.mjs';
import { demo } from '../house/start.mjs';

const DATA = resolve(import.meta.dirname, '../../server/pipeline/tests/data/crowds');

let house;
let shared;
test.beforeAll(async ({}, info) => {
  shared = await storeOf(info);
  house = await demo(shared);
});
test.afterAll(async () => {
  await house?.end();
  await shared?.end();
});

/** The path of the app that the console leads to. */
async function appPath(page) {
  await page.goto(house.url);
  await expect(page).toHaveURL(/\/apps\/app_[0-9a-z]+\//);
  return /\/apps\/app_[0-9a-z]+/.exec(page.url())[0];
}

/** A figure's value by its label. */
const figure = (page, label) => page.locator('main').getByText(label, { exact: true }).locator('..');

async function confirmGbkFile(page, app) {
  await page.goto(`${house.url}${app}/crowds/upload`);
  await page.locator('input[type=file]').setInputFiles(`${DATA}/users-gbk.csv`);
  await page.getByRole('button', { name: '上传', exact: true }).click();
  await expect(page).toHaveURL(/\/crowds\/uploads\/upl/);
  await expect(page.getByText(/^GB18030 · /)).toBeVisible();
  await page.getByLabel('每行写的是').selectOption('user');
  await page.getByRole('button', { name: '检查全部行' }).click();
}

test('a GBK file becomes a crowd, its rejects can be read', async ({ page }) => {
  await signIn(page, house);
  const app = await appPath(page);
  await confirmGbkFile(page, app);
  await hydrated(page);
  await expect(figure(page, '有效')).toContainText('2,000');
  await expect(figure(page, '未收入')).toContainText('重复 3，不合格 2');
  await accessible(page, 'a checked upload');
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: '下载这些行（CSV）' }).click()]);
  const rejects = readFileSync(await download.path(), 'utf8').trim().split(/\r?\n/);
  expect(rejects.length, 'a header and five rows').toBeGreaterThanOrEqual(6);
  await page.getByLabel('人群包名称').fill('复诊患者 GBK');
  await page.getByRole('button', { name: '确认，成为人群包' }).click();
  await expect(page).toHaveURL(/\/crowds\/crd_/);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('复诊患者 GBK');
  await accessible(page, 'a crowd');

  // The same file again is recognised.
  await page.goto(`${house.url}${app}/crowds/upload`);
  await page.locator('input[type=file]').setInputFiles(`${DATA}/users-gbk.csv`);
  await page.getByRole('button', { name: '上传', exact: true }).click();
  await expect(page.getByText('同样的文件已经上传过')).toBeVisible();
});

test('a file is dropped, its progress is shown, and it can be stopped', async ({ page, context, complaints }) => {
  await signIn(page, house);
  const app = await appPath(page);
  await page.goto(`${house.url}${app}/crowds/upload`);
  await hydrated(page);
  // Slow enough to see it move.
  const wire = await context.newCDPSession(page);
  await wire.send('Network.enable');
  await wire.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 400_000 });
  const drop = async (rows) => {
    const transfer = await page.evaluateHandle((n) => {
      const list = new DataTransfer();
      const lines = Array.from({ length: n }, (_, i) => `p${String(i).padStart(6, '0')},${'x'.repeat(80)}`);
      list.items.add(new File([`用户ID,备注\n${lines.join('\n')}\n`], '拖进来的.csv', { type: 'text/csv' }));
      return list;
    }, rows);
    await page.dispatchEvent('form .drop', 'dragover', { dataTransfer: transfer });
    await expect(page.locator('form .drop.over')).toBeVisible();
    await page.dispatchEvent('form .drop', 'drop', { dataTransfer: transfer });
  };
  const bar = page.locator('form progress');
  await drop(60_000);
  await expect(bar).toBeVisible();
  const moved = () => bar.evaluate((p) => (p.position > 0 && p.position < 1 ? p.position : 0), null, { timeout: 2_000 }).catch(() => 0);
  await expect.poll(moved, { intervals: [100] }).toBeGreaterThan(0);
  const first = await moved();
  await expect.poll(moved, { intervals: [100] }).toBeGreaterThan(first);
  complaints.expect(/ERR_ABORTED/);
  await page.getByRole('button', { name: '停止', exact: true }).click();
  await expect(bar).toHaveCount(0);
  await expect(page.getByRole('alert').filter({ hasText: '上传中断' })).toBeVisible();
  // A smaller one goes through.
  await drop(4_000);
  await expect(bar).toBeVisible();
  await expect(page).toHaveURL(/\/crowds\/uploads\/upl/);
  await expect(page.getByText('拖进来的.csv').first()).toBeVisible();
});

test.describe('with scripts off', () => {
  test.use({ javaScriptEnabled: false });

  test('the whole way works by plain forms', async ({ page }) => {
    await signIn(page, house);
    const app = await appPath(page);
    await confirmGbkFile(page, app);
    await expect(async () => {
      await page.reload();
      await expect(page.getByLabel('人群包名称')).toBeVisible({ timeout: 500 });
    }).toPass();
    await page.getByLabel('人群包名称').fill('无脚本');
    await page.getByRole('button', { name: '确认，成为人群包' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('无脚本');
  });
});
