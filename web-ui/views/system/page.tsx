/** The box itself, on a few sub-pages: its facts and restart, access, certificate, backup, and who changed what. */
import type { ComponentType } from 'preact';
import { useWords } from '../../app/language.js';
import type { PageProps } from '../../app/pages.js';
import { Link } from '../../app/router.js';
import { Access } from './access.js';
import { Audit } from './audit.js';
import { BackupPart } from './backup.js';
import { CertificatePart } from './certificate.js';
import { Facts } from './facts.js';

const WORDS = {
  en: {
    title: 'System',
    parts: {
      '': 'The box',
      access: 'Access',
      certificate: 'Certificate',
      backup: 'Backup',
      audit: 'Changes',
    },
  },
  de: {
    title: 'System',
    parts: {
      '': 'Das Gerät',
      access: 'Zugang',
      certificate: 'Zertifikat',
      backup: 'Sicherung',
      audit: 'Änderungen',
    },
  },
};
type Part = keyof typeof WORDS.en.parts;
const PARTS: Readonly<Record<Part, ComponentType>> = {
  '': Facts,
  access: Access,
  certificate: CertificatePart,
  backup: BackupPart,
  audit: Audit,
};
const isPart = (text: string): text is Part => Object.hasOwn(PARTS, text);

export default function SystemPage({ rest: [wanted = ''] }: PageProps) {
  const words = useWords(WORDS);
  const part = isPart(wanted) ? wanted : '';
  const View = PARTS[part];
  return (
    <>
      <h1>{words.title}</h1>
      <nav class="tabs" aria-label={words.title}>
        {(Object.keys(PARTS) as Part[]).map((each) => (
          <Link key={each} to={`/system${each && `/${each}`}`} aria-current={each === part ? 'page' : undefined}>
            {words.parts[each]}
          </Link>
        ))}
      </nav>
      <View key={part} />
    </>
  );
}
