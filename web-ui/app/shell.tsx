/** What is around every view: menu, name of the box, language, theme, who is signed in. */
import type { ComponentType } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Account, signOut } from './account.js';
import { chooseLanguage, type Language, useLanguage, useWords } from './language.js';
import { PAGES, type Page, type PageProps } from './pages.js';
import { Link, useLocation } from './router.js';
import { chooseTheme, type Theme, useTheme } from './theme.js';
import { UnconfirmedBar } from './unconfirmed.js';

const WORDS = {
  en: {
    menu: 'Menu',
    skip: 'Skip to content',
    groups: { watch: 'Watch', set: 'Set up', box: 'The box' },
    language: 'Language',
    theme: 'Appearance',
    themes: { system: 'As the system', light: 'Light', dark: 'Dark' },
    signOut: 'Sign out',
    viewer: 'may look, not change',
    notFound: 'There is no such page.',
    toOverview: 'To the overview',
    loading: 'Loading …',
  },
  de: {
    menu: 'Menü',
    skip: 'Zum Inhalt',
    groups: { watch: 'Beobachten', set: 'Einrichten', box: 'Das Gerät' },
    language: 'Sprache',
    theme: 'Darstellung',
    themes: { system: 'Wie das System', light: 'Hell', dark: 'Dunkel' },
    signOut: 'Abmelden',
    viewer: 'darf sehen, nicht ändern',
    notFound: 'Diese Seite gibt es nicht.',
    toOverview: 'Zur Übersicht',
    loading: 'Lädt …',
  },
};
const GROUPS = ['watch', 'set', 'box'] as const;

export function Shell({ account, hostName }: { account: Account; hostName: string }) {
  const words = useWords(WORDS);
  const { parts, path } = useLocation();
  const [isMenuOpen, setMenuOpen] = useState(false);
  const page = PAGES.find((each) => each.path === (parts[0] ?? ''));
  useEffect(() => setMenuOpen(false), [path]);
  return (
    <div class="shell" data-menu={isMenuOpen ? 'open' : 'closed'}>
      <a class="skip" href="#content">
        {words.skip}
      </a>
      <header class="topbar">
        <button
          type="button"
          class="menu-button"
          aria-expanded={isMenuOpen}
          aria-controls="menu"
          onClick={() => setMenuOpen(!isMenuOpen)}
        >
          <span aria-hidden="true">☰</span> {words.menu}
        </button>
        <Link to="/" class="brand">
          <img src="/icon.svg" alt="" width="28" height="28" /> <span>{hostName || 'tunnelwerk'}</span>
        </Link>
        <Choices account={account} />
      </header>
      <nav id="menu" class="menu" aria-label={words.menu}>
        {GROUPS.map((group) => (
          <MenuGroup key={group} title={words.groups[group]} group={group} current={page} />
        ))}
        <div class="menu-choices">
          <LanguageChoice />
          <ThemeChoice />
        </div>
      </nav>
      <main id="content" class="content" tabIndex={-1}>
        <UnconfirmedBar />
        {page ? <Loaded page={page} rest={parts.slice(1)} /> : <NotFound />}
      </main>
    </div>
  );
}

function MenuGroup({ title, group, current }: { title: string; group: Page['group']; current: Page | undefined }) {
  const language = useLanguage();
  const pages = PAGES.filter((page) => page.group === group);
  if (pages.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <ul>
        {pages.map((page) => (
          <li key={page.path}>
            <Link to={`/${page.path}`} aria-current={page === current ? 'page' : undefined}>
              {page.title[language]}
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** A view is named in the title of the window, and whoever reads by ear is brought to it. */
function Loaded({ page, rest }: { page: Page; rest: string[] }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const [View, setView] = useState<{ page: Page; component: ComponentType<PageProps> }>();
  const isFirst = useRef(true);
  useEffect(() => {
    let isWanted = true;
    void page.load().then(({ default: component }) => {
      if (!isWanted) return;
      setView({ page, component });
      if (!isFirst.current) document.getElementById('content')?.focus({ preventScroll: true });
      isFirst.current = false;
    });
    return () => {
      isWanted = false;
    };
  }, [page]);
  useEffect(() => {
    document.title = `${page.title[language]} – tunnelwerk`;
  }, [page, language]);
  if (View?.page !== page) return <p class="quiet">{words.loading}</p>;
  return <View.component rest={rest} />;
}

function NotFound() {
  const words = useWords(WORDS);
  return (
    <section class="empty">
      <h1>{words.notFound}</h1>
      <Link to="/" class="button">
        {words.toOverview}
      </Link>
    </section>
  );
}

export function LanguageChoice() {
  const words = useWords(WORDS);
  const language = useLanguage();
  return (
    <label class="choice">
      <span class="unseen">{words.language}</span>
      <select value={language} onChange={(event) => chooseLanguage(event.currentTarget.value as Language)}>
        <option value="en">English</option>
        <option value="de">Deutsch</option>
      </select>
    </label>
  );
}

function ThemeChoice() {
  const words = useWords(WORDS);
  const theme = useTheme();
  return (
    <label class="choice">
      <span class="unseen">{words.theme}</span>
      <select value={theme} onChange={(event) => chooseTheme(event.currentTarget.value as Theme)}>
        {(['system', 'light', 'dark'] as const).map((each) => (
          <option key={each} value={each}>
            {words.themes[each]}
          </option>
        ))}
      </select>
    </label>
  );
}

function Choices({ account }: { account: Account }) {
  const words = useWords(WORDS);
  return (
    <div class="choices">
      <LanguageChoice />
      <ThemeChoice />
      <span class="account" title={account.role === 'viewer' ? words.viewer : undefined}>
        {account.name}
        {account.role === 'viewer' && <span class="badge">{words.viewer}</span>}
      </span>
      <button type="button" class="quiet-button" onClick={() => void signOut()}>
        {words.signOut}
      </button>
    </div>
  );
}
