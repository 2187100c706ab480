/**
 * PPPoE as fuzz targets: the parsers with a frame each, and the access concentrator with all that hosts send it in a while.
 * Random numbers and the secret are the same for each input, so that cookies and SESSION_IDs are those of the seed.
 *
 * An input of the access concentrator is a list of records: | length of the frame (16) | frame |.
 */
import { AccessConcentrator } from '../../firmware/protocol/pppoe/discovery.js';
import { DISCOVERY_DROPS } from '../../firmware/protocol/pppoe/events.js';
import { emitAccessLine, parseAccessLine } from '../../firmware/wire/access-line.js';
import { BROADCAST_MAC, emitEthernetHeader, parseEthernetHeader } from '../../firmware/wire/ethernet.js';
import {
  emitDiscoveryPacket,
  emitPppMaxPayload,
  PPPOE_CODE,
  PPPOE_ETHER_TYPE,
  PPPOE_TAG,
  type PppoeTag,
  parseDiscoveryPacket,
  parsePppMaxPayload,
  tagValue,
} from '../../firmware/wire/pppoe.js';
import { ascii } from '../vectors/vectors.js';
import type { FuzzTarget } from './fuzzer.js';
import { polled, randomBytes } from './machines.js';

const [INTERFACE, AC_MAC, HOST_MAC] = [7, '02:00:5e:00:53:02', '02:00:5e:00:53:01'];
const NOW_MS = 1_000_000;
const SMALLEST_FRAME_BYTES = 14 + 6;
const LARGEST_FRAME_BYTES = 14 + 8 + 1500;

const SERVICE_NAME: PppoeTag = { type: PPPOE_TAG.serviceName, value: ascii('internet') };
const TAGS: readonly PppoeTag[] = [
  SERVICE_NAME,
  { type: PPPOE_TAG.hostUniq, value: ascii('host') },
  { type: PPPOE_TAG.relaySessionId, value: ascii('relay') },
  emitPppMaxPayload(1500),
  emitAccessLine({
    agentCircuitId: 'dslam7 atm 3/0:100.33',
    actualDataRateUpstream_bps: 10_000_000,
    accessLoopEncapsulation: { dataLink: 1, encapsulation1: 1, encapsulation2: 5 },
    iwfSession: true,
  }),
];

function frameOf(code: number, sessionId: number, tags: readonly PppoeTag[], vlanIds: readonly number[]): Uint8Array {
  const header = emitEthernetHeader({
    destination: code === PPPOE_CODE.padi ? BROADCAST_MAC : AC_MAC,
    source: HOST_MAC,
    tags: vlanIds.map((vlanId) => ({ tagProtocol: 0x8100, priority: 0, dropEligible: false, vlanId })),
    etherType: PPPOE_ETHER_TYPE.discovery,
  });
  return Uint8Array.of(...header, ...emitDiscoveryPacket({ code, sessionId, tags }));
}

/** Reads all of a frame that there is to read. */
function readFrame(frame: Uint8Array): void {
  const { tags } = parseDiscoveryPacket(frame.subarray(parseEthernetHeader(frame).payloadOffset));
  parseAccessLine(tags);
  const value = tagValue(tags, PPPOE_TAG.pppMaxPayload);
  if (value !== undefined) parsePppMaxPayload(value);
}

function concentrator(): AccessConcentrator {
  return new AccessConcentrator(
    {
      interfaces: [{ index: INTERFACE, mac: AC_MAC, mtu_bytes: 1508 }],
      acName: 'ac',
      serviceNames: ['internet'],
      servesAnyName: false,
      maxSessions: 8,
      maxSessionsPerInterface: 8,
      maxSessionsPerMac: 3,
      offers: { perMac_per_s: 20, perInterface_per_s: 20 },
      requests: { perMac_per_s: 20, perInterface_per_s: 20 },
    },
    ascii('known to nobody else'),
    randomBytes(1),
  );
}

/** A role that accepts two of three requests; gives what was sent. */
function answer(ac: AccessConcentrator): Uint8Array[] {
  for (const event of polled(() => ac.pollEvent())) {
    if (event.type !== 'session-requested') continue;
    const { sessionKey } = event.session;
    const refusal = { accepted: false, error: 'generic', message: 'no' } as const;
    ac.answerSession(sessionKey, sessionKey % 3 === 2 ? refusal : { accepted: true });
  }
  return [...polled(() => ac.pollTransmit())].map(({ frame }) => frame);
}

/** Two hosts, one of them behind two VLAN tags: PADI, PADR twice, PADT. */
function conversation(): Uint8Array[] {
  const ac = concentrator();
  const said: Uint8Array[] = [];
  const say = (frame: Uint8Array): Uint8Array[] => {
    said.push(frame);
    ac.handleFrame(INTERFACE, frame, NOW_MS);
    return answer(ac);
  };
  const read = (frame: Uint8Array) => parseDiscoveryPacket(frame.subarray(parseEthernetHeader(frame).payloadOffset));
  for (const [vlanIds, tags] of [
    [[], [SERVICE_NAME]],
    [[7, 100], TAGS],
    [[], TAGS],
  ] as const) {
    const [pado] = say(frameOf(PPPOE_CODE.padi, 0, tags, vlanIds));
    const cookie = { type: PPPOE_TAG.acCookie, value: tagValue(read(pado).tags, PPPOE_TAG.acCookie)! };
    const padr = frameOf(PPPOE_CODE.padr, 0, [...tags, cookie], vlanIds);
    const [pads] = say(padr);
    say(padr);
    say(frameOf(PPPOE_CODE.padt, read(pads).sessionId, [], vlanIds));
  }
  return said;
}

function runConversation(input: Uint8Array): void {
  const ac = concentrator();
  let frames = 0;
  for (let offset = 0; offset + 2 <= input.length; frames++) {
    const end = offset + 2 + ((input[offset] << 8) | input[offset + 1]);
    ac.handleFrame(INTERFACE, input.slice(offset + 2, end), NOW_MS);
    for (const sent of answer(ac)) {
      // What we send can be read, and fits into a frame.
      readFrame(sent);
      if (sent.length > LARGEST_FRAME_BYTES) throw new Error(`a frame of ${sent.length} bytes`);
    }
    offset = end;
  }
  const { sent, drops } = ac.counters;
  const counted = sent.pado + sent.pads + DISCOVERY_DROPS.reduce((sum, drop) => sum + drops[drop], 0);
  if (counted > 2 * frames) throw new Error(`${counted} outcomes of ${frames} frames`);
}

const CONVERSATION = conversation();

export const PPPOE_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'pppoe-frame',
    seeds: CONVERSATION,
    run: (input) => {
      readFrame(input);
      if (input.length < SMALLEST_FRAME_BYTES) throw new Error(`read a frame of ${input.length} bytes`);
    },
  },
  {
    name: 'pppoe-access-concentrator',
    seeds: [Uint8Array.from(CONVERSATION.flatMap((frame) => [frame.length >>> 8, frame.length & 0xff, ...frame]))],
    run: runConversation,
  },
];
