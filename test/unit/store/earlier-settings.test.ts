/** Settings that an earlier version of the program stored: they are read with all secrets, and the box goes on as it was. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { DEFAULT_SETTINGS, SettingsSchema } from '../../../firmware/settings.js';
import { readKey, secretBox } from '../../../firmware/store/secret-box.js';
import { mapSecrets } from '../../../firmware/store/secret-fields.js';
import { temporaryStore } from './temporary-store.js';

/** As the version stored it that knew L2TPv2 alone: every field that it had. */
const VERSION_2_ALONE = {
  lns: {
    enabled: true,
    defaultSecret: 'of all',
    authentication: ['mschapv2', 'chap-md5', 'pap'],
    tunInterface: 'tw0',
    localAddress: '10.112.112.1',
    pool: 'default',
    dns: [],
    nbns: [],
    ipv6: true,
    mssClamp: true,
    sequencing: false,
    allowUnknownPeers: true,
    maxSessionsPerUser: 0,
  },
  tunnelPeers: [
    {
      name: 'branch',
      hostName: 'lac.example',
      secret: 'of the peer',
      allowTunnelIdZero: false,
      addressControl: 'detect',
    },
  ],
  lacClients: [
    {
      name: 'office',
      server: '192.0.2.1',
      tunnelSecret: 'of the tunnel',
      userName: 'box',
      password: 'of the user',
      tunInterface: 'tw1',
      routes: ['172.16.0.0/12'],
      enabled: true,
      port: 1702,
      authentication: ['mschapv2', 'chap-md5', 'pap'],
      localNetworks: [],
      ipv6: true,
      mru_bytes: 1400,
      mssClamp: true,
      sequencing: false,
      redialInitial_s: 2,
      redialCap_s: 60,
    },
  ],
  system: { hostName: 'tunnelwerk' },
  api: { tcpPort: 8080 },
  l2tp: {
    port: 1701,
    helloInterval_s: 60,
    retransmitInitial_ms: 1000,
    retransmitCap_ms: 8000,
    maxRetransmits: 5,
    establishTimeout_s: 60,
    receiveWindow: 16,
    maxTunnels: 1024,
    maxSessions: 4096,
  },
  ppp: {
    mru_bytes: 1400,
    echoInterval_s: 30,
    echoFailures: 4,
    restartTimer_ms: 3000,
    ncpRestartTimer_ms: 1000,
    maxConfigure: 10,
    maxTerminate: 2,
    maxFailure: 5,
    authenticationTimeout_s: 30,
  },
  routing: { forwarding: true },
};

test('settings of the version that knew L2TPv2 alone keep all they have, and get the defaults of what is new', (t) => {
  const temporary = temporaryStore(t);
  const key = readKey(temporary.keyFile);
  assert.ok(key);
  const box = secretBox(key);
  const sealed = mapSecrets(SettingsSchema, VERSION_2_ALONE, (secret, place) => box.seal(secret, `settings${place}`));
  const database = new Database(temporary.path);
  database.prepare('UPDATE settings SET document = ?').run(JSON.stringify(sealed));
  database.close();

  const { documents } = temporary.reopen();
  const { l2tp, lns, tunnelPeers, lacClients, routing, ...others } = VERSION_2_ALONE;
  assert.deepEqual(documents.settings(), {
    ...others,
    l2tp: { ...l2tp, accepts: ['udp2', 'udp3', 'ip'], routerId: '' },
    lns: {
      ...lns,
      cookie_bytes: 8,
      proxy: 'renegotiate',
      proxyMismatch: 'renegotiate',
      duplicateLogins: 'allow',
      sessionTimeout_s: 0,
      idleTimeout_s: 0,
    },
    lac: DEFAULT_SETTINGS.lac,
    radius: DEFAULT_SETTINGS.radius,
    filters: [],
    tunnelPeers: tunnelPeers.map((peer) => ({
      ...peer,
      proxy: 'trust',
      proxyMismatch: 'renegotiate',
      maxSessions: 0,
    })),
    lacClients: lacClients.map((profile) => ({ ...profile, encapsulation: 'auto', cookie_bytes: 8, digest: 'sha1' })),
    pseudowires: [],
    api: DEFAULT_SETTINGS.api,
    interfaces: [],
    logs: DEFAULT_SETTINGS.logs,
    tracePeers: [],
    routing: { ...DEFAULT_SETTINGS.routing, ...routing },
  });

  assert.ok(documents.writeSettings({ ...VERSION_2_ALONE, system: { hostName: 'lns1' } }, 'test').ok);
  assert.deepEqual(documents.audit.newest(1)[0]?.fields, ['/system/hostName']);
  assert.equal(temporary.reopen().documents.settings().lacClients[0]?.password, 'of the user');
});

test('a box that nobody has told about version 3 takes tunnels of either version', () => {
  assert.deepEqual(DEFAULT_SETTINGS.l2tp.accepts, ['udp2', 'udp3', 'ip']);
});
