import { picture } from './studio.ts';
import type { Studio } from './studio.ts';

/** The mails of the walks before, each subject once. Mail programs set their own colors: there is no dark one. */
export const showMails = async (studio: Studio): Promise<void> => {
  const { browser, inbox } = studio;
  const page = await browser.newPage();
  const subjects = new Set<string>();
  for (const { subject, html } of await inbox.all()) {
    if (subjects.has(subject)) continue;
    subjects.add(subject);
    await page.goto(`data:text/html;base64,${Buffer.from(html).toString('base64')}`);
    const name = subject.toLowerCase().replaceAll(/[^a-z]+/g, '-');
    await picture(studio, page, `mail-${name}`, `The mail “${subject}”.`);
  }
  await page.close();
};
