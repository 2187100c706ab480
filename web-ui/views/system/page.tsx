/** The box itself, on a few sub-pages: its facts and restart, access, certificate, backup, update, and who changed what. */
import type { ComponentType } from 'preact';
import type { System } from '../../../firmware/api/system.js';
import { useResource } from '../../api/resource.js';
import { useWords } from '../../app/language.js';
import type { PageProps } from '../../app/pages.js';
import { Link } from '../../app/router.js';
import { Access } from './access.js';
import { Audit } from './audit.js';
import { BackupPart } from './backup.js';
import { CertificatePart } from './certificate.js';
import { Facts } from './facts.js';
import { UpdatePart } from './update.js';

const WORDS = {
  en: {
    title: 'System',
    parts: {
      '': 'The box',
      access: 'Access',
      certificate: 'Certificate',
      backup: 'Backup',
      update: 'Update',
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
      update: 'Update',
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
  update: UpdatePart,
  audit: Audit,
};
const isPart = (text: string): text is Part => Object.hasOwn(PARTS, text);

export default function SystemPage({ rest: [wanted = ''] }: PageProps) {
  const words = useWords(WORDS);
  const { data: system } = useResource<System>('/system');
  const part = isPart(wanted) ? wanted : '';
  // A system that is not the box's own is updated as such.
  const isThere = (each: Part) => each !== 'update' || system?.isAppliance === true;
  const View = PARTS[part];
  return (
    <>
      <h1>{words.title}</h1>
      <nav class="tabs" aria-label={words.title}>
        {(Object.keys(PARTS) as Part[]).filter(isThere).map((each) => (
          <Link key={each} to={`/system${each && `/${each}`}`} aria-current={each === part ? 'page' : undefined}>
            {words.parts[each]}
          </Link>
        ))}
      </nav>
      <View key={part} />
    </>
  );
}
