// The copy workbench: what each vendor would be sent is renewed while it is typed, with the caret where it was; without scripts a button
// does the same. Rows of the sample crowd fill the variables; sensitive words warn, and refuse a save.
import { accessible, expect, hydrated, signIn, test } from '../house/page.mjs';
import { sampleApp } from '../house/sample.mjs';
import { demo } from '../house/start.mjs';

let house;
test.beforeAll(async () => { house = await demo(); });
test.afterAll(async () => { await house?.end(); });

const either = (zh, en) => new RegExp(`^(${zh}|${en})$`);
const vendor = (page, slug) => page.locator(`#vendor-${slug}`);

/** The page of a sample copy, in a language. */
async function copy(page, context, lang, name = '复诊提醒') {
  await signIn(page, house);
  const app = await sampleApp(page, house);
  await context.addCookies([{ name: 'lang', value: lang, url: house.url }]);
  await page.goto(`${house.url}${app}/copies`);
  await page.locator('main td a').filter({ hasText: name }).first().click();
  await expect(page.locator('#title')).not.toHaveValue('');
  return app;
}

const workbench = (page) => page.getByRole('link', { name: either('工作台', 'Workbench') }).click();

for (const lang of ['zh', 'en']) {
  test(`typed words are renewed in place (${lang})`, async ({ page, context }) => {
    await copy(page, context, lang);
    await workbench(page);
    await expect(page).toHaveURL(/\/workbench$/);
    await hydrated(page);
    await accessible(page, `the workbench (${lang})`);
    const status = page.locator('#bench-status');
    await expect(status).toHaveText(lang === 'zh' ? /^12 家可发/ : /^12 can be sent to/);
    for (const slug of ['apns', 'xiaomi', 'huawei', 'harmony', 'honor', 'oppo', 'vivo', 'meizu', 'fcm']) {
      await expect(vendor(page, slug).locator('figure.place')).toHaveCount(4);
    }

    // Twenty-one Chinese letters: one more than vivo takes, and none of the others minds.
    await page.locator('#title').fill('');
    await page.locator('#title').pressSequentially('药'.repeat(21));
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await expect(status).toHaveText(lang === 'zh' ? /^11 家可发 · 1 家发不了/ : /^11 can be sent to · 1 cannot/);
    await expect(vendor(page, 'vivo').locator('mark')).toHaveText('药');
    await expect(vendor(page, 'vivo')).toContainText('42 / 40');
    await expect(vendor(page, 'oppo').locator('mark')).toHaveCount(0);
    await expect(vendor(page, 'oppo').locator('.place-title').first()).toHaveText('药'.repeat(21));
    const caret = await page.evaluate(() => [document.activeElement.id, document.activeElement.selectionStart]);
    expect(caret, 'focus and caret stay').toEqual(['title', 19]);
    await page.keyboard.press('Backspace');
    await expect(status).toHaveText(lang === 'zh' ? /^12 家可发/ : /^12 can be sent to/);
    await expect(page.locator('#title')).toHaveValue('药'.repeat(20));

    // A dark phone is a choice of the page alone, and outlives a renewal.
    await page.locator('label:has(#look-dark)').click();
    await page.locator('#body').fill('emoji 🎉 & <b>标签</b>');
    await expect(vendor(page, 'apns').locator('.place-body').first()).toHaveText('emoji 🎉 & <b>标签</b>');
    await expect(page.locator('#look-dark')).toBeChecked();
    await accessible(page, `the workbench with dark phones (${lang})`);
  });
}

