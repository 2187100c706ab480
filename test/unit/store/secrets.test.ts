/** Secrets at rest: sealed by AES-256-GCM with the key of a file, found by the marks of the schema. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_SETTINGS, type Settings, SettingsSchema } from '../../../firmware/settings.js';
import { StoreError } from '../../../firmware/store/database.js';
import { makeKey, readKey, secretBox } from '../../../firmware/store/secret-box.js';
import { keepSecrets, lostSecrets, mapSecrets, withoutSecrets } from '../../../firmware/store/secret-fields.js';

const folder = mkdtempSync(join(tmpdir(), 'secrets-'));
after(() => rmSync(folder, { recursive: true }));

const PROFILE = {
  name: 'office',
  server: '192.0.2.1',
  userName: 'branch',
  tunInterface: 'tw1',
  tunnelSecret: 'of the tunnel',
  password: 'of the user',
};
const OTHER_PROFILE = { ...PROFILE, name: 'second', tunInterface: 'tw2', password: 'of another' };
const DOCUMENT = {
  ...DEFAULT_SETTINGS,
  lns: { ...DEFAULT_SETTINGS.lns, defaultSecret: 'of all' },
  lacClients: [PROFILE, OTHER_PROFILE],
} as unknown as Settings;

test('what is sealed is opened again, whatever it is', () => {
  const box = secretBox(new Uint8Array(32).fill(7));
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => box.open(box.seal(text, 'here'), 'here') === text));
});

test('the same secret is sealed differently each time', () => {
  const box = secretBox(new Uint8Array(32));
  assert.notEqual(box.seal('secret', 'here'), box.seal('secret', 'here'));
});

test('a sealed secret does not open at another place, with another key, changed or cut short', () => {
  const box = secretBox(new Uint8Array(32));
  const sealed = box.seal('secret', 'user alice/password');
  const changed = sealed.slice(0, -2) + (sealed.endsWith('AA') ? 'BB' : 'AA');
  assert.throws(() => box.open(sealed, 'user bob/password'), StoreError);
  assert.throws(() => secretBox(new Uint8Array(32).fill(1)).open(sealed, 'user alice/password'), StoreError);
  assert.throws(() => box.open(changed, 'user alice/password'), StoreError);
  for (const length of [0, 3, 10, 20, 40]) {
    assert.throws(() => box.open(sealed.slice(0, length), 'user alice/password'), StoreError);
  }
});

test('a key file is made for its owner alone and read again', () => {
  const path = join(folder, 'key');
  const key = makeKey(path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readKey(path), key);
  assert.throws(() => makeKey(path), /EEXIST/);
  assert.deepEqual(readKey(path), key);
  assert.equal(readKey(join(folder, 'none')), undefined);
});

test('a key file that others can read, or that holds no key, is refused', () => {
  const path = join(folder, 'open');
  makeKey(path);
  chmodSync(path, 0o640);
  assert.throws(() => readKey(path), /chmod 600/);
  chmodSync(path, 0o600);
  writeFileSync(path, readFileSync(path).subarray(0, 20));
  assert.throws(() => readKey(path), /does not hold a key/);
});

test('every secret of a document is found, and nothing else', () => {
  const places: string[] = [];
  const changed = mapSecrets(SettingsSchema, DOCUMENT, (secret, place) => {
    places.push(place);
    return secret.toUpperCase();
  });
  assert.equal(new Set(places).size, 5);
  assert.equal(changed.lns.defaultSecret, 'OF ALL');
  assert.equal(changed.lacClients[1]?.password, 'OF ANOTHER');
  assert.equal(changed.lacClients[0]?.userName, 'branch');
  assert.equal(DOCUMENT.lns.defaultSecret, 'of all');
});

test('what is shown has no secret, but tells whether there is one', () => {
  const shown = withoutSecrets(SettingsSchema, DOCUMENT);
  assert.equal(/of (the|all|another)/.test(JSON.stringify(shown)), false);
  const { lns, lacClients } = shown as { lns: object; lacClients: object[] };
  assert.equal('defaultSecretSet' in lns && lns.defaultSecretSet, true);
  assert.deepEqual(
    lacClients.map((profile) => 'passwordSet' in profile && profile.passwordSet),
    [true, true],
  );
});

test('a document that was shown and is put back unchanged means the same', () => {
  assert.deepEqual(keepSecrets(SettingsSchema, withoutSecrets(SettingsSchema, DOCUMENT), DOCUMENT), DOCUMENT);
});

test('a secret stays with its entry’s name when the list is reordered, null clears it, a new one replaces it', () => {
  const incoming = {
    lacClients: [{ name: 'second' }, { name: 'office', password: null, tunnelSecret: 'new' }, { name: 'third' }],
  };
  assert.deepEqual(keepSecrets(SettingsSchema, incoming, DOCUMENT), {
    lacClients: [
      { name: 'second', password: 'of another', tunnelSecret: 'of the tunnel' },
      { name: 'office', tunnelSecret: 'new' },
      { name: 'third' },
    ],
  });
});

test('an entry that was shown with a secret and gets another name does not lose it in silence', () => {
  const shown = withoutSecrets(SettingsSchema, DOCUMENT) as { lacClients: Record<string, unknown>[] };
  assert.deepEqual(lostSecrets(SettingsSchema, shown, DOCUMENT), []);
  const renamed = { ...shown, lacClients: [{ ...shown.lacClients[0], name: 'headquarters', password: 'new' }] };
  assert.deepEqual(
    lostSecrets(SettingsSchema, renamed, DOCUMENT).map(({ field }) => field),
    ['/lacClients/0/tunnelSecret'],
  );
  const cleared = { lacClients: [{ ...renamed.lacClients[0], tunnelSecret: null }] };
  assert.deepEqual(lostSecrets(SettingsSchema, cleared, DOCUMENT), []);
});

test('documents of any shape are walked through', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (incoming, section) => {
      keepSecrets(SettingsSchema, incoming, undefined);
      lostSecrets(SettingsSchema, incoming, undefined);
      keepSecrets(SettingsSchema, { lns: section, lacClients: section, tunnelPeers: [section] }, DOCUMENT);
    }),
  );
});
