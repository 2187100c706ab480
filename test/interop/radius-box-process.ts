/**
 * The box's RADIUS in the namespace that this program is started in, for radius-box.ts: asks about users that prove who
 * they are as a PPP peer would, and ends and changes calls of a list as it is told. Knows neither PPP nor L2TP.
 *
 *   argument  {"radius":…, "tunnelGroups":…, "filters":…, "calls":[…]}: parts of the settings, and the calls that stand
 *   in        {"id":1,"role":"lns","protocol":"pap","name":"alice","password":"x"} or {"servers":true}
 *   out       {"ready":true}, {"id":1,"took_ms":3,"answer":…}, {"servers":…}, {"log":…}, {"ended":…}, {"changed":…}
 */
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { Radius } from '../../firmware/control/radius/radius.js';
import { chapMd5 } from '../../firmware/crypto/chap.js';
import { generateNtResponse } from '../../firmware/crypto/mschap.js';
import type { AuthenticationRequest } from '../../firmware/protocol/ppp/link.js';
import type { CallInfo } from '../../firmware/roles/role.js';
import { DEFAULT_SETTINGS, type Settings } from '../../firmware/settings.js';
import { octets } from '../../firmware/wire/bytes.js';
import { standingCall } from '../unit/control/standing-call.js';
import type { RadiusBoxArgument, RadiusBoxOrder, UserOrder } from './radius-box.js';

const { radius, tunnelGroups, filters, calls } = JSON.parse(process.argv[2]!) as RadiusBoxArgument;
const settings: Settings = {
  ...DEFAULT_SETTINGS,
  filters: [...filters],
  lac: { ...DEFAULT_SETTINGS.lac, tunnelGroups: [...tunnelGroups] },
  radius: { ...DEFAULT_SETTINGS.radius, ...radius },
};
const standing = calls.map(standingCall);
const tell = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);
const log =
  (level: string) =>
  (fields: object, message: string): void =>
    tell({ log: { level, message, ...fields } });

const box = new Radius(
  {
    now_ms: () => performance.now(),
    unixTime_ms: Date.now,
    random: (length) => Uint8Array.from(randomBytes(length)),
    log: { info: log('info'), warn: log('warn'), error: log('error') },
    calls: () => standing,
    disconnect: ({ accountingId }, reason) => tell({ ended: accountingId, reason }),
    change: async ({ accountingId }, change) => tell({ changed: accountingId, change }),
  },
  settings,
);
box.configure(settings);

function proofOf({ protocol, name: text, password }: UserOrder): AuthenticationRequest {
  const name = octets(text);
  const [identifier] = randomBytes(1);
  const challenge = Uint8Array.from(randomBytes(16));
  switch (protocol) {
    case 'pap':
      return { protocol, name, identifier, password: octets(password) };
    case 'chap-md5':
      return { protocol, name, identifier, challenge, response: chapMd5(identifier, octets(password), challenge) };
    case 'mschapv2': {
      const peerChallenge = Uint8Array.from(randomBytes(16));
      const ntResponse = generateNtResponse(challenge, peerChallenge, name, password);
      return { protocol, name, identifier, challenge, peerChallenge, ntResponse };
    }
  }
}

function authenticate(order: UserOrder): void {
  const { id, role, name: userName } = order;
  const call: CallInfo = standingCall({
    callId: id,
    role,
    accountingId: `0000000f${id.toString(16).padStart(8, '0')}`,
  });
  const asked_ms = performance.now();
  box.authenticator?.authenticate(
    { type: 'authenticate', questionId: id, callId: id, userName, request: proofOf(order), call },
    ({ answer, authorization }) => tell({ id, took_ms: performance.now() - asked_ms, answer, authorization }),
  );
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const order = JSON.parse(line) as RadiusBoxOrder;
  if ('servers' in order) tell({ servers: box.servers(), dynamicAuthorization: box.dynamicAuthorization() });
  else authenticate(order);
});
tell({ ready: true });