test.describe('without scripts', () => {
  test.use({ javaScriptEnabled: false });

  test('a button brings the preview, row by row of a real crowd', async ({ page, context }) => {
    await copy(page, context, 'en');
    await workbench(page);
    const crowd = page.locator('#crowd');
    await crowd.selectOption(await crowd.locator('option').nth(1).getAttribute('value'));
    await page.locator('#title').fill('{{姓名}} of {{科室}}');
    await page.getByRole('button', { name: 'Preview', exact: true }).click();
    const shown = vendor(page, 'apns').locator('.place-title').first();
    const first = await shown.textContent();
    expect(first).not.toContain('{{');
    await expect(page.locator('#row')).toHaveValue('1');
    await page.getByRole('button', { name: 'Next row', exact: true }).click();
    await expect(page.locator('#row')).toHaveValue('2');
    await expect(shown).not.toHaveText(first);
    await expect(page.locator('#title'), 'what was typed stays').toHaveValue('{{姓名}} of {{科室}}');

    // A variable no row has: every row is counted, the first hundred listed, all of them in the file.
    await page.locator('#body').fill('{{没有的列}}，您好');
    await page.getByRole('button', { name: 'Preview', exact: true }).click();
    const rows = page.getByRole('table', { name: 'Rows that lack a variable' }).locator('tbody tr');
    await expect(rows).toHaveCount(100);
    const href = await page.getByRole('link', { name: 'Download all of them (CSV)' }).getAttribute('href');
    const file = await page.request.get(`${house.url}${href}`);
    expect(file.headers()['content-disposition']).toContain('lacking.csv');
    const lines = (await file.text()).trimEnd().split('\r\n');
    const counted = Number(/([\d,]+) rows lack/.exec(await page.locator('main').textContent())[1].replaceAll(',', ''));
    expect(lines.length).toBe(counted + 1);
  });

  test('a refused word is told by field, and saved nowhere', async ({ page, context }) => {
    const app = await copy(page, context, 'en', '流感');
    await page.goto(`${house.url}${app}/words`);
    await page.locator('#list').fill('包治百病\nsure cure,warn\n!!!');
    await page.getByRole('button', { name: 'Add to the list', exact: true }).click();
    await expect(page.locator('main')).toContainText('list[3]');
    await expect(page.locator('#list'), 'what was typed stays').toHaveValue('包治百病\nsure cure,warn\n!!!');
    await page.locator('#list').fill('包治百病\nsure cure,warn');
    await page.getByRole('button', { name: 'Add to the list', exact: true }).click();
    await expect(page.getByRole('row').filter({ hasText: '包治百病' })).toContainText('Refuse');
    await page.locator('#words-file').setInputFiles({ name: 'words.csv', mimeType: 'text/csv', buffer: Buffer.from('word,severity\n内部价,marketing\n') });
    await page.getByRole('button', { name: 'Import the file', exact: true }).click();
    await expect(page.getByRole('row').filter({ hasText: '内部价' })).toContainText('Marketing word');

    await page.goto(`${house.url}${app}/copies`);
    await page.locator('main td a').filter({ hasText: '流感' }).first().click();
    await workbench(page);
    await page.locator('#body').fill('包 治-百病，Ｓｕｒｅ ｃｕｒｅ');
    await page.locator('#class').selectOption('transactional');
    await page.locator('#title').fill('内部价');
    await page.getByRole('button', { name: 'Preview', exact: true }).click();
    const remarks = page.locator('.bench-remarks');
    await expect(remarks).toContainText('"包治百病" (written "包 治-百病")');
    await expect(remarks).toContainText('"sure cure"');
    await expect(remarks).toContainText('vivo: marketing words (内部价) in a system message');
    await expect(remarks).toContainText('look like advertising');
    await page.getByRole('button', { name: 'Save as a new version', exact: true }).click();
    await expect(page.locator('.error-box').first()).toContainText('包治百病');
    await expect(page.locator('#body'), 'what was typed stays').toHaveValue('包 治-百病，Ｓｕｒｅ ｃｕｒｅ');
    await page.locator('#body').fill('按医嘱服药');
    await page.getByRole('button', { name: 'Save as a new version', exact: true }).click();
    await expect(page).toHaveURL(/\/copies\/\w+$/);
    await expect(page.locator('#body')).toHaveValue('按医嘱服药');

    // Taken off again, and all of it in the log.
    await page.goto(`${house.url}${app}/words`);
    await page.getByRole('row').filter({ hasText: '包治百病' }).getByRole('button', { name: 'Remove', exact: true }).click();
    await expect(page.getByRole('row').filter({ hasText: '包治百病' })).toHaveCount(0);
    await page.goto(`${house.url}/audit?action=words.`);
    await expect(page.getByRole('row').filter({ hasText: 'Removed a sensitive word' })).toHaveCount(1);
  });

  test('links are asked on a press only, and never inside', async ({ page, context }) => {
    await copy(page, context, 'en', '流感');
    await workbench(page);
    await page.locator('#click').selectOption('url');
    await page.locator('#click_to').fill('https://169.254.169.254/inside');
    await page.locator('#body').fill('see https://no-such-host.invalid/page');
    await page.getByRole('button', { name: 'Preview', exact: true }).click();
    const links = page.locator('section.card').filter({ has: page.getByRole('heading', { name: 'Links', exact: true }) });
    await expect(links.locator('li')).toHaveCount(2);
    await expect(links).toContainText('Not asked');
    await page.getByRole('button', { name: 'Ask the links whether they answer', exact: true }).click();
    await expect(links.locator('li').filter({ hasText: "169.254.169.254" })).toContainText('leads into a private network; it was not visited');
    await expect(links.locator('li').filter({ hasText: 'no-such-host' })).toContainText('its host is not known');
  });
});
