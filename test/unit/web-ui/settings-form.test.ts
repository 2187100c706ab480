/** What the forms of the settings are made of: names for all that can be set, and changes of a part of the document. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SettingsSchema } from '../../../firmware/settings.js';
import { type Json, placeOf, valueAt, withValue } from '../../../web-ui/parts/setting-paths.js';
import { freshEntry, type SettingSchema, schemaAt } from '../../../web-ui/parts/setting-schema.js';
import { settingWords, valueWords } from '../../../web-ui/parts/setting-words.js';

const SCHEMA = JSON.parse(JSON.stringify(SettingsSchema)) as SettingSchema;
/** The log has a page of its own, with words of its own. */
const NOT_IN_FORMS = ['logs'];

function* settings(schema: SettingSchema, pointer = ''): Generator<[string, SettingSchema]> {
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    if (pointer === '' && NOT_IN_FORMS.includes(name)) continue;
    yield [`${pointer}/${name}`, member];
    yield* settings(member, `${pointer}/${name}`);
    if (member.items) yield* settings(member.items, `${pointer}/${name}/0`);
  }
}

test('each setting has a name in both languages, and one that the schema describes has a meaning in German', () => {
  const missing: string[] = [];
  let count = 0;
  for (const [pointer, { description = '' }] of settings(SCHEMA)) {
    count += 1;
    const place = placeOf(pointer);
    const [en, de] = [settingWords(place, description, 'en'), settingWords(place, description, 'de')];
    const isWhole = en?.label && de?.label && (description === '' || de.hint !== '' || description.length < 40);
    if (!isWhole) missing.push(pointer);
  }
  assert.ok(count > 150);
  assert.deepEqual(missing, []);
});

test('each value that is not a number and that one chooses has words in both languages', () => {
  const speakForThemselves = new Set(['wan', 'other', 'none', 'always', 'static', 'refuse', 'drop']);
  for (const [pointer, schema] of settings(SCHEMA)) {
    for (const value of [...(schema.enum ?? []), ...(schema.items?.enum ?? [])]) {
      if (typeof value === 'number' || speakForThemselves.has(value)) continue;
      assert.notEqual(valueWords(value, 'en'), value, `${pointer}: ${value}`);
      assert.notEqual(valueWords(value, 'de'), value, `${pointer}: ${value}`);
    }
  }
});

test('a part of a document is read and changed by its pointer, and the document itself stays as it was', () => {
  const document: Json = { lns: { enabled: false }, tunnelPeers: [{ name: 'a/b' }, { name: 'c' }] };
  assert.equal(valueAt(document, '/lns/enabled'), false);
  assert.equal(valueAt(document, '/tunnelPeers/1/name'), 'c');
  assert.equal(valueAt(document, '/tunnelPeers/7/name'), undefined);
  assert.deepEqual(withValue(document, '/tunnelPeers/1/name', 'd'), {
    lns: { enabled: false },
    tunnelPeers: [{ name: 'a/b' }, { name: 'd' }],
  });
  assert.deepEqual(withValue(document, '/lns/pool', 'default'), {
    ...document,
    lns: { enabled: false, pool: 'default' },
  });
  assert.deepEqual(withValue(document, '/lns/enabled', undefined), { ...document, lns: {} });
  assert.deepEqual(withValue(document, '/logs/syslog/server', 'x'), { ...document, logs: { syslog: { server: 'x' } } });
  assert.deepEqual(withValue({ 'a/b': 1 }, '/a~1b', 2), { 'a/b': 2 });
  assert.deepEqual(document, { lns: { enabled: false }, tunnelPeers: [{ name: 'a/b' }, { name: 'c' }] });
});

test('a new entry has the defaults of the schema, and nothing of what may be left out', () => {
  const entry = freshEntry(schemaAt(SCHEMA, '/lac/rules').items ?? {});
  assert.deepEqual(entry, { action: 'tunnel' });
  const profile = freshEntry(schemaAt(SCHEMA, '/lacClients').items ?? {}) as Record<string, Json>;
  assert.equal(profile.name, '');
  assert.equal(profile.port, 1701);
  assert.equal('password' in profile, false);
});
