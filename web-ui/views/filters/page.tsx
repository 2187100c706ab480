/** Filters for users' traffic. */
import { useWords } from '../../app/language.js';
import { SettingsPage } from '../../parts/settings-page.js';

const WORDS = {
  en: {
    title: 'Filters',
    intro:
      'What users may reach. A filter counts for those whose user entry or whose RADIUS server names it (Filter-Id).',
    section: 'Filters',
  },
  de: {
    title: 'Filter',
    intro:
      'Was Benutzer erreichen dürfen. Ein Filter gilt für die, deren Eintrag oder deren RADIUS-Server ihn nennt (Filter-Id).',
    section: 'Filter',
  },
};

export default function FiltersPage() {
  const words = useWords(WORDS);
  return (
    <SettingsPage title={words.title} intro={words.intro} parts={[{ pointer: '/filters', title: words.section }]} />
  );
}
