/** What needs attention, the worst first, each with the way to where something can be done about it. */
import type { Attention } from '../../../firmware/api/overview.js';
import { useLanguage, useWords } from '../../app/language.js';
import { Link } from '../../app/router.js';
import { Badge, type BadgeKind } from '../../parts/badge.js';
import { attentionText } from './attention-words.js';

const WORDS = {
  en: {
    title: 'What needs attention',
    well: 'Nothing needs attention.',
    go: 'Look',
    severities: { error: 'Fault', warning: 'Warning', info: 'Note' },
  },
  de: {
    title: 'Was Aufmerksamkeit braucht',
    well: 'Nichts braucht Aufmerksamkeit.',
    go: 'Ansehen',
    severities: { error: 'Fehler', warning: 'Warnung', info: 'Hinweis' },
  },
};
const KINDS: Readonly<Record<Attention['severity'], BadgeKind>> = { error: 'bad', warning: 'warn', info: 'info' };
const ORDER = ['error', 'warning', 'info'] as const;

export function AttentionList({ attention }: { attention: readonly Attention[] }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  if (attention.length === 0) {
    return (
      <p class="all-well">
        <span aria-hidden="true">✓</span> {words.well}
      </p>
    );
  }
  const sorted = [...attention].sort((a, b) => ORDER.indexOf(a.severity) - ORDER.indexOf(b.severity));
  return (
    <section class="card" aria-labelledby="attention">
      <h2 id="attention">{words.title}</h2>
      <ul class="attention">
        {sorted.map((one) => (
          <li key={one.code + one.text}>
            <Badge kind={KINDS[one.severity]}>{words.severities[one.severity]}</Badge>
            <span>
              {attentionText(one, language)} {one.link !== '' && <Link to={one.link}>{words.go}</Link>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
