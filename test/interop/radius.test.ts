/** The RADIUS client against FreeRADIUS: PAP, CHAP and MS-CHAPv2, tunnel attributes, accounting. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateNtResponse } from '../../firmware/crypto/mschap.js';
import { chapPassword } from '../../firmware/crypto/radius.js';
import { RadiusClient } from '../../firmware/protocol/radius/client.js';
import type { RadiusRequest } from '../../firmware/protocol/radius/client-types.js';
import { Lab } from '../lab/namespaces.js';
import { labIsMissing } from '../lab/requirements.js';
import { until } from '../lab/until.js';
import { ascii } from '../vectors/vectors.js';
import { startFreeRadius } from './freeradius.js';
import { RawPeer } from './raw-peer.js';

const ADDRESS = '127.0.0.1';
const CHALLENGE = ascii('0123456789abcdef');

test('FreeRADIUS answers PAP, CHAP, MS-CHAPv2 and accounting', { skip: labIsMissing(), timeout: 60_000 }, async () => {
  const lab = await Lab.open();
  try {
    const namespace = await lab.namespace('radius');
    const reply = ['Tunnel-Type:1 = L2TP', 'Tunnel-Server-Endpoint:1 = "192.0.2.1"', 'Tunnel-Password:1 = "tunnel"'];
    const users = [{ name: 'flopsy', password: 'arctangent', reply }];
    await startFreeRadius(lab, { namespace, address: ADDRESS, clients: '127.0.0.0/8', secret: 'shared', users });
    const ask = async (service: 'authentication' | 'accounting', request: RadiusRequest) => {
      const port = service === 'accounting' ? 1813 : 1812;
      const peer = await RawPeer.start(namespace, ADDRESS, port);
      const server = { address: ADDRESS, port, secret: ascii('shared'), answersStatusServer: false };
      const client = new RadiusClient(
        {
          service,
          servers: [{ ...server, requiresMessageAuthenticator: true }],
          sourcePorts: 1,
          initialRetransmission_ms: 2_000,
          maxRetransmission_ms: 8_000,
          maxTransmissions: 3,
          maxDuration_ms: 20_000,
          transmissionsPerServer: 3,
          deadTime_ms: 60_000,
        },
        (length) => Uint8Array.from(randomBytes(length)),
      );
      client.request(request, 0);
      await peer.send(client.pollTransmit()!.datagram);
      const [datagram] = await until('the reply', 5_000, () => peer.packets().length > 0 && peer.packets());
      client.handleDatagram({ sourcePortIndex: 0, address: ADDRESS, port, datagram }, 1);
      const event = client.pollEvent();
      assert.ok(event?.type === 'reply', JSON.stringify(client.counters));
      return event;
    };
    const userName = 'flopsy';
    for (const [password, code] of [
      ['arctangent', 'accept'],
      ['wrong', 'reject'],
    ] as const) {
      const pap = await ask('authentication', { values: { userName }, password: ascii(password) });
      const chap = await ask('authentication', {
        values: { userName, chapChallenge: CHALLENGE, chapPassword: chapPassword(7, ascii(password), CHALLENGE) },
      });
      const ntResponse = generateNtResponse(CHALLENGE, CHALLENGE, ascii(userName), password);
      const response = Uint8Array.of(7, 0, ...CHALLENGE, ...new Uint8Array(8), ...ntResponse);
      const msChap = await ask('authentication', {
        values: { userName, msChapChallenge: CHALLENGE, msChap2Response: response },
      });
      assert.deepEqual([pap.code, chap.code, msChap.code], [code, code, code]);
      if (code === 'reject') continue;
      for (const { values } of [pap, chap, msChap]) {
        assert.deepEqual(values.tunnelPassword, [{ tag: 1, value: ascii('tunnel') }]);
        assert.deepEqual(values.tunnelServerEndpoint, [{ tag: 1, value: '192.0.2.1' }]);
      }
      assert.equal(msChap.values.msChap2Success?.length, 43);
    }
    for (const acctStatusType of [1, 3, 2]) {
      const event = await ask('accounting', { values: { userName, acctSessionId: '0001', acctStatusType } });
      assert.equal(event.code, 'accounting-response');
    }
    const detail = readFileSync(join(lab.folder, 'freeradius', 'accounting'), 'utf8');
    const statuses = [...detail.matchAll(/Acct-Status-Type = (\S+)/g)].map(([, status]) => status);
    assert.deepEqual(statuses, ['Start', 'Interim-Update', 'Stop']);
  } finally {
    await lab.close();
  }
});
