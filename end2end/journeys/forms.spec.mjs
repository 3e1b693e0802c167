// Forms that are refused come back with what was typed; words that are not saved are never started.
import { expect, hydrated, signIn, test } from '../house/page.mjs';
import { SAMPLE, draft, sampleApp } from '../house/sample.mjs';
import { demo } from '../house/start.mjs';

let house;
test.beforeAll(async () => { house = await demo(); });
test.afterAll(async () => { await house?.end(); });

const button = (page, name) => page.getByRole('button', { name, exact: true });

async function refusedApp(page) {
  await page.goto(`${house.url}/apps/new`);
  await page.getByLabel('名称').fill(SAMPLE);
  await page.getByLabel('说明').fill('第二个\n同名的');
  await page.locator('#environment').selectOption('production');
  await button(page, '注册应用').click();
  await expect(page.locator('#name-error')).not.toBeEmpty();
  await expect(page.getByLabel('名称')).toHaveValue(SAMPLE);
  await expect(page.getByLabel('说明')).toHaveValue(/第二个\r?\n同名的/);
}

test('a name that is taken: the form comes back as it was typed', async ({ page }) => {
  await signIn(page, house);
  await refusedApp(page);
});

test('words that are not saved hold the start back, and stay', async ({ page }) => {
  await signIn(page, house);
  const app = await sampleApp(page, house);
  await draft(page, house, app, '草稿甲');
  await hydrated(page);
  await expect(page.getByText('✓ 可以开始')).toBeVisible();
  await page.locator('#business').fill('改了一半');
  await page.getByText('开始…', { exact: true }).click();
  await expect(page.getByText('先保存草稿，再开始。')).toBeVisible();
  await expect(button(page, '确认开始')).toBeDisabled();
  await expect(page.locator('#business')).toHaveValue('改了一半');
  await button(page, '保存草稿').last().click();
  await expect(page.getByText('先保存草稿，再开始。')).toHaveCount(0);
  const begin = page.locator('details', { has: page.getByText('开始…', { exact: true }) });
  if (!(await begin.evaluate((details) => details.open))) await begin.locator('summary').click();
  await expect(button(page, '确认开始')).toBeEnabled();
});

test.describe('with scripts off', () => {
  test.use({ javaScriptEnabled: false });

  test('a name that is taken: the form comes back as it was typed', async ({ page }) => {
    await signIn(page, house);
    await refusedApp(page);
  });

  test('a start with unsaved words saves them, says so, and starts nothing', async ({ page }) => {
    await signIn(page, house);
    const app = await sampleApp(page, house);
    await draft(page, house, app, '草稿乙');
    await page.locator('#business').fill('改了一半');
    await page.getByText('开始…', { exact: true }).click();
    await button(page, '确认开始').click();
    await expect(page.getByText('改动已保存，还没有开始。')).toBeVisible();
    await expect(page.locator('#business')).toHaveValue('改了一半');
    await expect(button(page, '暂停')).toHaveCount(0);
    await page.getByText('开始…', { exact: true }).click();
    await button(page, '确认开始').click();
    await expect(button(page, '暂停')).toBeVisible();
  });
});

test('the pages of the API stand in both themes, and nothing they load is refused', async ({ page }) => {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await page.goto(`${house.url}/docs/api`);
    await expect(page.getByText('/v1/messages', { exact: true }).first()).toBeVisible();
    await page.getByText('/v1/devices', { exact: true }).first().click();
    await expect(page.getByText('Responses').first()).toBeVisible();
  }
});
