/** The certificate that the box shows to browsers: what it is, another one, a new one of its own. */
import { useState } from 'preact/hooks';
import type { Certificate } from '../../../firmware/api/certificate.js';
import { useAction } from '../../api/action.js';
import { put, request } from '../../api/client.js';
import { useResource } from '../../api/resource.js';
import { useIsAdmin } from '../../app/account.js';
import { time } from '../../app/format.js';
import { useLanguage, useWords } from '../../app/language.js';
import { CopyButton } from '../../parts/copy-button.js';
import { Confirm } from '../../parts/dialog.js';
import { Field, Form } from '../../parts/form.js';
import { ErrorNotice, Notice } from '../../parts/notice.js';
import { Pairs } from '../../parts/pairs.js';

const WORDS = {
  en: {
    title: 'Certificate that counts',
    text: 'Browsers see this one. One that the box has made itself has to be accepted in each browser once: compare its fingerprint.',
    subject: 'For',
    issuer: 'Issued by',
    self: 'this box itself',
    from: 'Valid from',
    until: 'Valid until',
    names: 'Names and addresses',
    fingerprint: 'SHA-256 fingerprint',
    replaceTitle: 'Another certificate',
    replaceText:
      'One that an authority of yours has issued. Browsers that are connected go on; new ones see it at once.',
    certificate: 'Certificate (PEM)',
    certificateHint: 'begins with -----BEGIN CERTIFICATE-----; behind it those of its issuers may follow',
    key: 'Private key (PEM)',
    keyHint: 'without a passphrase; it is kept encrypted and never shown',
    replace: 'Use this certificate',
    replaced: 'The new certificate counts from now on.',
    renew: 'Make a new one',
    renewText: 'The box makes itself a new certificate and key, for the names and addresses that it has now.',
    question: 'The certificate that counts now is lost. Browsers ask once whether to accept the new one.',
  },
  de: {
    title: 'Zertifikat, das gilt',
    text: 'Dieses sehen Browser. Eines, das das Gerät selbst gemacht hat, muss jeder Browser einmal annehmen: vergleichen Sie den Fingerabdruck.',
    subject: 'Für',
    issuer: 'Ausgestellt von',
    self: 'diesem Gerät selbst',
    from: 'Gültig ab',
    until: 'Gültig bis',
    names: 'Namen und Adressen',
    fingerprint: 'SHA-256-Fingerabdruck',
    replaceTitle: 'Ein anderes Zertifikat',
    replaceText: 'Eines, das eine Stelle von Ihnen ausgestellt hat. Verbundene Browser bleiben, neue sehen es sofort.',
    certificate: 'Zertifikat (PEM)',
    certificateHint: 'beginnt mit -----BEGIN CERTIFICATE-----; dahinter dürfen die seiner Aussteller folgen',
    key: 'Privater Schlüssel (PEM)',
    keyHint: 'ohne Passphrase; er wird verschlüsselt aufbewahrt und nie gezeigt',
    replace: 'Dieses Zertifikat nehmen',
    replaced: 'Ab jetzt gilt das neue Zertifikat.',
    renew: 'Ein neues erzeugen',
    renewText: 'Das Gerät macht sich Zertifikat und Schlüssel neu, für die Namen und Adressen, die es jetzt hat.',
    question:
      'Das Zertifikat, das jetzt gilt, ist dann verloren. Browser fragen einmal, ob sie das neue annehmen sollen.',
  },
};

export function CertificatePart() {
  const words = useWords(WORDS);
  const isAdmin = useIsAdmin();
  const certificate = useResource<Certificate>('/certificate');
  return (
    <>
      <section class="card">
        <div>
          <h2>{words.title}</h2>
          <p class="quiet">{words.text}</p>
        </div>
        <ErrorNotice error={certificate.error} />
        {certificate.data && <CertificateFacts certificate={certificate.data} />}
      </section>
      {isAdmin && <Replacement onReplaced={certificate.set} />}
      {isAdmin && <Renewal onRenewed={certificate.set} />}
    </>
  );
}

function CertificateFacts({ certificate }: { certificate: Certificate }) {
  const words = useWords(WORDS);
  const language = useLanguage();
  const { subject, issuer, notBefore, notAfter, names, selfSigned, fingerprint256 } = certificate;
  return (
    <>
      <Pairs
        pairs={[
          [words.subject, subject],
          [words.issuer, selfSigned ? words.self : issuer],
          [words.from, time(notBefore, language)],
          [words.until, time(notAfter, language)],
          [words.names, names.join(', ')],
          [words.fingerprint, <code key="fingerprint">{fingerprint256}</code>],
        ]}
      />
      <div>
        <CopyButton text={fingerprint256} />
      </div>
    </>
  );
}

function Replacement({ onReplaced }: { onReplaced(certificate: Certificate): void }) {
  const words = useWords(WORDS);
  const { error, isBusy, run } = useAction();
  const [typed, setTyped] = useState({ certificate: '', key: '' });
  const [isDone, setDone] = useState(false);
  const replace = () =>
    run(async () => {
      setDone(false);
      onReplaced(await put<Certificate>('/certificate', typed));
      setTyped({ certificate: '', key: '' });
      setDone(true);
    });
  const field = (name: 'certificate' | 'key', label: string, hint: string) => (
    <Field label={label} pointer={`/${name}`} hint={hint}>
      {(attributes) => (
        <textarea
          {...attributes}
          class="mono"
          rows={5}
          spellcheck={false}
          autocomplete="off"
          value={typed[name]}
          onInput={(event) => setTyped({ ...typed, [name]: event.currentTarget.value })}
        />
      )}
    </Field>
  );
  return (
    <section class="card">
      <div>
        <h2>{words.replaceTitle}</h2>
        <p class="quiet">{words.replaceText}</p>
      </div>
      <Form error={error} onSubmit={() => void replace()}>
        {field('certificate', words.certificate, words.certificateHint)}
        {field('key', words.key, words.keyHint)}
        {isDone && <Notice kind="good">{words.replaced}</Notice>}
        <div>
          <button type="submit" disabled={isBusy}>
            {words.replace}
          </button>
        </div>
      </Form>
    </section>
  );
}

function Renewal({ onRenewed }: { onRenewed(certificate: Certificate): void }) {
  const words = useWords(WORDS);
  const { error, isBusy, run } = useAction();
  const [isAsking, setAsking] = useState(false);
  const renew = () => {
    setAsking(false);
    void run(async () => onRenewed((await request<Certificate>('DELETE', '/certificate')).data));
  };
  return (
    <section class="card">
      <div>
        <h2>{words.renew}</h2>
        <p class="quiet">{words.renewText}</p>
      </div>
      <ErrorNotice error={error} />
      <div>
        <button type="button" class="danger" disabled={isBusy} onClick={() => setAsking(true)}>
          {words.renew}
        </button>
      </div>
      {isAsking && (
        <Confirm title={`${words.renew}?`} action={words.renew} onConfirm={renew} onClose={() => setAsking(false)}>
          {words.question}
        </Confirm>
      )}
    </section>
  );
}
